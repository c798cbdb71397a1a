/** Convolutions in both layouts with every padding that tfjs takes, their gradients, and the fused ones. */
import { assertThrows } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { assertClose, GRADIENT } from "../../reference.ts";
import { leakTest, tidyTest, uniform } from "../harness.ts";
import { type Argument, assertAsOnCpu, gradientsOf, type Op, parityTest, shuffled } from "./parity.ts";

type Pad = Parameters<typeof tf.conv2d>[3];
type Format = "NHWC" | "NCHW";
type Rounding = "floor" | "round" | "ceil";
type Case = [kernel: [number, number], stride: number, pad: Pad, rounding?: Rounding, dilation?: number];

const EDGES: Pad = [[0, 0], [1, 2], [0, 1], [0, 0]];
const CASES: Record<string, Case> = {
  "same": [[3, 2], 2, "same"],
  "valid": [[2, 3], 2, "valid"],
  "a number": [[3, 3], 2, 1],
  "a number, a wide window": [[2, 3], 2, 1],
  "a number, a high window": [[4, 2], 1, 1],
  "four sides": [[3, 3], 1, EDGES],
  "four sides, what is left over": [[3, 3], 2, EDGES],
  "a number, rounded up": [[3, 3], 3, 1, "ceil"],
  "same, dilated": [[3, 2], 1, "same", undefined, 2],
  "a number, dilated": [[2, 2], 1, 2, undefined, 2],
};

for (const [name, [kernel, stride, pad, rounding, dilation = 1]] of Object.entries(CASES)) {
  // tfjs has no gradient of dilated convolutions, and one that knows no rounding.
  const hasGradient = dilation === 1 && rounding === undefined;
  const check = async (op: Op, args: readonly Argument[]) => {
    await assertAsOnCpu(op, args);
    if (hasGradient) await assertAsOnCpu(gradientsOf(op), args, { tolerance: GRADIENT }, "gradients");
  };
  for (const format of ["NHWC", "NCHW"] as const) {
    const x = shuffled(...inFormat([2, 7, 6, 3], format));
    const edges = Array.isArray(pad) ? inFormat(pad, format) as Pad : pad;
    const plain = (x: tf.Tensor, filter: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, edges, format, dilation, rounding);
    leakTest(`conv2d in ${format}, padding ${name}`, () => check(plain, [x, shuffled(...kernel, 3, 4)]));
  }
  const depthwise = (x: tf.Tensor, filter: tf.Tensor) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad, "NHWC", dilation, rounding);
  leakTest(
    `depthwiseConv2d, padding ${name}`,
    () => check(depthwise, [shuffled(2, 7, 6, 3), shuffled(...kernel, 3, 2)]),
  );
}

function inFormat<T>([n, h, w, c]: readonly T[], format: Format): T[] {
  return format === "NHWC" ? [n, h, w, c] : [n, c, h, w];
}

tidyTest(
  "the gradients of a convolution that rounds up are those with a border of zeros",
  () => {
    const [x, filter] = [
      uniform<tf.Tensor4D>(1, 1, 6, 6, 2),
      uniform<tf.Tensor4D>(2, 3, 3, 2, 1),
    ];
    const up = (x: tf.Tensor, filter: tf.Tensor) =>
      tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 0, "NHWC", 1, "ceil")));
    const bordered = (x: tf.Tensor, filter: tf.Tensor) => {
      const image = tf.pad(x as tf.Tensor4D, [[0, 0], [0, 1], [0, 1], [0, 0]]);
      return tf.sum(tf.square(tf.conv2d(image, filter as tf.Tensor4D, 2, "valid")));
    };
    const expected = tf.grads(bordered)([x, filter]);
    tf.grads(up)([x, filter]).forEach((found, i) =>
      assertClose(found, expected[i], GRADIENT, `argument ${i}`)
    );
  },
);

for (const pad of ["same", "valid"] as const) {
  const volumes = (x: tf.Tensor, filter: tf.Tensor) =>
    tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, 2, pad);
  const args = [shuffled(2, 5, 4, 5, 2), shuffled(2, 3, 2, 2, 3)];
  parityTest(`conv3d, padding ${pad}`, volumes, args);
  parityTest(`the gradients of conv3d, padding ${pad}`, gradientsOf(volumes), args, { tolerance: GRADIENT });
}

const transposed =
  (outputShape: [number, number, number, number], stride: number, pad: Pad) =>
  (x: tf.Tensor, filter: tf.Tensor) =>
    tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, outputShape, stride, pad);
parityTest("conv2dTranspose, padding a number", transposed([2, 6, 6, 3], 2, 1), [
  shuffled(2, 3, 3, 4),
  shuffled(3, 3, 3, 4),
]);
parityTest(
  "conv2dTranspose leaves out what its result has no place for",
  transposed([1, 3, 3, 2], 1, "same"),
  [
    shuffled(1, 5, 5, 2),
    shuffled(3, 3, 2, 2),
  ],
);

tidyTest("depthwiseConv2d in NCHW is refused", () => {
  const [x, filter] = [tf.ones<tf.Rank.R4>([1, 3, 3, 3]), tf.ones<tf.Rank.R4>([1, 1, 3, 1])];
  assertThrows(
    () => tf.depthwiseConv2d(x, filter, 1, "same", "NCHW"),
    Error,
    "transpose to [n, h, w, channels]",
  );
});

for (const format of ["NHWC", "NCHW"] as const) {
  for (const vector of [[4], [1], []]) {
    parityTest(
      `fused.conv2d in ${format}, bias and slopes [${vector}]`,
      (x, filter, bias, slopes) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 2,
          pad: 1,
          dataFormat: format,
          dilations: 1,
          bias: tf.mul(bias, -2000),
          activation: "prelu",
          preluActivationWeights: slopes,
        }),
      [
        shuffled(...inFormat([2, 5, 6, 3], format)),
        shuffled(3, 3, 3, 4),
        shuffled(...vector),
        shuffled(...vector),
      ],
    );
  }
}
parityTest("fused.depthwiseConv2d, padding four sides", (x, filter, bias) =>
  tf.fused.depthwiseConv2d({
    x: x as tf.Tensor4D,
    filter: filter as tf.Tensor4D,
    strides: 1,
    pad: EDGES as unknown as number,
    bias: tf.mul(bias, -100),
    activation: "relu",
  }), [shuffled(2, 5, 6, 3), shuffled(3, 3, 3, 2), shuffled(6)]);
