import { assertEquals } from "@std/assert";
import { type Attr, AttrKind } from "../../../runtime/binding/attributes.ts";
import { faultless } from "../../../runtime/binding/faults.ts";
import { jit, tf } from "../../../runtime/mod.ts";
import { runArgs } from "../../child.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { tidyTest, uniform } from "../harness.ts";

const type: Attr = { name: "T", type: AttrKind.type, value: 1 };
const strides = (...value: number[]): Attr => ({ name: "strides", type: AttrKind.int, value });
const padding = (value: string): Attr => ({ name: "padding", type: AttrKind.string, value });
const explicit = (...value: number[]): Attr => ({ name: "explicit_paddings", type: AttrKind.int, value });
const none = [padding("EXPLICIT"), explicit(0, 0, 0, 0, 0, 0, 0, 0)];

/** Asks for an op on images with a kernel of these sizes: its second input is the kernel, or holds the sizes. */
function ask(op: string, attrs: readonly Attr[], sizes: readonly number[], image = [2, 9, 8, sizes.at(-2)!]) {
  const isGradient = op.endsWith("BackpropFilter");
  return faultless({ op, attrs }, {
    shape: (input) => [image, isGradient ? [4] : sizes][input],
    values(input) {
      assertEquals([input, isGradient], [1, true]);
      return Int32Array.from(sizes);
    },
  });
}

Deno.test("a strided 1 x 1 filter gradient over fewer than 16 channels is asked for with its padding written out", () => {
  for (
    const [padded, steps] of [["VALID", [1, 2, 2, 1]], ["SAME", [1, 1, 3, 1]], ["SAME", [
      1,
      2,
      1,
      1,
    ]]] as const
  ) {
    const attrs = [type, strides(...steps), padding(padded)];
    assertEquals(ask("Conv2DBackpropFilter", attrs, [1, 1, 15, 40]), {
      op: "Conv2DBackpropFilter",
      attrs: [type, strides(...steps), ...none],
    });
  }
  const attrs = [strides(1, 2, 2, 1), padding("EXPLICIT"), explicit(0, 0, 0, 0, 0, 0, 0, 0)];
  assertEquals(ask("Conv2DBackpropFilter", attrs, [1, 1, 1, 1]).attrs, attrs);
});

Deno.test("so is a depthwise one of a single channel, as the plain convolution that it is", () => {
  const attrs = [type, strides(1, 2, 3, 1), padding("VALID")];
  assertEquals(ask("DepthwiseConv2dNativeBackpropFilter", attrs, [1, 1, 1, 8]), {
    op: "Conv2DBackpropFilter",
    attrs: [type, strides(1, 2, 3, 1), ...none],
  });
});

Deno.test("a depthwise convolution of one channel is asked for as a plain one", () => {
  const attrs = [type, strides(1, 3, 3, 1), padding("SAME")];
  const plain = { op: "Conv2D", attrs };
  assertEquals(ask("DepthwiseConv2dNative", attrs, [3, 3, 1, 8]), plain);
  assertEquals(ask("DepthwiseConv2dNative", attrs, [3, 3, 2, 8]), { ...plain, op: "DepthwiseConv2dNative" });
});

Deno.test("every other request stays the object that it was", () => {
  const strided = [type, strides(1, 2, 2, 1), padding("VALID")];
  const cases: [op: string, attrs: readonly Attr[], sizes: number[]][] = [
    ["Conv2DBackpropFilter", strided, [1, 1, 16, 4]],
    ["Conv2DBackpropFilter", strided, [3, 1, 3, 4]],
    ["Conv2DBackpropFilter", [strides(1, 1, 1, 1), padding("VALID")], [1, 1, 3, 4]],
    ["DepthwiseConv2dNativeBackpropFilter", strided, [1, 1, 2, 4]],
    ["Conv2DBackpropInput", strided, [1, 1, 3, 4]],
    ["toString", strided, [1, 1, 3, 4]],
  ];
  for (const [op, attrs, sizes] of cases) {
    const request = { op, attrs };
    const inputs = { shape: () => sizes, values: () => sizes };
    assertEquals(faultless(request, inputs) === request, true, `${op} [${sizes}]`);
  }
});

