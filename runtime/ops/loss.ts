/** The loss. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, defineKernel, T, type } from "../binding/kernel.ts";

const crossEntropies = defineKernel<"logits" | "labels", { labelSmoothing: number }>({
  name: "NativeCrossEntropy",
  inputs: ["logits", "labels"],
  forward: ({ logits, labels }, { labelSmoothing }) => {
    if (labelSmoothing === 0) {
      return callOp(
        "SparseSoftmaxCrossEntropyWithLogits",
        { T, Tlabels: type("int32") },
        [logits, labels],
        2,
      );
    }
    const classes = logits.shape[1];
    const off = labelSmoothing / classes;
    const targets = callOp("OneHot", { T, TI: type("int32"), axis: -1 }, [
      labels,
      tfjs.scalar(classes, "int32"),
      tfjs.scalar(1 - labelSmoothing + off),
      tfjs.scalar(off),
    ]);
    return callOp("SoftmaxCrossEntropyWithLogits", { T }, [logits, targets[0]], 2);
  },
  save: { outputs: [false, true] },
  gradient: ([dy], [backprop]) => ({
    logits: () => tfjs.mul(tfjs.expandDims(dy, 1), backprop),
    labels: () => {
      throw new TypeError("crossEntropy: labels have no gradient");
    },
  }),
});

/**
 * Mean softmax cross-entropy, in nats. With smoothing s over C classes the target is 1 - s + s / C for the label and
 * s / C for the others (Szegedy et al. 2015; PyTorch's `label_smoothing`).
 *
 * With class weights it is the weighted mean of PyTorch's `CrossEntropyLoss(weight)`: what an image's target says of a class
 * counts as much as that class, and the sum is divided by that of the labels' weights.
 *
 * @param logits `[N, C]`, unnormalised.
 * @param labels `[N]` int32 in `[0, C)`.
 * @param options `labelSmoothing`: in [0, 1); 0 unless given. `classWeights`: `[C]`, above 0; equal ones unless given.
 * @returns Scalar `[]`, averaged over N.
 * @throws {TypeError} If the batch sizes differ, or there is not one weight a class.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const logits = tf.tensor2d([[0, 0], [100, 0]]);
 * const labels = tf.tensor1d([1, 0], "int32");
 * ops.crossEntropy(logits, labels).arraySync(); // 0.3465735912322998, half of ln 2
 * ops.crossEntropy(logits, labels, { classWeights: [1, 3] }).arraySync(); // 0.5198603868484497, three quarters of it
 * ```
 */
export function crossEntropy(
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  options: { labelSmoothing?: number; classWeights?: readonly number[] } = {},
): tfjs.Scalar {
  const { classWeights, labelSmoothing = 0 } = options;
  if (classWeights !== undefined) return weighted(logits, labels, labelSmoothing, classWeights);
  return tfjs.tidy(() => tfjs.mean(crossEntropyEach(logits, labels, options)));
}

/**
 * The weighted mean. The kernels above take the targets of an image for probabilities: their gradient is right only where
 * these add up to 1, which weighted ones do not.
 */
function weighted(
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  labelSmoothing: number,
  classWeights: readonly number[],
): tfjs.Scalar {
  checkBatch(logits, labels);
  const classes = logits.shape[1];
  if (classWeights.length !== classes) {
    throw new TypeError(
      `crossEntropy: ${classWeights.length} class weights for logits [${logits.shape}]; give one a class`,
    );
  }
  return tfjs.tidy(() => {
    const weights = tfjs.tensor1d([...classWeights]);
    const own = tfjs.oneHot(labels, classes) as tfjs.Tensor2D; // [N, C]
    const smoothed = tfjs.add(tfjs.mul(own, 1 - labelSmoothing), labelSmoothing / classes);
    const losses = tfjs.mul(tfjs.mul(smoothed, weights), tfjs.logSoftmax(logits)); // [N, C], below 0
    return tfjs.div(tfjs.neg(tfjs.sum(losses)), tfjs.sum(tfjs.mul(own, weights)));
  });
}

/**
 * Softmax cross-entropy of each image: `crossEntropy`, not averaged.
 * @param logits `[N, C]`, unnormalised.
 * @param labels `[N]` int32 in `[0, C)`.
 * @param options `labelSmoothing`: in [0, 1); 0 unless given.
 * @returns `[N]`, in nats.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const logits = tf.tensor2d([[0, 0], [100, 0]]);
 * const labels = tf.tensor1d([1, 0], "int32");
 * ops.crossEntropyEach(logits, labels).arraySync(); // [0.6931471824645996, 0]
 * ```
 */
export function crossEntropyEach(
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  options: { labelSmoothing?: number } = {},
): tfjs.Tensor1D {
  const { labelSmoothing = 0 } = options;
  checkBatch(logits, labels);
  return tfjs.tidy(() => crossEntropies({ logits, labels }, { labelSmoothing })[0] as tfjs.Tensor1D);
}

function checkBatch(logits: tfjs.Tensor2D, labels: tfjs.Tensor1D): void {
  if (logits.shape[0] === labels.shape[0]) return;
  throw new TypeError(
    `crossEntropy: logits [${logits.shape}] and labels [${labels.shape}] differ in batch size`,
  );
}
