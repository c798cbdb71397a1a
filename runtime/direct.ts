/**
 * Convolution by TensorFlow's own op, which computes it directly, and its gradients by theirs.
 *
 * Images are `[n, h, w, channels]`, kernels `[kh, kw, in, out]`.
 */
import * as tfjs from "@tensorflow/tfjs";
import { type Attrs, callOp, T } from "./kernel.ts";
import { type Convolution, paddingAttrs, reachedPaddings } from "./window.ts";

/** The convolution, `[n, h', w', out]`. */
export function directConv2d(
  x: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
): tfjs.Tensor4D {
  return callOp("Conv2D", attrsOf(convolution), [x, kernel])[0] as tfjs.Tensor4D;
}

/** The gradient of the image. */
export function directInputGradient(
  dy: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
): tfjs.Tensor4D {
  const { xShape } = convolution;
  const apart = paddingApart(convolution);
  if (apart === undefined) {
    const inputs = [sizes(xShape), kernel, dy];
    return callOp("Conv2DBackpropInput", attrsOf(convolution), inputs)[0] as tfjs.Tensor4D;
  }
  const dPadded = directInputGradient(dy, kernel, apart.unpadded);
  return tfjs.slice(dPadded, apart.paddings.map(([before]) => before), xShape);
}

/** The gradient of the kernel. */
export function directFilterGradient(
  x: tfjs.Tensor4D,
  dy: tfjs.Tensor4D,
  convolution: Convolution,
): tfjs.Tensor4D {
  const apart = paddingApart(convolution);
  if (apart !== undefined) return directFilterGradient(tfjs.pad(x, apart.paddings), dy, apart.unpadded);
  const attrs = { ...attrsOf(convolution), ...(misreadsFilterGradient(convolution) && EXPLICITLY_NONE) };
  const inputs = [x, sizes(convolution.kernelShape), dy];
  return callOp("Conv2DBackpropFilter", attrs, inputs)[0] as tfjs.Tensor4D;
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

/** No padding, written out: it leads to another of oneDNN's kernels than VALID does. */
const EXPLICITLY_NONE = { padding: "EXPLICIT", explicit_paddings: [0, 0, 0, 0, 0, 0, 0, 0] };

/**
 * oneDNN's filter gradient of a strided 1 x 1 convolution over few channels is wrong, and differs from call to call, in
 * TensorFlow 2.21: it even writes outside its memory. Seen on AVX2, whose blocks are 8 channels: 1 to 7 channels failed in
 * most of 96 cases, 8 and more in none. AVX-512's blocks are 16.
 */
function misreadsFilterGradient({ stride, kernelShape: [height, width, channels] }: Convolution): boolean {
  return stride > 1 && height === 1 && width === 1 && channels < 16;
}
