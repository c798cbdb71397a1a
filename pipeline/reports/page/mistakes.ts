/** What a network gets wrong: what it takes for what, and the mistakes that it is most sure of. */
import { confusionMatrix, evaluationOf } from "../../inference/answers.ts";
import { type Html, html, picture, table } from "./html.ts";
import type { Report } from "./report.ts";
import { STRONGEST } from "./style.ts";
import { percent, total, whole } from "./texts.ts";

/** With more classes the table of what is taken for what is a picture without numbers. */
const MOST_IN_TABLE = 20;

/** How many of the most frequent confusions are listed. */
const CONFUSIONS = 10;

/** A class that is taken for another. */
export interface Confusion {
  /** The one. */
  readonly truth: number;
  /** The other. */
  readonly guess: number;
  /** How many images are. */
  readonly count: number;
}

/** What is taken for something else, the most frequent first. */
export function confusions(matrix: readonly (readonly number[])[]): Confusion[] {
  return matrix
    .flatMap((row, truth) => row.map((count, guess) => ({ truth, guess, count })))
    .filter(({ truth, guess, count }) => truth !== guess && count > 0)
    .sort((a, b) => b.count - a.count);
}

/** What is taken for what. */
export function confusion({ answers, classes }: Report): Html {
  const matrix = confusionMatrix(answers);
  const isTable = classes.length <= MOST_IN_TABLE;
  const most = confusions(matrix).slice(0, CONFUSIONS).map(({ truth, guess, count }) =>
    html`
      <tr>
        <td>${classes[truth]}</td>
        <td>${classes[guess]}</td>
        <td class="number">${whole(count)}</td>
      </tr>
    `
  );
  const head = html`
    <th>what it is</th>
    <th>taken for</th>
    <th class="number">images</th>
  `;
  return html`
    <h2>What is taken for what</h2>
    <div class="beside">
      <figure class="${isTable ? "matrix" : "map"}">
        ${isTable ? confusionTable(matrix, classes) : heatMap(matrix)}
        <figcaption>Rows: what the images are. Columns: what they are taken for${isTable
          ? ""
          : ", both in the order of the class numbers"}. The stronger the colour, the larger the share of the
        row.</figcaption>
      </figure>
      ${table(head, most, { caption: "The most frequent mistakes" })}
    </div>
  `;
}

/** A cell's colour, and how strong it is: a root shows what is small beside what is large. */
function shade(count: number, images: number, isHit: boolean): { colour: string; strength: number } {
  return { colour: isHit ? "var(--hit)" : "var(--miss)", strength: Math.sqrt(count / images) };
}

function confusionTable(matrix: readonly (readonly number[])[], classes: readonly string[]): Html {
  const rows = matrix.map((row, truth) => {
    const cells = row.map((count, guess) => {
      if (count === 0) return html`<td class="quiet">0</td>`;
      const { colour, strength } = shade(count, total(row), truth === guess);
      const share = (STRONGEST * strength).toFixed(0);
      return html`<td style="background:color-mix(in srgb,${colour} ${share}%,var(--paper))">${count}</td>`;
    });
    return html`
      <tr><th scope="row">${classes[truth]}</th>${cells}</tr>
    `;
  });
  const head = html`<td></td>${classes.map((name) => html`<th scope="col">${name}</th>`)}`;
  return table(head, rows, { kind: "confusion" });
}

function heatMap(matrix: readonly (readonly number[])[]): Html {
  const size = matrix.length;
  const label = `Confusion matrix of ${size} classes: the most frequent mistakes stand in the table`;
  const cells = matrix.flatMap((row, truth) =>
    row.map((count, guess) => {
      if (count === 0) return undefined;
      const { colour, strength } = shade(count, total(row), truth === guess);
      const place = html`x="${guess}" y="${truth}" width="1" height="1"`;
      return html`
        <rect ${place} fill="${colour}" opacity="${strength.toFixed(2)}" />
      `;
    })
  );
  return html`<svg class="heat" viewBox="0 0 ${size} ${size}" role="img" aria-label="${label}">${cells}</svg>`;
}

/** The mistakes that it is most sure of, with their pictures. */
export function mistakes({ mistakes, mapKind, classes, part, answers }: Report): Html {
  const { images, correct } = evaluationOf(answers);
  const figures = mistakes.map(({ label, guess, confidence, probability, ...shown }) => {
    const [truth, taken] = [classes[label], classes[guess]];
    const name = shown.file ?? `image ${shown.image}`;
    return html`
      <figure>
        <div class="pair">
          ${picture(shown.picture, `The ${part} image ${shown.file ?? shown.image}, of the class ${truth}`)}
          ${shown.map && picture(shown.map, `Where in it the network sees ${taken}: ${mapKind}`)}
        </div>
        <figcaption><strong>${truth}</strong>, taken for <strong>${taken}</strong>: ${percent(confidence, 1)}
        sure, ${percent(probability, 1)} for ${truth} (${name})</figcaption>
      </figure>
    `;
  });
  const names = mistakes.some(({ file }) => file !== undefined)
    ? "In brackets: the file of each in the folder of the images."
    : `Images are counted from 0, in the order of the ${part} images.`;
  return html`
    <h2>The mistakes that it is most sure of</h2>
    <p>${mistakes.length} of ${whole(images - correct)}. ${names} ${mapKind !== undefined &&
      `Beside each is where in it the network sees what it takes it for, from yellow to red: ${mapKind}.`}</p>
    <div class="pictures">
      ${figures}
    </div>
  `;
}
