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
 * @param logits `[N, C]`, unnormalised.
 * @param labels `[N]` int32 in `[0, C)`.
 * @returns Scalar `[]`, averaged over N.
 * @throws {TypeError} If the batch sizes differ.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const logits = tf.tensor2d([[0, 0], [100, 0]]);
 * const labels = tf.tensor1d([1, 0], "int32");
 * ops.crossEntropy(logits, labels).arraySync(); // 0.3465735912322998, half of ln 2
 * ```
 */
export function crossEntropy(
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  options: { labelSmoothing?: number } = {},
): tfjs.Scalar {
  return tfjs.tidy(() => tfjs.mean(crossEntropyEach(logits, labels, options)));
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
  if (logits.shape[0] !== labels.shape[0]) {
    throw new TypeError(
      `crossEntropy: logits [${logits.shape}] and labels [${labels.shape}] differ in batch size`,
    );
  }
  return tfjs.tidy(() => crossEntropies({ logits, labels }, { labelSmoothing })[0] as tfjs.Tensor1D);
}
