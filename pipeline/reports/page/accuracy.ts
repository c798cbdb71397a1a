/** How good a network is: the figure, how it came to it, by class, and whether it knows. */
import {
  type Calibration,
  calibration,
  classResults,
  confusionMatrix,
  evaluationOf,
} from "../../inference/answers.ts";
import { isPatienceOver } from "../../runs/best_epoch.ts";
import { accuracyChart, lossChart, reliabilityChart } from "./charts.ts";
import { Html, html, table } from "./html.ts";
import { confusions } from "./mistakes.ts";
import { isOfPictures, type Report } from "./report.ts";
import { percent, whole } from "./texts.ts";

/** The figure, and how it was measured. */
export function headline({ answers, part, precision, info, metrics, network, bestEpoch }: Report): Html {
  const { accuracy, correct, images, loss } = evaluationOf(answers);
  const { testing } = info.recipe;
  const how = isOfPictures(info) ? "its middle" : "as it is";
  const which = part === "test"
    ? `Each test image was looked at once, ${how}, without test-time augmentation`
    : "The data set has no test images: these are the validation images, held out from training. " +
      `Each was looked at once, ${how}`;
  // Of a mean of so many independent answers, each right or wrong.
  const error = (100 * Math.sqrt(accuracy * (1 - accuracy) / images)).toFixed(2);
  const statistics = testing.statistics === "batch" ? " (with the statistics of each batch)" : "";
  const found = info.test ?? info.validation;
  const recorded = [
    found && `${percent(found.accuracy)} as the recipe measures${statistics}`,
    info.testTta && `${percent(info.testTta.accuracy)} with test-time augmentation (mean of six views)`,
  ].filter((text) => text !== undefined).join("; ");
  const { epochs = info.recipe.training.epochs } = info;
  return html`
    <p class="headline">${percent(accuracy)}</p>
    <p>of the ${whole(images)} ${part} images are right: ${whole(correct)}. ${network.name}, ${whole(
      network.parameters,
    )} parameters.</p>
    <p>${which}; running statistics, convolutions in ${precision}. The mean loss is ${loss.toFixed(4)} nats.
    With so many images one standard error of the accuracy is ${error} points.</p>
    ${bestEpoch !== undefined &&
      html`<p>The weights are those of the best epoch, ${bestEpoch} of ${metrics.length}, chosen by
      the validation images${part === "validation" && ", so that their figure is a little too good"}.</p>`}
    ${recorded !== "" &&
      html`<p>Recorded when it was trained, on the ${
        info.test ? "test" : "validation"
      } images: ${recorded}.</p>`}
    ${!isDone(info, metrics) &&
      html`<p><strong>The run is not done: ${metrics.length} of ${epochs} epochs.</strong></p>`}
  `;
}

/** Whether all epochs are done, or the run ended before since validation was no better any more, or the time was over. */
function isDone(
  { recipe: { training, stopping }, epochs = training.epochs, ...info }: Report["info"],
  metrics: Report["metrics"],
): boolean {
  if (metrics.length >= epochs) return true;
  return stopping !== undefined &&
    ((info.test ?? info.validation) !== undefined || isPatienceOver(metrics, stopping));
}

