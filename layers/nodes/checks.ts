/** What the constructors of nodes check. */
import type { Node, SpatialShape } from "./node.ts";

/** A shape as messages show it: `[28, 28, 128]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** A node's shape and where it comes from, for messages. */
export function describe(x: Node): string {
  return `${showShape(x.shape)} from ${x.op} "${x.name}"`;
}

/** The shape of a map; other shapes are refused. */
export function spatial(op: string, name: string, x: Node): SpatialShape {
  if (x.shape.length === 3) return x.shape;
  throw new TypeError(`${op} "${name}": needs [h, w, c], found ${describe(x)}`);
}

/** Height and width after a window has slid over a map. */
export function outputSize(
  op: string,
  name: string,
  shape: SpatialShape,
  kernelSize: number,
  stride: number,
  padding: number,
): [height: number, width: number] {
  const length = (n: number): number => Math.floor((n + 2 * padding - kernelSize) / stride) + 1;
  const [height, width] = [length(shape[0]), length(shape[1])];
  if (height < 1 || width < 1) {
    throw new TypeError(
      `${op} "${name}": a ${kernelSize}x${kernelSize} window with padding ${padding} does not fit into ${
        showShape(shape)
      }`,
    );
  }
  return [height, width];
}

/** Refuses settings that are not whole numbers of at least `min`. */
export function checkWhole(
  op: string,
  name: string,
  settings: Readonly<Record<string, number>>,
  min: number,
): void {
  for (const [setting, value] of Object.entries(settings)) {
    if (!Number.isSafeInteger(value) || value < min) {
      throw new RangeError(
        `${op} "${name}": ${setting} must be a whole number from ${min} up, found ${value}`,
      );
    }
  }
}

/** Refuses a probability of being dropped that would leave nothing. */
export function checkRate(op: string, name: string, rate: number): void {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`${op} "${name}": rate must be from 0 to below 1, found ${rate}`);
  }
}
