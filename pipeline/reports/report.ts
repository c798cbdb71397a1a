/** One page about a trained network: how good it is, what it gets wrong, what it was trained on, and how it is done again. */
import { evaluationOf } from "../inference/answers.ts";
import { byClass, calibrated, curves, headline } from "./page/accuracy.ts";
import { html, pageText } from "./page/html.ts";
import { confusion, mistakes } from "./page/mistakes.ts";
import { data, settings } from "./page/origin.ts";
import type { Report } from "./page/report.ts";
import { STYLE } from "./page/style.ts";
import { percent } from "./page/texts.ts";

export type { PicturedMistake, Report } from "./page/report.ts";

/** The page may load nothing, from this machine or another, and run nothing. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/**
 * The page: one HTML file that needs no other and no network, and runs nothing.
 * @example
 * ```ts
 * import { type Report, reportHtml } from "@resnet/deno/reports";
 *
 * async function write(report: Report) {
 *   await Deno.writeTextFile("report.html", await reportHtml(report));
 * }
 * ```
 */
export async function reportHtml(report: Report): Promise<string> {
  const { info: { recipe, seed }, run, answers } = report;
  const { accuracy } = evaluationOf(answers);
  const sections = [
    headline(report),
    await curves(report),
    byClass(report),
    confusion(report),
    mistakes(report),
    await calibrated(report),
    data(report),
    settings(report),
  ];
  const body = html`
    <header>
      <h1>${recipe.name}, seed ${seed}</h1>
      <p class="quiet">${recipe.about}. Run folder: ${run}</p>
    </header>
    <main>
      ${sections}
    </main>
  `;
  const title = `${recipe.name}, seed ${seed}: ${percent(accuracy)}`;
  return pageText({ title, policy: POLICY, style: STYLE, body });
}