/** How loss and accuracy went; nothing before the first epoch is done. */
export async function curves({ info, metrics }: Report): Promise<Html | undefined> {
  const [first, last] = [metrics.at(0), metrics.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const loss = `${first.loss.toFixed(4)} in the first, ${last.loss.toFixed(4)} in the last`;
  const validation = last.validationAccuracy === null
    ? "none was measured while it trained"
    : `${percent(last.validationAccuracy)} on the validation images after the last epoch`;
  return html`
    <h2>Training</h2>
    <div class="charts">
      ${figure(
        await lossChart(metrics),
        `Training loss by epoch: ${loss}`,
        "Mean loss over the images of each epoch, with label smoothing and random changes as it was trained.",
      )} ${figure(
        await accuracyChart(info, metrics),
        `Accuracy by epoch: ${validation}`,
        `Accuracy after each epoch${info.test ? "; dashed: on the test images, at the end" : ""}.`,
      )}
    </div>
  `;
}

function figure(svg: string, label: string, caption: string): Html {
  return html`
    <figure>
      <div role="img" aria-label="${label}">${new Html(svg)}</div>
      <figcaption>${caption}</figcaption>
    </figure>
  `;
}

/** How each class fares. */
export function byClass({ answers, classes }: Report): Html {
  const matrix = confusionMatrix(answers);
  const most = new Map(confusions(matrix).toReversed().map((found) => [found.truth, found]));
  const results = classResults(matrix)
    .filter(({ images }) => images > 0)
    .sort((a, b) => a.correct / a.images - b.correct / b.images);
  const rows = results.map(({ label, images, correct, guesses }) => {
    const share = (100 * correct / images).toFixed(1);
    const other = most.get(label);
    return html`
      <tr>
        <th scope="row">${classes[label]}</th>
        <td class="number">${whole(correct)} of ${whole(images)}</td>
        <td class="number">${share} %</td>
        <td class="bars"><span class="bar" style="width:${share}%"></span></td>
        <td class="number">${percent(correct / guesses, 1)}</td>
        <td>${other && `${classes[other.guess]} (${whole(other.count)})`}</td>
      </tr>
    `;
  });
  const head = html`
    <th>class</th>
    <th class="number">right</th>
    <th class="number">accuracy</th>
    <td class="bars"></td>
    <th class="number">precision</th>
    <th>else most often</th>
  `;
  return html`
    <h2>By class</h2>
    <p>The worst first. Accuracy: of the images of a class, how many are taken for it (recall). Precision: of
    those taken for it, how many are of it.</p>
    ${table(head, rows, { kind: "results" })}
  `;
}

/** A difference of mean confidence and accuracy that is none. */
const ABOUT_EQUAL = 0.005;

/** Whether it is as often right as it is sure. */
export async function calibrated({ answers }: Report): Promise<Html> {
  const found = calibration(answers);
  const { bins, confidence, accuracy, expectedError } = found;
  const verdict = Math.abs(confidence - accuracy) < ABOUT_EQUAL
    ? "about as often as it is sure"
    : confidence > accuracy
    ? "it is surer than it should be"
    : "it is less sure than it could be";
  const rows = bins.filter(({ images }) => images > 0).map((bin) =>
    html`
      <tr>
        <td class="number">${percent(bin.from, 1)} to ${percent(bin.to, 1)}</td>
        <td class="number">${whole(bin.images)}</td>
        <td class="number">${percent(bin.confidence, 1)}</td>
        <td class="number">${percent(bin.accuracy, 1)}</td>
      </tr>
    `
  );
  return html`
    <h2>Is it as often right as it is sure?</h2>
    <p>Its confidence, the probability of the class that it names, is ${percent(
      confidence,
    )} on average, and it
    is right on ${percent(accuracy)}: ${verdict}. <strong>Expected calibration error: ${percent(
      expectedError,
    )}</strong>, with ${bins.length} bins of equal width (Guo et al. 2017).</p>
    <div class="charts">
      ${figure(
        await reliabilityChart(found),
        reliabilityText(found),
        "Bars below the dashed line: surer than right.",
      )}
      ${table(numbers("confidence", "images", "on average", "right"), rows)}
    </div>
  `;
}

/** Heads of columns of numbers. */
function numbers(...names: readonly string[]): Html[] {
  return names.map((name) => html`<th class="number">${name}</th>`);
}

function reliabilityText({ bins }: Calibration): string {
  const gap = ({ accuracy, confidence }: Calibration["bins"][number]) => Math.abs(accuracy - confidence);
  const off = bins.filter(({ images }) => images > 0)
    .reduce((worst, bin) => gap(bin) > gap(worst) ? bin : worst);
  return `Reliability diagram: accuracy by confidence in ${bins.length} bins; farthest off where it is ` +
    `${percent(off.confidence, 0)} sure and ${percent(off.accuracy, 0)} right`;
}
