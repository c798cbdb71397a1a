/** Starting the runtime, and what tfjs-node's backend has beyond kernels: images, TensorBoard. */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { runtime } from "../../../runtime/binding/backend.ts";
import {
  configure,
  liveHandles,
  runtimeInfo,
  TensorFlowError,
  tf,
  UsageError,
} from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose } from "../../reference.ts";
import { held, isTensorFloat32On } from "../harness.ts";

Deno.test("runtimeInfo and liveHandles say that the runtime has not started", () => {
  for (const ask of [runtimeInfo, liveHandles]) {
    assertThrows(ask, Error, "The runtime has not started: call `await tf.ready()` first");
  }
});

Deno.test("configure refuses threads that there cannot be", () => {
  for (const threads of [0, -1, 1.5, NaN, 1025, 2 ** 31]) {
    const { message } = assertThrows(() => configure({ threads }), UsageError);
    const expected = Number.isNaN(threads) ? "" : ": expected a whole number from 1 to 1024";
    assertEquals(
      message.startsWith(`Cannot configure the runtime: threads is ${threads}${expected}`),
      true,
      message,
    );
  }
});

Deno.test({
  name: "ready makes libtensorflow tfjs' backend, once, however often it is called",
  ignore: !canLoadTensorFlow,
  async fn() {
    await Promise.all([tf.ready(), tf.ready()]);
    await tf.ready();
    assertEquals(tf.getBackend(), "tensorflow");
    const { version, devices, directory } = runtimeInfo();
    assertMatch(version, /^2\.\d+\.\d+/);
    assertEquals(devices[0], "CPU:0");
    assertEquals(Deno.statSync(directory).isDirectory, true);
  },
});

Deno.test({
  name: "configure refuses after the start",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    assertThrows(
      () => configure({ threads: 1 }),
      Error,
      "Cannot configure the runtime: it has started; call configure before ready",
    );
  },
});

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({
    name: `backend: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      await fn();
    },
  });
}

/** A picture that a lossless format has to give back, [height, width, 3]. */
const HEIGHT = 5;
const WIDTH = 7;
const picture = Uint8Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => (i * 53) % 256);

test("encodePng and decodePng give the picture back", () => {
  const { backend } = runtime();
  tf.tidy(() => {
    const encoded = backend.encodePng(picture, [HEIGHT, WIDTH, 3], 9);
    const [bytes] = encoded.dataSync<"string">() as unknown as Uint8Array[];
    assertEquals(bytes.subarray(1, 4), new TextEncoder().encode("PNG"));
    const decoded = backend.decodePng(bytes, 3);
    assertEquals(decoded.shape, [HEIGHT, WIDTH, 3]);
    assertEquals(Array.from(decoded.dataSync()), Array.from(picture));
    assertEquals(backend.decodePng(bytes, 1).shape, [HEIGHT, WIDTH, 1], "as one grey channel");
  });
});

test("encodeJpeg and decodeJpeg give the picture back, within what the format loses", () => {
  const { backend } = runtime();
  const [height, width] = [16, 24];
  // A smooth ramp: what JPEG is made for.
  const ramp = Uint8Array.from(
    { length: height * width * 3 },
    (_, i) => 60 + 4 * (Math.floor(i / 3) % width),
  );
  tf.tidy(() => {
    const encoded = backend.encodeJpeg(
      ramp,
      [height, width, 3],
      "rgb",
      100,
      false,
      false,
      false,
      "in",
      300,
      300,
      "",
    );
    const [bytes] = encoded.dataSync<"string">() as unknown as Uint8Array[];
    assertEquals(bytes.subarray(0, 2), new Uint8Array([0xff, 0xd8]));
    const decoded = backend.decodeJpeg(bytes, 3, 1, true, false, 1, "INTEGER_ACCURATE");
    assertClose(decoded, { shape: [height, width, 3], data: ramp }, { relative: 0, absolute: 2 });
    assertEquals(backend.decodeJpeg(bytes, 3, 2, true, false, 1, "").shape, [height / 2, width / 2, 3]);
  });
});

test("refuses bytes that are no picture", () => {
  const { backend } = runtime();
  const error = assertThrows(
    () => tf.tidy(() => backend.decodePng(new Uint8Array([1, 2, 3]), 3)),
    TensorFlowError,
    "TFE_Execute(DecodePng) failed with INVALID_ARGUMENT (3): Unknown image file format",
  );
  assertEquals(error.code, 3);
});

test("the TensorBoard writer writes an events file", async () => {
  const { backend } = runtime();
  const folder = await Deno.makeTempDir();
  try {
    tf.tidy(() => {
      const writer = backend.summaryWriter(folder);
      backend.createSummaryFileWriter(writer, folder, 10, 1000, ".resnet");
      backend.writeScalarSummary(writer, 3, "loss/train", 0.25);
      backend.writeScalarSummary(writer, 4, "accuracy/validation", tf.scalar(0.5));
      const before = held();
      backend.writeHistogramSummary(writer, 5, "weights/conv1", tf.tensor1d([1, 2, 2, 3]), 4, "of one layer");
      assertEquals(held().handles - before.handles, 1, "only the data's own handle is new");
      backend.flushSummaryWriter(writer);
    });
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assertEquals(names.length, 1);
    assertStringIncludes(names[0], "events.out.tfevents.");
    assertStringIncludes(names[0], ".resnet");
    const bytes = String.fromCharCode(...await Deno.readFile(join(folder, names[0])));
    for (const text of ["loss/train", "accuracy/validation", "weights/conv1", "of one layer"]) {
      assertStringIncludes(bytes, text);
    }
    // A scalar event: its tag, then somewhere the float 0.25 in its four bytes.
    assertStringIncludes(bytes.slice(bytes.indexOf("loss/train")), String.fromCharCode(0, 0, 0x80, 0x3e));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "ready: float32 is exact on GPUs too, TensorFloat-32 is off",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    assertEquals(isTensorFloat32On(), false);
  },
});
