/**
 * Convolution by TensorFlow's own op, which computes it directly, and its gradients by theirs.
 *
 * Images are `[n, h, w, channels]`, kernels `[kh, kw, in, out]`.
 */
import * as tfjs from "@tensorflow/tfjs";
import { type Attrs, callOp, T } from "../binding/kernel.ts";
import { type Convolution, paddingAttrs, reachedPaddings } from "./geometry.ts";

/** The convolution, `[n, h', w', out]`. */
export function directConv2d(
  x: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
): tfjs.Tensor4D {
  return callOp("Conv2D", attrsOf(convolution), [x, kernel])[0] as tfjs.Tensor4D;
}

/** The gradient of the image. `padsApart`: as `chooseAlgorithm` says. */
export function directInputGradient(
  dy: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
  { padsApart }: { readonly padsApart: boolean },
): tfjs.Tensor4D {
  const { xShape } = convolution;
  const apart = padsApart ? paddingApart(convolution) : undefined;
  if (apart === undefined) {
    const inputs = [sizes(xShape), kernel, dy];
    return callOp("Conv2DBackpropInput", attrsOf(convolution), inputs)[0] as tfjs.Tensor4D;
  }
  const dPadded = directInputGradient(dy, kernel, apart.unpadded, { padsApart });
  return tfjs.slice(dPadded, apart.paddings.map(([before]) => before), xShape);
}

/** The gradient of the kernel. */
export function directFilterGradient(
  x: tfjs.Tensor4D,
  dy: tfjs.Tensor4D,
  convolution: Convolution,
  { padsApart }: { readonly padsApart: boolean },
): tfjs.Tensor4D {
  const apart = padsApart ? paddingApart(convolution) : undefined;
  if (apart !== undefined) {
    return directFilterGradient(tfjs.pad(x, apart.paddings), dy, apart.unpadded, { padsApart });
  }
  const inputs = [x, sizes(convolution.kernelShape), dy];
  return callOp("Conv2DBackpropFilter", attrsOf(convolution), inputs)[0] as tfjs.Tensor4D;
}

function attrsOf({ stride, padding, kernelShape }: Convolution): Attrs {
  return {
    T,
    strides: [1, stride, stride, 1],
    ...paddingAttrs(kernelShape.slice(0, 2), { stride, padding }),
  };
}

/**
 * The same convolution without padding, and the padding of its image; `undefined` where TensorFlow has a name for the
 * padding. oneDNN has no kernel for gradients with explicit padding, and TensorFlow's own takes far longer
 * (docs/performance.md, "What helped").
 */
function paddingApart(
  convolution: Convolution,
): { unpadded: Convolution; paddings: [before: number, after: number][] } | undefined {
  const { xShape, kernelShape } = convolution;
  if (attrsOf(convolution).padding !== "EXPLICIT") return undefined;
  const paddings = reachedPaddings(xShape, kernelShape, convolution);
  const paddedShape = xShape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
  return { unpadded: { ...convolution, padding: 0, xShape: paddedShape }, paddings };
}

function sizes(shape: number[]): tfjs.Tensor1D {
  return tfjs.tensor1d(shape, "int32");
}
