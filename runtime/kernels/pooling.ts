/** Pooling over planes and volumes with any padding. */
import * as tfjs from "@tensorflow/tfjs";
import { type Attrs, callOp, setKernel, type } from "../binding/kernel.ts";
import {
  type Edges,
  edgesOf,
  fit,
  fitShape,
  hasEdges,
  type Sliding,
  unfit,
  type Window,
  windowAttrs,
  windowOf,
} from "./windows.ts";

interface PoolAttrs extends Sliding {
  readonly filterSize: number | number[];
}

function poolAttrs(x: tfjs.Tensor, window: Window): Attrs {
  return { T: type(x.dtype), ksize: [1, ...window.reach, 1], ...windowAttrs(window) };
}

/** What is less than any other number. */
function least({ dtype }: tfjs.Tensor): number {
  return dtype === "int32" ? -(2 ** 31) : -Infinity;
}

/** The same with NaN less than any number, as on tfjs' `cpu` backend: of a volume, TensorFlow forgets what comes before one. */
function withoutNaN(x: tfjs.Tensor): tfjs.Tensor {
  if (x.dtype !== "float32") return x;
  return callOp("SelectV2", { T: type(x.dtype) }, [tfjs.isNaN(x), tfjs.scalar(least(x)), x])[0];
}

/** Sets a forward kernel and that of its gradient, of what they do where the window is somewhere. */
function setPool(
  name: string,
  forward: (x: tfjs.Tensor, window: Window, edges: Edges) => tfjs.Tensor,
  gradient: (inputs: GradientInputs, window: Window, edges: Edges) => tfjs.Tensor,
): void {
  setKernel<"x", PoolAttrs>(name, ({ x }, { filterSize, ...sliding }) => {
    const window = windowOf(x.shape, filterSize, sliding);
    if (window.steps.includes(0)) return tfjs.zeros([x.shape[0], ...window.steps, x.shape.at(-1)!], x.dtype);
    return forward(x, window, edgesOf(window, x.shape, window.steps));
  });
  setKernel<keyof GradientInputs, PoolAttrs>(`${name}Grad`, (inputs, { filterSize, ...sliding }) => {
    const { dy, input } = inputs;
    if (dy.size === 0) return tfjs.zerosLike(input);
    const window = windowOf(input.shape, filterSize, sliding);
    const edges = edgesOf(window, input.shape, dy.shape.slice(1, -1));
    return unfit(gradient(inputs, window, edges), edges, input.shape);
  });
}
type GradientInputs = Readonly<Record<"dy" | "input" | "output", tfjs.Tensor>>;

for (const name of [tfjs.MaxPool, tfjs.MaxPool3D]) {
  setPool(
    name,
    (x, window, edges) => {
      const ordered = name === tfjs.MaxPool3D ? withoutNaN(x) : x;
      return callOp(name, poolAttrs(x, window), [fit(ordered, edges, least(x))])[0];
    },
    ({ dy, input, output }, window, edges) => {
      const images = fit(input, edges, least(input));
      return callOp(`${name}Grad`, poolAttrs(input, window), [images, output, dy])[0];
    },
  );
}

for (const name of [tfjs.AvgPool, tfjs.AvgPool3D]) {
  setPool(
    name,
    (x, window, edges) => {
      const [means] = callOp(name, poolAttrs(x, window), [fit(x, edges, 0)]);
      return hasEdges(edges) ? tfjs.mul(means, ofImageOnly(window, x, means)) : means;
    },
    ({ dy, input }, window, edges) => {
      const sizes = tfjs.tensor1d(fitShape(input.shape, edges), "int32");
      const shares = hasEdges(edges) ? tfjs.mul(dy, ofImageOnly(window, input, dy)) : dy;
      return callOp(`${name}Grad`, poolAttrs(input, window), [sizes, shares])[0];
    },
  );
}

/**
 * By what the mean of a whole window is multiplied to be that of its pixels in the image, `[1, ...steps, 1]`. A mean of no
 * pixel is NaN on planes and 0 in volumes, as on tfjs' `cpu` backend.
 */
function ofImageOnly({ reach, strides, before }: Window, x: tfjs.Tensor, means: tfjs.Tensor): tfjs.Tensor {
  const steps = means.shape.slice(1, -1);
  const taps = reach.map((size, side) =>
    Array.from({ length: steps[side] }, (_, step) => {
      const from = step * strides[side] - before[side];
      return Math.max(0, Math.min(x.shape[1 + side], from + size) - Math.max(0, from));
    })
  );
  const counts = taps.reduce((all, side) => all.flatMap((n) => side.map((m) => n * m)), [1]);
  const whole = reach.reduce((product, size) => product * size, 1);
  const fewest = reach.length === 3 ? 1 : 0;
  return tfjs.tensor(counts.map((n) => whole / Math.max(n, fewest)), [1, ...steps, 1]);
}

setKernel<"x", PoolAttrs & { readonly includeBatchInIndex: boolean }>(
  tfjs.MaxPoolWithArgmax,
  ({ x }, { filterSize, includeBatchInIndex, ...sliding }) => {
    const window = windowOf(x.shape, filterSize, sliding);
    const edges = edgesOf(window, x.shape, window.steps);
    const [values, places] = callOp(
      "MaxPoolWithArgmax",
      {
        ...poolAttrs(x, window),
        Targmax: type("int32"),
        include_batch_in_index: includeBatchInIndex,
      },
      [fit(withoutNaN(x), edges, least(x))],
      2,
    );
    return [values, hasEdges(edges) ? withoutEdges(places, x.shape, edges) : places];
  },
);

/** Places in images with edges, as one number each, counted in the images of `shape` without them. */
function withoutEdges(places: tfjs.Tensor, shape: readonly number[], edges: Edges): tfjs.Tensor {
  const whole = (value: number) => tfjs.scalar(value, "int32");
  let place: tfjs.Tensor = whole(0);
  let rest = places;
  let unit = 1;
  for (const axis of [3, 2, 1]) {
    const size = whole(fitShape(shape, edges)[axis]);
    const along = tfjs.sub(tfjs.mod(rest, size), whole(edges[axis][0]));
    place = tfjs.add(place, tfjs.mul(along, whole(unit)));
    rest = tfjs.floorDiv(rest, size);
    unit *= shape[axis];
  }
  return tfjs.add(place, tfjs.mul(rest, whole(unit)));
}
