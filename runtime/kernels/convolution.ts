/** Convolutions, plain, depthwise and of volumes, and their gradients, in both layouts and with any padding. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { type Attrs, callOp, setKernel, type } from "../binding/kernel.ts";
import {
  edgesOf,
  fit,
  fitShape,
  type Sliding,
  unfit,
  type Window,
  windowAttrs,
  windowOf,
} from "./windows.ts";

interface ConvAttrs extends Sliding {
  readonly dataFormat?: "NHWC" | "NCHW" | "NDHWC";
}

/** TensorFlow's kernels on the CPU take images with channels last: others are turned on the way in and out. */
function isTurned({ dataFormat }: ConvAttrs): boolean {
  return dataFormat === "NCHW";
}

const toLast = <Row>([n, c, h, w]: readonly Row[]): Row[] => [n, h, w, c];

function channelsLast(images: tfjs.Tensor, attrs: ConvAttrs): tfjs.Tensor {
  return isTurned(attrs) ? tfjs.transpose(images, [0, 2, 3, 1]) : images;
}

function turnBack(images: tfjs.Tensor, attrs: ConvAttrs): tfjs.Tensor {
  return isTurned(attrs) ? tfjs.transpose(images, [0, 3, 1, 2]) : images;
}

/** The window of a kernel of `filterShape` on images of `shape`, channels last. */
function convWindow(shape: readonly number[], filterShape: readonly number[], attrs: ConvAttrs): Window {
  const { pad } = attrs;
  const sliding = isTurned(attrs) && Array.isArray(pad) ? { ...attrs, pad: toLast(pad) } : attrs;
  return windowOf(shape, filterShape.slice(0, -2), sliding);
}

function convAttrs({ dtype }: tfjs.Tensor, window: Window): Attrs {
  return { T: type(dtype), ...windowAttrs(window), dilations: [1, ...window.dilations, 1] };
}

function convolve(
  op: string,
  { x, filter }: Readonly<Record<"x" | "filter", tfjs.Tensor>>,
  attrs: ConvAttrs,
): tfjs.Tensor {
  const images = channelsLast(x, attrs);
  const window = convWindow(images.shape, filter.shape, attrs);
  if (op === tfjs.DepthwiseConv2dNative && images.shape[0] === 0) { // oneDNN gives no images of the size they came in
    const [channels, multiplier] = filter.shape.slice(2);
    return tfjs.zeros([0, ...window.steps, channels * multiplier]);
  }
  const fitted = fit(images, edgesOf(window, images.shape, window.steps), 0);
  return turnBack(callOp(op, convAttrs(x, window), [fitted, filter])[0], attrs);
}

/** tfjs' name of a convolution, which is TensorFlow's too, and those of its gradients. */
const CONVOLUTIONS = [
  [tfjs.Conv2D, tfjs.Conv2DBackpropInput, tfjs.Conv2DBackpropFilter],
  [
    tfjs.DepthwiseConv2dNative,
    tfjs.DepthwiseConv2dNativeBackpropInput,
    tfjs.DepthwiseConv2dNativeBackpropFilter,
  ],
  [tfjs.Conv3D, tfjs.Conv3DBackpropInputV2, tfjs.Conv3DBackpropFilterV2],
];

for (const [forward, inputGradient, filterGradient] of CONVOLUTIONS) {
  setKernel<"x" | "filter", ConvAttrs>(forward, (inputs, attrs) => {
    if (isTurned(attrs) && forward === tfjs.DepthwiseConv2dNative) {
      throw new Error(
        "Cannot convolve depthwise in NCHW: tfjs' gradient would take it for NHWC; transpose to [n, h, w, channels]",
      );
    }
    return convolve(forward, inputs, attrs);
  });

  setKernel<"dy" | "filter", ConvAttrs & { readonly inputShape: number[] }>(
    inputGradient,
    ({ dy, filter }, attrs) => {
      const shape = isTurned(attrs) ? toLast(attrs.inputShape) : attrs.inputShape;
      const window = convWindow(shape, filter.shape, attrs);
      const gradients = placesOf(window, channelsLast(dy, attrs));
      const edges = edgesOf(window, shape, gradients.shape.slice(1, -1));
      const sizes = tfjs.tensor1d(fitShape(shape, edges), "int32");
      const [dx] = callOp(inputGradient, convAttrs(dy, window), [sizes, filter, gradients]);
      return turnBack(unfit(dx, edges, shape), attrs);
    },
  );

  setKernel<"x" | "dy", ConvAttrs & { readonly filterShape: number[] }>(
    filterGradient,
    ({ x, dy }, attrs) => {
      const images = channelsLast(x, attrs);
      const window = convWindow(images.shape, attrs.filterShape, attrs);
      const gradients = placesOf(window, channelsLast(dy, attrs));
      const fitted = fit(images, edgesOf(window, images.shape, gradients.shape.slice(1, -1)), 0);
      const sizes = tfjs.tensor1d(attrs.filterShape, "int32");
      return callOp(filterGradient, convAttrs(x, window), [fitted, sizes, gradients])[0];
    },
  );
}

/** What of gradients a window has places for: `conv2dTranspose` may be given more, which tfjs leaves out. */
function placesOf({ padding, steps }: Window, dy: tfjs.Tensor): tfjs.Tensor {
  if (padding !== "SAME" || steps.every((count, side) => count === dy.shape[1 + side])) return dy;
  return tfjs.slice(dy, dy.shape.map(() => 0), [dy.shape[0], ...steps, dy.shape.at(-1)!]);
}

interface FusedAttrs extends ConvAttrs {
  readonly activation: string;
  readonly leakyreluAlpha: number;
}

for (
  const [name, op] of [[tfjs.FusedConv2D, "Conv2D"], [tfjs.FusedDepthwiseConv2D, "DepthwiseConv2dNative"]]
) {
  setKernel<"x" | "filter" | "bias" | "preluActivationWeights", FusedAttrs>(
    name,
    ({ x, filter, bias, preluActivationWeights }, attrs) => {
      const y = convolve(op, { x, filter }, attrs);
      const biased = bias ? tfjs.add(y, byChannel(bias, attrs)) : y;
      const weights = preluActivationWeights && byChannel(preluActivationWeights, attrs);
      return runtime().backend.applyActivation(biased, attrs.activation, weights, attrs.leakyreluAlpha);
    },
  );
}

/** A vector with a number for every channel, in the shape that broadcasts to the images. */
function byChannel(vector: tfjs.Tensor, attrs: ConvAttrs): tfjs.Tensor {
  return isTurned(attrs) && vector.rank === 1 ? tfjs.reshape(vector, [-1, 1, 1]) : vector;
}
