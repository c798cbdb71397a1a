/** The window of a convolution or a pool. */

/** Stride and padding of a window that slides over an image, equal in both directions. */
export interface Window {
  /** Step of the window, in pixels, at least 1. */
  stride: number;
  /** Pixels of padding on each of the four sides, as PyTorch counts it. */
  padding: number;
}

/** A pooling window. */
export interface Pool extends Window {
  /** Side of the square window, in pixels. */
  kernelSize: number;
}
