/** Random changes of training images, on the device and inside `jit`: the draws, and what they do to the pixels. */
import { drawRows, foldSeed, type Rows, statelessUniformInt, tf } from "../../runtime/mod.ts";
import type { Augment } from "../data/dataset.ts";

/** What was drawn for a batch of N images. */
export interface Draws {
  /** `[N]` int32: 1 where the image is mirrored left to right. */
  readonly flip: tf.Tensor1D;
  /** `[N]` int32 in `[-crop, crop]`: how far below an output pixel its source lies. */
  readonly down: tf.Tensor1D;
  /** `[N]` int32 in `[-crop, crop]`: how far to the right of an output pixel (mirrored already) its source lies. */
  readonly across: tf.Tensor1D;
}

/**
 * Draws the changes for a batch: a pure function of the seed.
 *
 * @param n Images.
 * @param cfg `flip: false` and `crop: 0` give zeros, and so does `flip: "alternate"`, whose images come mirrored.
 * @param seed `[2]` int32.
 * @param options `flips`: `[n]` int32, which images `flip: "alternate"` mirrors, if they do not come so; the draws are then
 *   of the mirrored image, as if it had come so. `rows`: which images of a batch these are, if some only.
 */
export function drawAugmentation(
  n: number,
  { flip, crop }: Augment,
  seed: tf.Tensor1D,
  { flips, rows }: { flips?: tf.Tensor1D; rows?: Rows } = {},
): Draws {
  const draw = (salt: number, min: number, max: number) =>
    drawRows(
      [n],
      rows,
      (shape) => statelessUniformInt(shape, foldSeed(seed, salt), min, max + 1),
    ) as tf.Tensor1D;
  const none = () => tf.zeros([n], "int32") as tf.Tensor1D;
  return tf.tidy(() => {
    const down = crop > 0 ? draw(1, -crop, crop) : none();
    const across = crop > 0 ? draw(2, -crop, crop) : none();
    if (flip === "alternate" && flips !== undefined) {
      // `moveImages` moves first and mirrors then: what was drawn to one side goes to the other.
      const turned = tf.sub(int32(1), tf.mul(flips, int32(2)));
      return { flip: tf.clone(flips), down, across: tf.mul(across, turned) as tf.Tensor1D };
    }
    return { flip: flip === true ? draw(0, 0, 1) : none(), down, across };
  });
}

/**
 * Moves the pixels as drawn: output pixel (r, c) of image i is its pixel (r + down[i], c' + across[i]), where c' is
 * `width - 1 - c` if the image is mirrored and c if not. That is padding, cropping at a random place, then flipping.
 *
 * @param x `[N, H, W, C]`.
 * @param padding What lies outside the image: `black`, or (`"reflect"`) the image mirrored about its edge pixel.
 * @param black `[C]`: pixel value 0 as it looks at this place in the list of transforms.
 * @returns `[N, H, W, C]`; pixel values are moved, never computed with.
 */
export function moveImages(
  x: tf.Tensor4D,
  { flip, down, across }: Draws,
  padding: Augment["padding"],
  black: readonly number[],
): tf.Tensor4D {
  return tf.tidy(() => {
    const [n, height, width, channels] = x.shape;
    const columns = Array.from({ length: width }, (_, column) => column);
    const mirrored = tf.mul(column(flip), int32(columns.map((column) => width - 1 - 2 * column)));
    const sourceRow = tf.add(column(down), tf.range(0, height, 1, "int32")); // [N, H]
    const sourceColumn = tf.add(tf.add(column(across), int32(columns)), mirrored); // [N, W]
    const row = padding === "reflect" ? reflect(sourceRow, height) : clamp(sourceRow, height);
    const col = padding === "reflect" ? reflect(sourceColumn, width) : clamp(sourceColumn, width);

    const pixels = tf.reshape(x, [n * height * width, channels]);
    const start = tf.range(0, n * height * width, height * width, "int32");
    const position = tf.add(
      tf.reshape(tf.add(column(start), tf.mul(row, int32(width))), [n, height, 1]),
      tf.reshape(col, [n, 1, width]),
    ); // [N, H, W]
    if (padding === "reflect") return gatherPixels(pixels, position, x.shape);

    // One black pixel more at the end of the table, and every position outside the image leads there.
    const last = int32(n * height * width);
    const inside = tf.mul(
      tf.reshape(tf.cast(tf.equal(row, sourceRow), "int32"), [n, height, 1]),
      tf.reshape(tf.cast(tf.equal(col, sourceColumn), "int32"), [n, 1, width]),
    );
    const table = tf.concat([pixels, tf.tensor2d([...black], [1, channels])]);
    return gatherPixels(table, tf.add(tf.mul(inside, tf.sub(position, last)), last), x.shape);
  });
}

/** Rows of `[P, C]` by position `[N, H, W]`. */
function gatherPixels(pixels: tf.Tensor, position: tf.Tensor, shape: tf.Tensor4D["shape"]): tf.Tensor4D {
  const [n, height, width] = shape;
  // Not tf.gather: its kernel reads the positions' values, which are not there while jit traces.
  return tf.gatherND(pixels, tf.reshape(position, [n, height, width, 1])) as tf.Tensor4D;
}

/** Positions in `[0, length)`, mirrored about the first and the last one. */
function reflect(position: tf.Tensor, length: number): tf.Tensor {
  const last = int32(length - 1);
  return tf.sub(last, tf.abs(tf.sub(last, tf.abs(position))));
}

function clamp(position: tf.Tensor, length: number): tf.Tensor {
  return tf.maximum(tf.minimum(position, int32(length - 1)), int32(0));
}

/** `[N]` as `[N, 1]`. */
function column(values: tf.Tensor): tf.Tensor {
  return tf.reshape(values, [-1, 1]);
}

function int32(values: number | number[]): tf.Tensor {
  return tf.tensor(values, undefined, "int32");
}
