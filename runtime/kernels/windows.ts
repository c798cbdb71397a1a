/** Windows that slide over images, in tfjs' many ways to pad them, as TensorFlow's `SAME` and `VALID`. */
import * as tfjs from "@tensorflow/tfjs";
import type { Attrs } from "../binding/kernel.ts";

/** How a window slides, as tfjs' kernels are told. */
export interface Sliding {
  readonly strides: number | number[];
  readonly dilations?: number | number[];
  readonly pad: "valid" | "same" | number | [number, number][];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** A window over images `[n, ...sides, channels]`; each row has a number for every side. */
export interface Window {
  /** TensorFlow's word for the padding; "VALID" of images that `fit` has padded. */
  readonly padding: "SAME" | "VALID";
  /** Pixels from the first to the last tap, both counted. */
  readonly reach: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding on the near side. */
  readonly before: readonly number[];
  /** How many places it has on an image. */
  readonly steps: readonly number[];
}

/**
 * The window that tfjs means.
 * @param shape Of the images: two sides or three, channels last.
 * @param sizes Of the window.
 */
export function windowOf(
  shape: readonly number[],
  sizes: number | readonly number[],
  { strides, dilations, pad, dimRoundingMode }: Sliding,
): Window {
  if (shape.length === 4) {
    const info = tfjs.backend_util.computePool2DInfo(
      shape as Shape4,
      sizes as Sides2,
      strides as Sides2,
      (dilations ?? 1) as Sides2,
      pad as Pad | tfjs.backend_util.ExplicitPadding,
      dimRoundingMode,
    );
    return {
      padding: info.padInfo.type === "SAME" ? "SAME" : "VALID",
      reach: [info.effectiveFilterHeight, info.effectiveFilterWidth],
      strides: [info.strideHeight, info.strideWidth],
      dilations: [info.dilationHeight, info.dilationWidth],
      before: [info.padInfo.top, info.padInfo.left],
      steps: [info.outHeight, info.outWidth],
    };
  }
  const info = tfjs.backend_util.computePool3DInfo(
    shape as Shape5,
    sizes as Sides3,
    strides as Sides3,
    (dilations ?? 1) as Sides3,
    pad as Pad,
    dimRoundingMode,
  );
  return {
    padding: info.padInfo.type === "SAME" ? "SAME" : "VALID",
    reach: [info.effectiveFilterDepth, info.effectiveFilterHeight, info.effectiveFilterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    before: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
    steps: [info.outDepth, info.outHeight, info.outWidth],
  };
}
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];
type Sides2 = number | [number, number];
type Sides3 = number | [number, number, number];
type Pad = "valid" | "same" | number;

/** What it is called by in TensorFlow. */
export function windowAttrs({ padding, strides }: Window): Attrs {
  return { padding, strides: [1, ...strides, 1] };
}

/** For every axis what is put on its two ends; what is cut off, if it is negative. */
export type Edges = readonly (readonly [before: number, after: number])[];

/** The edges with which a window has just as many places on images of `shape` as it should; none for "SAME". */
export function edgesOf(window: Window, shape: readonly number[], steps: readonly number[]): Edges {
  const sides = steps.map((count, side) => {
    if (window.padding === "SAME") return [0, 0] as const;
    const stride = window.strides[side];
    const before = window.before[side];
    const after = (count - 1) * stride + window.reach[side] - before - shape[1 + side];
    return [before, after < 0 && after > -stride ? 0 : after] as const; // less than a step is left over anyway
  });
  return [[0, 0], ...sides, [0, 0]];
}

/** Whether there is anything to put on or to cut off. */
export function hasEdges(edges: Edges): boolean {
  return edges.some(([before, after]) => before !== 0 || after !== 0);
}

/** The images with their edges, of pixels that have `value`. */
export function fit(x: tfjs.Tensor, edges: Edges, value: number): tfjs.Tensor {
  if (!hasEdges(edges)) return x;
  const padded = tfjs.pad(x, edges.map(([before, after]) => [before, Math.max(0, after)]), value);
  return tfjs.slice(padded, edges.map(() => 0), fitShape(x.shape, edges));
}

/** The shape of the images with their edges. */
export function fitShape(shape: readonly number[], edges: Edges): number[] {
  return shape.map((size, axis) => edges[axis][0] + size + edges[axis][1]);
}

/** The gradient of images of `shape`, from that of the images with their edges. */
export function unfit(dx: tfjs.Tensor, edges: Edges, shape: readonly number[]): tfjs.Tensor {
  if (!hasEdges(edges)) return dx;
  const whole = tfjs.pad(dx, edges.map(([, after]) => [0, Math.max(0, -after)]));
  return tfjs.slice(whole, edges.map(([before]) => before), [...shape]);
}
