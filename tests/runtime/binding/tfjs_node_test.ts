/** What tfjs-node has besides kernels: images, files, progress, TensorBoard. SavedModels: saved_model_test.ts. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { progressBarHelper } from "@tensorflow/tfjs-node-gpu/dist/callbacks.js";
import { decode, encode } from "fast-png";
import { tf } from "../../../runtime/mod.ts";
import { readEvents } from "../../events.ts";
import { inFolder } from "../../in_folder.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { leakTest } from "../harness.ts";

/** Two rows of three pixels. */
const PIXELS = [255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 128, 129, 130, 252, 253, 254];

/** A GIF of one pixel by one, of the colour (255, 128, 0), in as many frames. */
function gif(frames: number): Uint8Array {
  const frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]; // descriptor; LZW: clear, colour 0, end
  const colours = [255, 128, 0, 0, 0, 0];
  return Uint8Array.from([
    ...new TextEncoder().encode("GIF89a"),
    ...[1, 0, 1, 0, 0x80, 0, 0],
    ...colours,
    ...Array(frames).fill(frame).flat(),
    0x3b,
  ]);
}

/** A BMP of two pixels side by side, 24 bits each: (10, 20, 30) and (40, 50, 60). */
function bmp(): Uint8Array {
  const bytes = new Uint8Array(54 + 8);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("BM"));
  for (const [at, value] of [[2, bytes.length], [10, 54], [14, 40], [18, 2], [22, 1], [34, 8]]) {
    view.setUint32(at, value, true);
  }
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 24, true); // bits
  bytes.set([30, 20, 10, 60, 50, 40], 54); // blue, green, red
  return bytes;
}

leakTest("tf.node: PNG there and back, each way held against fast-png", async () => {
  const image = tf.tensor3d(PIXELS, [2, 3, 3], "int32");
  const ours = await tf.node.encodePng(image);
  assertEquals([...decode(ours).data], PIXELS);
  const theirs = encode({ width: 3, height: 2, data: Uint8Array.from(PIXELS), channels: 3 });
  for (const read of [tf.node.decodePng, tf.node.decodeImage]) {
    const found = read(theirs);
    assertEquals([found.dtype, found.shape, [...found.dataSync()]], ["int32", [2, 3, 3], PIXELS]);
    found.dispose();
  }
  const opaque = tf.node.decodePng(theirs, 4);
  assertEquals([...opaque.dataSync()].slice(0, 8), [255, 0, 0, 255, 0, 255, 0, 255]);
  tf.dispose([image, opaque]);
});

leakTest("tf.node: JPEG there and back, within what it loses", async () => {
  const image = tf.fill([16, 8, 3], 77, "int32") as tf.Tensor3D;
  const bytes = await tf.node.encodeJpeg(image, "rgb", 95);
  assertEquals([...bytes.slice(0, 3)], [0xff, 0xd8, 0xff]);
  for (const read of [tf.node.decodeJpeg, tf.node.decodeImage]) {
    const found = read(bytes);
    assertEquals([found.dtype, found.shape], ["int32", [16, 8, 3]]);
    assert(found.dataSync().every((value) => Math.abs(value - 77) <= 1), `${found.dataSync()}`);
    found.dispose();
  }
  const grey = tf.node.decodeJpeg(bytes, 1);
  assertEquals(grey.shape, [16, 8, 1]);
  tf.dispose([image, grey]);
});

leakTest("tf.node: BMP and GIF by their bytes", () => {
  for (const read of [tf.node.decodeBmp, tf.node.decodeImage]) {
    const found = read(bmp());
    assertEquals([found.shape, [...found.dataSync()]], [[1, 2, 3], [10, 20, 30, 40, 50, 60]]);
    found.dispose();
  }
  const frames = tf.node.decodeImage(gif(2));
  assertEquals([frames.shape, [...frames.dataSync()]], [[2, 1, 1, 3], [255, 128, 0, 255, 128, 0]]);
  const first = tf.node.decodeImage(gif(2), 3, "int32", false);
  assertEquals([first.shape, [...first.dataSync()]], [[1, 1, 3], [255, 128, 0]]);
  tf.dispose([frames, first]);
  assertThrows(
    () => tf.node.decodeImage(new Uint8Array([1, 2, 3])),
    Error,
    "Expected image (BMP, JPEG, PNG, or GIF)",
  );
});