/** Images, a kernel, strides and padding of convolutions of one channel with a column of results. */
const COLUMNS: readonly [op: string, image: number[], kernel: number[], steps: number[], padding: Attr[]][] =
  [
    ["Conv2D", [2, 12, 2, 1], [3, 2, 1, 13], [1, 1, 3, 1], [padding("VALID")]],
    ["Conv2D", [1, 2, 4, 1], [5, 2, 1, 3], [1, 1, 4, 1], [padding("SAME")]],
    ["Conv2D", [2, 2, 3, 1], [3, 3, 1, 3], [1, 1, 4, 1], [
      padding("EXPLICIT"),
      explicit(0, 0, 1, 1, 2, 1, 0, 0),
    ]],
    ["Conv3D", [1, 1, 4, 5, 1], [1, 2, 3, 1, 39], [1, 1, 1, 3, 1], [padding("VALID")]],
    ["DepthwiseConv2dNative", [2, 12, 2, 1], [3, 2, 1, 13], [1, 1, 3, 1], [padding("VALID")]],
  ];

Deno.test("a convolution of one channel with a single column of results is asked for as the op without oneDNN", () => {
  for (const [op, image, kernel, steps, padded] of COLUMNS) {
    const layout: Attr = { name: "data_format", type: AttrKind.string, value: "NHWC" };
    assertEquals(ask(op, [type, strides(...steps), ...padded, layout], kernel, image), {
      op: "Conv",
      attrs: [type, strides(...steps), ...padded],
    });
  }
});

Deno.test("not so with a channel, a column or a step down more, a step across or a row less, or a window one pixel wide", () => {
  const cases: [image: number[], kernel: number[], steps: number[], padding: Attr[]][] = [
    [[2, 12, 2, 2], [3, 2, 2, 13], [1, 1, 3, 1], [padding("VALID")]],
    [[2, 12, 5, 1], [3, 2, 1, 13], [1, 1, 3, 1], [padding("VALID")]],
    [[2, 12, 2, 1], [3, 2, 1, 13], [1, 2, 3, 1], [padding("VALID")]],
    [[2, 12, 2, 1], [3, 2, 1, 13], [1, 1, 1, 1], [padding("VALID")]],
    [[2, 3, 2, 1], [3, 2, 1, 13], [1, 1, 3, 1], [padding("VALID")]],
    [[2, 12, 2, 1], [3, 1, 1, 13], [1, 1, 3, 1], [padding("VALID")]],
    [[2, 2, 5, 1], [5, 2, 1, 3], [1, 1, 4, 1], [padding("SAME")]],
    [[2, 1, 4, 1], [5, 2, 1, 3], [1, 1, 4, 1], [padding("SAME")]],
    [[2, 2, 3, 1], [3, 3, 1, 3], [1, 1, 4, 1], [padding("EXPLICIT"), explicit(0, 0, 1, 1, 2, 2, 0, 0)]],
    [[2, 2, 3, 1], [3, 3, 1, 3], [1, 1, 4, 1], [padding("EXPLICIT"), explicit(0, 0, 0, 1, 2, 1, 0, 0)]],
  ];
  for (const [image, kernel, steps, padded] of cases) {
    const attrs = [type, strides(...steps), ...padded];
    assertEquals(ask("Conv2D", attrs, kernel, image), { op: "Conv2D", attrs }, `${[image, kernel, steps]}`);
  }
});

Deno.test("a filter gradient of images narrower than the step is asked for with its padding written out", () => {
  // 5 - 1 columns are added, the odd one behind; rows: (2 - 1) * 2 + 3 - 4 = 1, behind.
  const cases: [padded: string, image: number[], sizes: number[], steps: number[], written: number[]][] = [
    ["SAME", [2, 4, 1, 20], [3, 5, 20, 4], [1, 2, 2, 1], [0, 0, 0, 1, 2, 2, 0, 0]],
    ["SAME", [2, 4, 2, 20], [3, 5, 20, 4], [1, 2, 3, 1], [0, 0, 0, 1, 1, 2, 0, 0]],
    ["VALID", [2, 4, 1, 1], [4, 1, 1, 16], [1, 3, 3, 1], [0, 0, 0, 0, 0, 0, 0, 0]],
  ];
  for (const [padded, image, sizes, steps, written] of cases) {
    const attrs = [strides(...steps), type, padding(padded)];
    assertEquals(ask("Conv2DBackpropFilter", attrs, sizes, image), {
      op: "Conv2DBackpropFilter",
      attrs: [strides(...steps), type, padding("EXPLICIT"), explicit(...written)],
    });
  }
  const wide = [strides(1, 2, 2, 1), type, padding("SAME")];
  assertEquals(ask("Conv2DBackpropFilter", wide, [3, 5, 20, 4], [2, 4, 2, 20]).attrs, wide);
});

