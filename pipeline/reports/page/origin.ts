/** Where a network comes from: the data that it saw, the settings, the machine, and the command that does it again. */
import { factsTable, type Html, html, picture } from "./html.ts";
import { isOfPictures, type Report } from "./report.ts";
import { percent, total, whole } from "./texts.ts";

/** The classes: how many images of each there are, and some of them. */
export function data({ classes, counts, pictures, info }: Report): Html {
  const parts = Object.entries(counts);
  const smallest = Math.min(...counts.training);
  const most = Math.max(...counts.training);
  const items = classes.map((name, label) => {
    const text = parts.map(([part, counts]) => `${whole(counts[label])} ${part}`).join(", ");
    const width = (100 * counts.training[label] / most).toFixed(1);
    const strip = pictures[label];
    return html`
      <li>
        <strong>${name}</strong> <span class="quiet">${text}</span>
        <span class="bar" style="width:${width}%"></span>
        ${strip && picture(strip, `The first training images of the class ${name}`)}
      </li>
    `;
  });
  const sizes = parts.map(([part, counts]) => `${whole(total(counts))} ${part} images`).join(", ");
  return html`
    <h2>The data</h2>
    <p>${sizes}, of ${classes.length} classes. The smallest class has ${percent(smallest / most, 0)} of the
    training images that the largest has. The bars are their number, the pictures the first ones of a class, ${isOfPictures(
        info,
      )
      ? "the middle of each"
      : "as they are stored"}.</p>
    <ul class="classes">
      ${items}
    </ul>
  `;
}

/** Settings, machine, versions, and the command. */
export function settings(report: Report): Html {
  const { info, repetition: { command, recipeFile } } = report;
  const how = [
    info.commit && "with the code of that commit",
    recipeFile && `where ${recipeFile.name} is the file below`,
  ].filter((text) => text !== undefined);
  return html`
    <h2>How it was made</h2>
    ${factsTable(facts(report))}
    <p>${["The command that repeats it", ...how].join(", ")}:</p>
    <pre><code>${command}</code></pre>
    ${recipeFile &&
      html`
        <details>
          <summary>${recipeFile.name}</summary>
          <pre><code>${recipeFile.json}</code></pre>
        </details>
      `}
  `;
}

/** What there is to say of a run, each with its name. */
function facts({ info, metrics, network, counts }: Report): [name: string, text: string][] {
  const { recipe, cpu, versions } = info;
  const { training } = recipe;
  const last = metrics.at(-1);
  const all: Readonly<Record<string, string | undefined>> = {
    "network": `${network.name}, ${whole(network.parameters)} parameters, takes [${
      network.input.join(", ")
    }]`,
    "epochs": `${recipe.stopping ? `${metrics.length} of at most ` : ""}${training.epochs}, each of ${
      whole(total(counts.training))
    } images`,
    "ends early": recipe.stopping && plain(recipe.stopping),
    "batch size": whole(training.batchSize),
    "optimizer": plain(training.optimizer),
    "learning rate": plain(training.schedule),
    "scaled from": training.scheduleBatch === undefined
      ? undefined
      : `batches of ${whole(training.scheduleBatch)}`,
    "label smoothing": String(training.labelSmoothing),
    "class weights": training.classWeights && short(training.classWeights),
    "lookahead": training.lookahead && plain(training.lookahead),
    "transforms": recipe.transforms.map(plain).join("; "),
    "frozen": [...training.freeze ? ["the trunk, statistics too"] : [], ...training.frozen ?? []].join(", "),
    "starts from": info.init,
    "seed": String(info.seed),
    "precision": info.precision,
    "time": last && `${(last.seconds / 60).toFixed(1)} minutes`,
    "speed": last && `${whole(Math.round(last.imagesPerSecond))} images a second in the last epoch`,
    "machine": `${cpu.model} (${cpu.instructions}), ${cpu.cores} cores`,
    "device": info.device,
    "versions": Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    "package": info.version,
    "commit": info.commit,
    "begun": info.started,
  };
  return Object.entries(all).flatMap(([name, text]) =>
    text === undefined || text === "" ? [] : [[name, text]]
  );
}

/** Digits of a number in the settings. */
const DIGITS = 6;

/** Plain data in a line: `sgd, momentum 0.9`. */
function plain(value: object): string {
  return Object.entries(value).map(([key, value]) => {
    if (key === "kind") return value;
    const isNested = typeof value === "object" && !Array.isArray(value);
    return `${key} ${isNested ? `(${plain(value)})` : short(value)}`;
  }).join(", ");
}

function short(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(short).join(", ")}]`;
  return typeof value === "number" ? String(Number(value.toPrecision(DIGITS))) : String(value);
}
