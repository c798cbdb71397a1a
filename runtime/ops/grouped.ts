/**
 * Convolution in groups of channels (A. Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural
 * Networks"; ResNeXt, arXiv:1611.05431): each group of filters sees its own group of channels.
 */
import * as tfjs from "@tensorflow/tfjs";

/** Channels that a convolution of its own is worth: of fewer, several groups share one, with zeros between them. */
const WORTH = 8;
/** How many channels those that share have together (docs/performance.md, "Which convolution where"). */
const SHARED = 16;

/**
 * The convolution as one of each group, side by side: TensorFlow's own on the CPU takes hundreds of times as long.
 * @param x `[n, h, w, in]`.
 * @param kernel `[kh, kw, in / groups, out]`.
 * @param convolve A convolution of one group.
 * @returns `[n, h', w', out]`.
 */
export function groupByGroup(
  x: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  groups: number,
  convolve: (x: tfjs.Tensor4D, kernel: tfjs.Tensor4D) => tfjs.Tensor4D,
): tfjs.Tensor4D {
  return tfjs.tidy(() => {
    const together = sharing(kernel.shape[2], groups);
    if (together === groups) return convolve(x, besideZeros(kernel, groups));
    const [images, kernels] = [x, kernel].map((tensor) =>
      tfjs.split<tfjs.Tensor4D>(tensor, groups / together, 3)
    );
    return tfjs.concat(images.map((image, i) => convolve(image, besideZeros(kernels[i], together))), 3);
  });
}

/** How many groups share a convolution. */
function sharing(channels: number, groups: number): number {
  let together = 1;
  while (channels < WORTH && 2 * together * channels <= SHARED && groups % (2 * together) === 0) {
    together *= 2;
  }
  return together;
}

/** A kernel `[kh, kw, in, out]` of several groups as one of no groups, `[kh, kw, groups * in, out]`. */
function besideZeros(kernel: tfjs.Tensor4D, groups: number): tfjs.Tensor4D {
  if (groups === 1) return kernel;
  const [height, width, channels, filters] = kernel.shape;
  const apart = tfjs.reshape(kernel, [height, width, 1, channels, groups, filters / groups]);
  const own = tfjs.reshape(tfjs.eye(groups), [1, 1, groups, 1, groups, 1]);
  return tfjs.reshape(tfjs.mul(apart, own), [height, width, groups * channels, filters]);
}