/** Runs `fn` as it is and compiled in both precisions, over memory full of NaN, and hands `check` the values. */
function everyWay<A extends readonly unknown[]>(
  fn: (...args: A) => tf.Tensor,
  args: A,
  check: (values: number[], mode: string) => void,
): void {
  const ways: [mode: string, run: (...args: A) => tf.Tensor, dispose?: () => void][] = [["eager", fn]];
  for (const precision of ["float32", "bfloat16"] as const) {
    const compiled = jit(fn, { precision });
    ways.push([precision, compiled, compiled.dispose]);
  }
  for (const [mode, run, dispose] of ways) {
    for (let i = 0; i < 5; i++) {
      tf.tidy(() => Array.from({ length: 14 }, (_, power) => void tf.fill([2 ** power], NaN)));
      tf.tidy(() => check([...run(...args).dataSync()], mode));
    }
    dispose?.();
  }
}

/** Whole numbers from -2 to 2. */
function whole(salt: number, ...shape: number[]): tf.Tensor {
  return tf.round(tf.mul(uniform(salt, ...shape), 2));
}

tidyTest(
  "convolutions of one channel with a single column of results: as with a second channel of zeros",
  () => {
    const pad = (t: tf.Tensor, axis: number): tf.Tensor =>
      tf.pad(t, t.shape.map((_, i): [number, number] => [0, i === axis ? 1 : 0]));
    for (const [op, image, kernel, steps, [padded]] of COLUMNS) {
      if (padded.value === "EXPLICIT") continue; // tfjs asks for no such padding here
      const way = padded.value === "SAME" ? "same" : "valid";
      const run = (x: tf.Tensor, kernel: tf.Tensor): tf.Tensor =>
        op === "Conv3D"
          ? tf.conv3d(x as tf.Tensor5D, kernel as tf.Tensor5D, [steps[1], steps[2], steps[3]], way)
          : tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, [steps[1], steps[2]], way);
      const args: [tf.Tensor, tf.Tensor] = [whole(1, ...image), whole(2, ...kernel)];
      const [x, weights] = args;
      const expected = [...run(pad(x, x.rank - 1), pad(weights, weights.rank - 2)).dataSync()];
      // The sums are below 256: bfloat16 has them too.
      everyWay(run, args, (values, mode) => assertEquals(values, expected, `${op} ${image}, ${mode}`));
    }
  },
);

tidyTest(
  "filter gradients of images narrower than the step: every value written, none from elsewhere",
  () => {
    const gradient = (x: tf.Tensor4D, kernel: tf.Tensor4D, step: number, way: "same" | "valid"): tf.Tensor =>
      tf.grad((kernel) => tf.sum(tf.conv2d(x, kernel as tf.Tensor4D, step, way)))(kernel);
    // The second column meets padding only; two images of ones otherwise.
    const padded: [tf.Tensor4D, tf.Tensor4D] = [tf.ones([2, 1, 1, 6]), tf.ones([1, 2, 6, 16])];
    const columns = Array.from({ length: 192 }, (_, i) => i < 96 ? 2 : 0);
    everyWay((x, kernel) => gradient(x, kernel, 2, "same"), padded, (values, mode) => {
      assertEquals(values, columns, mode);
    });
    const single: [tf.Tensor4D, tf.Tensor4D] = [tf.ones([2, 4, 1, 1]), tf.ones([4, 1, 1, 16])];
    everyWay((x, kernel) => gradient(x, kernel, 3, "valid"), single, (values, mode) => {
      assertEquals(values, Array(64).fill(2), mode);
    });
  },
);

// A process each: oneDNN reads the variable once, and a fault would take the process with it.
for (const isa of ["AVX512_CORE", "AVX2", "SSE41", undefined]) {
  Deno.test({
    name: `convolutions of random shapes and their gradients are tfjs' own, ${
      isa ?? "whatever the processor has"
    }`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: runArgs("tests/runtime/binding/convolution_fuzz.ts", "180", "2"),
        cwd: new URL("../../..", import.meta.url),
        env: { NO_COLOR: "1", ...(isa && { ONEDNN_MAX_CPU_ISA: isa }) },
      }).output();
      const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
      const ops = "conv2d, fusedConv2d, depthwiseConv2d, conv2dTranspose, conv1d, conv3d";
      assertEquals(lines, [`180 cases of ${ops}: 0 differences`]);
      assertEquals(code, 0);
    },
  });
}
