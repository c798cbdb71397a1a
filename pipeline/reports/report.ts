/** One page about a trained network: how good it is, what it gets wrong, what it was trained on, and how it is done again. */
import { evaluationOf } from "../inference/answers.ts";
import { byClass, calibrated, curves, headline } from "./page/accuracy.ts";
import { Html, html } from "./page/html.ts";
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
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="${POLICY}">
        <title>${recipe.name}, seed ${seed}: ${percent(accuracy)}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
        <header>
          <h1>${recipe.name}, seed ${seed}</h1>
          <p class="quiet">${recipe.about}. Run folder: ${run}</p>
        </header>
        <main>
          ${sections}
        </main>
      </body>
    </html>
  `;
  return page.text.trim() + "\n";
}
