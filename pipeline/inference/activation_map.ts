/** Where in an image a network sees what it takes the image for. */
import {
  apply,
  defineModel,
  foldBatchNorm,
  input,
  mapNodes,
  type Model,
  type Node,
  parameters,
  type SpatialShape,
  type Variables,
} from "../../layers/mod.ts";
import { jit, tf, toGpu, tree } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Transform } from "../data/dataset.ts";
import { applyTransforms } from "../transforms/apply.ts";
import type { TrainedModel } from "./predict.ts";

/** How much each part of an image speaks for a class. */
export interface ActivationMap {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** `[height, width]`. */
  readonly values: Float32Array;
}

/**
 * How maps are made. The class activation map is the last layer's sum, of each place of the last feature map by itself: its
 * mean plus the bias is the class's logit (B. Zhou et al., arXiv:1512.04150). Grad-CAM weights the channels of the last
 * feature map with the mean of the logit's gradient, and keeps what is above 0 (R. Selvaraju et al., arXiv:1610.02391).
 */
export type MapKind = "class activation map" | "Grad-CAM";

/** A trained network, compiled to say where it sees what. */
export interface Explainer {
  /** The class activation map of networks that end in global average pooling and a linear layer, Grad-CAM of others. */
  readonly kind: MapKind;
  /**
   * Where a network sees a class in an image.
   * @param image `[H, W, C]` of the model's `imageShape`, 0 to 255.
   * @param label The class's number.
   */
  explain(image: Uint8Array, label: number): ActivationMap;
  /** Frees the compiled code and its copy of the weights. */
  dispose(): void;
}

/**
 * Compiles a trained network for `explain`.
 *
 * @param trained Not disposed, nor needed any more.
 * @throws {UsageError} If the network has no feature map from which alone its logits are computed.
 * @example
 * ```ts
 * import { explainer, loadModel, predict, tf } from "@resnet/deno";
 *
 * async function explain(image: Uint8Array) {
 *   await tf.ready();
 *   const trained = await loadModel("runs/a");
 *   const [[{ label }]] = predict(trained, image);
 *   return explainer(trained).explain(image, label);
 * }
 * ```
 */
export function explainer({ model, variables, imageShape, transforms }: TrainedModel): Explainer {
  const folded = foldBatchNorm(model, variables);
  try {
    const parts = cut(folded.model);
    const kind = parts.weight === undefined ? "Grad-CAM" : "class activation map";
    toGpu(tree.tensors(folded.variables));
    const step = jit(function explainStep(variables: Variables, image: tf.Tensor4D, chosen: tf.Tensor2D) {
      return mapOf(parts, transforms, variables, image, chosen);
    });
    const [classes] = model.output.shape;
    return {
      kind,
      explain(image, label) {
        const [height, width] = parts.shape;
        const values = tf.tidy(() => {
          const x = tf.cast<tf.Tensor4D>(tf.tensor4d(image, [1, ...imageShape], "int32"), "float32");
          const chosen = tf.tensor2d(Float32Array.from({ length: classes }, (_, i) => i === label ? 1 : 0), [
            1,
            classes,
          ]);
          return step(folded.variables, x, chosen).dataSync<"float32">();
        });
        return { width, height, values };
      },
      dispose() {
        step.dispose();
        tree.dispose(folded.variables);
      },
    };
  } catch (error) {
    tree.dispose(folded.variables);
    throw error;
  }
}

/** A network in two. */
interface Parts {
  /** Up to the last feature map. */
  readonly features: Model;
  /** Shape of that. */
  readonly shape: SpatialShape;
  /** From there to the logits. */
  readonly head: Model;
  /** Name of the linear layer's weight, `[channels, classes]`, if the head is nothing but the mean and that layer. */
  readonly weight?: string;
}

function cut(model: Model): Parts {
  const { output } = model;
  const pooled = output.op === "linear" ? beforeFlatten(output.inputs[0]) : output;
  const isCam = output.op === "linear" && isGlobalMean(pooled);
  const last = isCam ? pooled.inputs[0] : lastMap(output);
  if (last === undefined || last.op === "input" || last.shape.length !== 3) {
    throw new UsageError(
      `Cannot explain ${model.name}: it has no feature map that all of its logits are computed from`,
    );
  }
  const { name, shape } = last;
  const head = mapNodes(model, (node, before) => before === last ? input(shape, name) : node);
  return {
    features: defineModel(last, { name: `${model.name} up to ${name}` }),
    shape,
    head,
    ...(isCam && { weight: `${output.name}.weight` }),
  };
}

/** What a linear layer's rows are made of; dropout does nothing in evaluation. */
export function beforeFlatten(node: Node): Node {
  return node.op === "flatten" || node.op === "dropout" ? beforeFlatten(node.inputs[0]) : node;
}

/** Whether a node is the mean over the whole of a map. */
export function isGlobalMean(node: Node): node is Extract<Node, { op: "globalAvgPool" | "avgPool" }> {
  if (node.op === "globalAvgPool") return true;
  return node.op === "avgPool" &&
    node.inputs[0].shape.slice(0, 2).every((side) => side === node.cfg.kernelSize);
}

/** The last map with more than one place that is all the output is computed from. */
function lastMap(node: Node): Node | undefined {
  if (node.shape.length === 3 && node.shape[0] * node.shape[1] > 1) return node;
  return node.inputs.length === 1 ? lastMap(node.inputs[0]) : undefined;
}

/**
 * The map of one image, `[h, w]`. Pure, may be traced.
 * @param chosen `[1, classes]`: 1 for the class, 0 for the others.
 */
function mapOf(
  { features, head, weight }: Parts,
  transforms: readonly Transform[],
  variables: Variables,
  image: tf.Tensor4D,
  chosen: tf.Tensor2D,
): tf.Tensor2D {
  const x = applyTransforms(transforms, image, { train: false });
  const map: tf.Tensor = apply(features, variablesOf(features, variables), x, { train: false })[0];
  const [, height, width, channels] = map.shape;
  const places = tf.reshape(map, [height * width, channels]) as tf.Tensor2D;
  if (weight !== undefined) {
    const weights = tf.matMul(variables.params[weight] as tf.Tensor2D, chosen, false, true); // [channels, 1]
    return tf.reshape(tf.matMul(places, weights), [height, width]);
  }
  const logit = (map: tf.Tensor): tf.Tensor =>
    tf.sum(tf.mul(apply(head, variablesOf(head, variables), map, { train: false })[0], chosen));
  const weights = tf.mean(tf.grad(logit)(map), [1, 2]); // [1, channels]
  return tf.relu(tf.reshape(tf.matMul(places, weights as tf.Tensor2D, false, true), [height, width]));
}

/** Those of a part of a network. */
function variablesOf(part: Model, { params, batchStats }: Variables): Variables {
  const of = (collection: "params" | "batchStats", tensors: Variables["params"]) =>
    Object.fromEntries(
      parameters(part).filter((one) => one.collection === collection).map((
        { name },
      ) => [name, tensors[name]]),
    );
  return { params: of("params", params), batchStats: of("batchStats", batchStats) };
}