/** A network of one layer, x times 2 plus 1, which learns nothing. */
function line(): tf.Sequential {
  const weights = [tf.tensor2d([[2]]), tf.tensor1d([1])];
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], weights })] });
  tf.dispose(weights);
  model.compile({ optimizer: tf.train.sgd(0), loss: "meanSquaredError" });
  return model;
}

/** A test with an empty folder, and with models of tfjs-layers, which keeps tensors of its own. */
function layersTest(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !canLoadTensorFlow,
    fn: async () => {
      await tf.ready();
      await inFolder(fn);
    },
  });
}

layersTest("tf.io: file:// saves and loads a model", async (dir) => {
  const address = `file://${join(dir, "model")}`;
  const model = line();
  await model.save(address);
  const weights = await Deno.readFile(join(dir, "model", "weights.bin"));
  assertEquals([...new Float32Array(weights.buffer)], [2, 1]);
  const loaded = await tf.loadLayersModel(`${address}/model.json`);
  tf.tidy(() => assertEquals((loaded.predict(tf.tensor2d([[10]])) as tf.Tensor).dataSync()[0], 21));
  model.dispose();
  loaded.dispose();
  await assertRejects(
    () => tf.loadLayersModel(`file://${dir}/missing.json`),
    Error,
    `Path ${dir}/missing.json does not exist: loading failed`,
  );
});

/** What `body` has printed by the progress bar. */
async function printed(body: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const { log } = progressBarHelper;
  progressBarHelper.log = (line) => lines.push(line);
  try {
    await body();
  } finally {
    progressBarHelper.log = log;
  }
  return lines;
}

layersTest("tf.layers: fit shows its progress, unless it is told not to", async () => {
  const [x, y] = [tf.tensor2d([[1], [2]]), tf.tensor2d([[3], [5]])];
  const fit = (verbose?: 0) => printed(() => line().fit(x, y, { epochs: 2, verbose }));
  const lines = await fit();
  assertEquals(lines.filter((line) => line.startsWith("Epoch")), ["Epoch 1 / 2", "Epoch 2 / 2"]);
  assertEquals(lines.filter((line) => /us\/step - loss=0\.00/.test(line)).length, 2, `${lines}`);
  assertEquals(await fit(0), []);
  tf.dispose([x, y]);
});

layersTest("tf.node.summaryFileWriter: scalars and histograms, as TensorBoard reads them", async (dir) => {
  const writer = tf.node.summaryFileWriter(dir);
  writer.scalar("loss", 0.5, 3);
  writer.scalar("loss", tf.scalar(0.25), 4);
  writer.histogram("weights", tf.tensor1d([0, 1, 2, 3, 4]), 5, 2);
  writer.histogram("same", tf.tensor1d([7, 7, 7]), 6);
  writer.flush();
  assertEquals(await readEvents(dir), [
    { step: 3, tag: "loss", simpleValue: 0.5 },
    { step: 4, tag: "loss", simpleValue: 0.25 },
    // Of each bucket the left edge, the right edge, and how many there are.
    { step: 5, tag: "weights", plugin: "histograms", values: [0, 2, 2, 2, 4, 3] },
    { step: 6, tag: "same", plugin: "histograms", values: [6.5, 7.5, 3] },
  ]);
});

layersTest("tf.node.tensorBoard: a callback of fit writes the losses", async (dir) => {
  const [x, y] = [tf.tensor2d([[1], [2]]), tf.tensor2d([[3], [6]])];
  const callbacks = tf.node.tensorBoard(dir);
  const { history } = await line().fit(x, y, { epochs: 2, verbose: 0, validationData: [x, y], callbacks });
  for (const [part, key] of [["train", "loss"], ["val", "val_loss"]]) {
    const losses = (await readEvents(join(dir, part))).filter(({ tag }) => tag === "epoch_loss");
    assertEquals(losses.map(({ step }) => step), [1, 2]);
    losses.forEach(({ simpleValue }, i) => assertAlmostEquals(simpleValue!, history[key][i] as number, 1e-6));
    assertAlmostEquals(losses[0].simpleValue!, 0.5, 1e-6); // the mean of 0 and 1
  }
  tf.dispose([x, y]);
});
