/**
 * Draws the picture at the top of the README: the first test images of CIFAR-10 with what a run takes them for, and how it
 * came there.
 *
 *   deno run -A docs/front_page/draw.ts RUN [DATA]
 */
import { join } from "@std/path";
import { encode } from "fast-png";
import {
  evaluate,
  loadCifar,
  loadWeights,
  modelFor,
  predict,
  readMetrics,
  readRunInfo,
  tf,
} from "../../mod.ts";
import { prepare } from "../../pipeline/training/mod.ts";

const [run, dataFolder = "data"] = Deno.args;
const COUNT = 12;
const [SIDE, GAP, TOP, LEFT] = [72, 16, 34, 12];

await tf.ready();
const { recipe } = await readRunInfo(run);
const { test } = prepare(await loadCifar(dataFolder), recipe);
const model = modelFor(recipe.network, test!);
const variables = await loadWeights(join(run, "model.safetensors"), model);
const { accuracy } = evaluate(model, variables, test!);
const first = { ...test!, indices: test!.indices.subarray(0, COUNT) };
const shown = predict({ ...test!, model, variables }, first);
const metrics = await readMetrics(run);

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** An image `[32, 32, 3]` of the test set as the address of a PNG. */
function address(image: number): string {
  const [height, width, channels] = test!.imageShape;
  const size = height * width * channels;
  const data = test!.images.subarray(image * size, (image + 1) * size);
  return `data:image/png;base64,${
    new Uint8Array(encode({ width, height, channels, data, depth: 8 })).toBase64()
  }`;
}

const columns = COUNT / 2;
const pictures = shown.map(([best], image) => {
  const [x, y] = [LEFT + (image % columns) * (SIDE + GAP), TOP + Math.floor(image / columns) * (SIDE + 46)];
  const truth = test!.classes[test!.labels[image]];
  const isRight = best.className === truth;
  const [middle, colour] = [x + SIDE / 2, isRight ? "#1a7f37" : "#cf222e"];
  const sure = `${Math.round(100 * best.probability)} %${isRight ? "" : `, it is a ${truth}`}`;
  return `<image x="${x}" y="${y}" width="${SIDE}" height="${SIDE}" href="${address(image)}"/>
<text x="${middle}" y="${y + SIDE + 16}" text-anchor="middle" fill="${colour}">${
    escape(best.className)
  }</text>
<text x="${middle}" y="${y + SIDE + 30}" text-anchor="middle" fill="#57606a">${escape(sure)}</text>`;
});

const plot = { x: LEFT + columns * (SIDE + GAP) + 46, y: TOP, width: 250, height: 2 * SIDE + 46 };
const points = metrics.map(({ epoch, validationAccuracy }) => ({ epoch, accuracy: validationAccuracy! }));
const across = (epoch: number): number => plot.x + plot.width * (epoch - 1) / (points.length - 1);
const up = (share: number): number => plot.y + plot.height * (1 - (share - 0.6) / 0.4);
const line = points.map(({ epoch, accuracy }) => `${across(epoch).toFixed(1)},${up(accuracy).toFixed(1)}`)
  .join(" ");
const grid = [0.6, 0.7, 0.8, 0.9, 1].map((share) =>
  `<line x1="${plot.x}" x2="${plot.x + plot.width}" y1="${up(share)}" y2="${up(share)}" stroke="#d0d7de"/>
<text x="${plot.x - 6}" y="${up(share) + 4}" text-anchor="end" fill="#57606a">${
    Math.round(100 * share)
  } %</text>`
);
const width = plot.x + plot.width + 24;
const height = TOP + plot.height + 40;
const minutes = metrics.at(-1)!.seconds / 60;
const svg =
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"
  font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="The first ${COUNT} test images and the curve">
<rect width="100%" height="100%" rx="8" fill="#ffffff"/>
<text x="${LEFT}" y="21" font-size="14" fill="#1f2328">The first ${COUNT} test images, and what they are taken for</text>
<text x="${plot.x - 34}" y="21" font-size="14" fill="#1f2328">${
    (100 * accuracy).toFixed(1)
  } % of 10,000, after ${minutes.toFixed(1)} minutes</text>
${pictures.join("\n")}
${grid.join("\n")}
<polyline points="${line}" fill="none" stroke="#0969da" stroke-width="2"/>
${
    points.map(({ epoch, accuracy }) =>
      `<circle cx="${across(epoch)}" cy="${up(accuracy)}" r="3" fill="#0969da"/>`
    ).join("")
  }
<text x="${plot.x + plot.width / 2}" y="${
    plot.y + plot.height + 26
  }" text-anchor="middle" fill="#57606a">validation accuracy by epoch, 1 to ${points.length}</text>
</svg>
`;
await Deno.writeTextFile(new URL("predictions.svg", import.meta.url), svg);
Deno.exit(0);
