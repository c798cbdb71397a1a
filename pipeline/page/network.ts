/** A trained network as a page has it. */
import { Buffer } from "node:buffer";
import {
  defineModel,
  encodeLayersModel,
  type FloatArray,
  type Model,
  type Node,
  toArrays,
} from "../../layers/mod.ts";
import { tree } from "../../runtime/mod.ts";
import { beforeFlatten, isGlobalMean } from "../inference/activation_map.ts";
import { inputOf } from "../data/images/input.ts";
import { predictor, type TrainedModel } from "../inference/predict.ts";
import { trialPicture } from "./browser/classify.ts";
import type { PageHead, PageNetwork } from "./content.ts";

/**
 * The network for a page, and what it says of a picture that every page tries it on first.
 * @param trained Takes pictures; not disposed.
 * @param options `float16`: whether its kernels are kept in 16 bits.
 * @throws {UserError} If it has a layer of one's own.
 */
export function pageNetwork(trained: TrainedModel, { float16 }: { readonly float16: boolean }): PageNetwork {
  const { model, variables, imageShape, transforms, classes, view } = trained;
  const arrays = toArrays(variables);
  const head = pooledHead(model);
  const { "model.json": json, ...shards } = encodeLayersModel(
    head === undefined ? model : defineModel(head.map, { name: model.name }),
    arrays,
    {
      normalize: transforms.find((step) => step.kind === "normalize"),
      softmax: head === undefined,
      float16,
    },
  );
  const { modelTopology, weightsManifest: [{ weights: weightSpecs }] } = JSON.parse(
    new TextDecoder().decode(json),
  );
  const weight = head && arrays.params[`${head.linear}.weight`];
  const bias = head && arrays.params[`${head.linear}.bias`];
  return {
    imageShape,
    classes,
    ...(view && { view }),
    resizes: transforms.filter((step) => step.kind === "resize"),
    ...{ modelTopology, weightSpecs, weights: Buffer.concat(Object.values(shards)).toString("base64") },
    ...(weight && {
      head: {
        pool: head.pool,
        weight: scaled(weight, head.factor),
        bias: bias && scaled(bias, head.factor),
      },
    }),
    expected: answerTo(trained),
  };
}

/** A network's end: the mean or the maximum over its last feature map, one linear layer, and perhaps a factor. */
interface PooledHead extends Pick<PageHead, "pool"> {
  readonly map: Node;
  /** The layer's name. */
  readonly linear: string;
  readonly factor: number;
}

function pooledHead({ output }: Model): PooledHead | undefined {
  const [factor, linear] = output.op === "scale" ? [output.cfg.factor, output.inputs[0]] : [1, output];
  if (linear.op !== "linear") return undefined;
  const pooled = beforeFlatten(linear.inputs[0]);
  const pool = isGlobalMean(pooled) ? "mean" : isGlobalMaximum(pooled) ? "max" : undefined;
  const map: Node | undefined = pooled.inputs[0];
  if (pool === undefined || map === undefined || map.op === "input") return undefined;
  return { map, pool, linear: linear.name, factor };
}

function isGlobalMaximum(node: Node): boolean {
  return node.op === "maxPool" &&
    node.inputs[0].shape.slice(0, 2).every((side) => side === node.cfg.kernelSize);
}

/** The numbers times a factor, float32 in base 64. */
function scaled({ data }: FloatArray, factor: number): string {
  return new Uint8Array(data.map((value) => value * factor).buffer).toBase64();
}

/** The probabilities that the network itself gives the picture that it is tried on. */
function answerTo(trained: TrainedModel): number[] {
  const { probabilities, dispose } = predictor(trained);
  const tensor = probabilities(inputOf(trialPicture(trained), trained));
  const [expected] = tensor.arraySync();
  tree.dispose(tensor);
  dispose();
  return expected;
}
