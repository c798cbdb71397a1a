import { assert, assertEquals } from "@std/assert";
import type { Augment } from "../../../pipeline/data/dataset.ts";
import { drawAugmentation, type Draws, moveImages } from "../../../pipeline/transforms/augmentation.ts";
import { tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { eagerAndJitted } from "../../runtime/harness.ts";

const ignore = !canLoadTensorFlow;
const CFG: Augment = { kind: "augment", flip: true, crop: 4, padding: "zero" };

Deno.test({
  name: "drawAugmentation is a function of the seed, eager and jitted",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const seed = tf.tensor1d([7, 8], "int32");
      const read = ({ flip, down, across }: Draws) =>
        [flip, down, across].map((draw) => [...draw.dataSync()]);
      const first = read(drawAugmentation(16, CFG, seed));
      eagerAndJitted(
        (seed: tf.Tensor1D) => ({ ...drawAugmentation(16, CFG, seed) }),
        [seed],
        (draws, mode) => assertEquals(read(draws), first, mode),
      );
      const some = read(drawAugmentation(4, CFG, seed, { rows: { from: 10, of: 16 } }));
      assertEquals(
        some,
        first.map((draws) => draws.slice(10, 14)),
        "rows of a batch have the draws of all of it",
      );
      const other = read(drawAugmentation(16, CFG, tf.tensor1d([7, 9], "int32")));
      for (const kind of [0, 1, 2]) assert(other[kind].join() !== first[kind].join());
      assert(first[1].join() !== first[2].join());
    });
  },
});

Deno.test({
  name: "drawAugmentation flips half of the images and draws every shift equally often",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const n = 9000;
      const { flip, down, across } = drawAugmentation(n, CFG, tf.tensor1d([1, 2], "int32"));
      const counts = (draw: tf.Tensor1D) => {
        const found = new Map<number, number>();
        for (const value of draw.dataSync()) found.set(value, (found.get(value) ?? 0) + 1);
        return found;
      };
      assertEquals([...counts(flip).keys()].sort(), [0, 1]);
      // 4500 of each, standard deviation 47; 1000 of each shift, standard deviation 30: within 5 deviations.
      assert(Math.abs(counts(flip).get(1)! - 4500) < 237);
      for (const shifts of [counts(down), counts(across)]) {
        assertEquals([...shifts.keys()].sort((a, b) => a - b), [-4, -3, -2, -1, 0, 1, 2, 3, 4]);
        for (const [shift, count] of shifts) assert(Math.abs(count - 1000) < 150, `${shift}: ${count}`);
      }
    });
  },
});

Deno.test({
  name: "drawAugmentation draws nothing that was not asked for",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const seed = tf.tensor1d([1, 2], "int32");
      const { flip, down, across } = drawAugmentation(50, { ...CFG, flip: false, crop: 0 }, seed);
      assertEquals([flip, down, across].map((draw) => Math.max(...draw.dataSync())), [0, 0, 0]);
      assertEquals([flip.dtype, down.dtype, across.dtype], ["int32", "int32", "int32"]);
      // Alternate flips are done when a batch is copied; the shifts are drawn as ever.
      const alternate = drawAugmentation(50, { ...CFG, flip: "alternate" }, seed);
      const random = drawAugmentation(50, CFG, seed);
      assertEquals([...alternate.flip.dataSync()], new Array(50).fill(0));
      assertEquals(alternate.across.dataSync(), random.across.dataSync());
    });
  },
});

/** A row of one-channel pixels 1, 2, 3, 4 moved as drawn. */
function moveRow(flip: number, across: number, padding: Augment["padding"]): number[] {
  return tf.tidy(() => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 1, 4, 1]);
    const [flips, down, shift] = [flip, 0, across].map((value) => tf.tensor1d([value], "int32"));
    return [...moveImages(x, { flip: flips, down, across: shift }, padding, [0]).dataSync()];
  });
}

Deno.test({
  name: "moveImages by hand: shift, flip, zero and reflected padding",
  ignore,
  async fn() {
    await tf.ready();
    assertEquals(moveRow(0, 0, "zero"), [1, 2, 3, 4]);
    assertEquals(moveRow(1, 0, "zero"), [4, 3, 2, 1]);
    assertEquals(moveRow(0, 1, "zero"), [2, 3, 4, 0]);
    assertEquals(moveRow(0, -2, "zero"), [0, 0, 1, 2]);
    assertEquals(moveRow(1, 1, "zero"), [0, 4, 3, 2]); // cropped to 2 3 4 0, then mirrored
    assertEquals(moveRow(0, -2, "reflect"), [3, 2, 1, 2]); // numpy.pad([1, 2, 3, 4], 2, "reflect")[:4]
    assertEquals(moveRow(0, 3, "reflect"), [4, 3, 2, 1]);
    assertEquals(moveRow(1, 1, "reflect"), [3, 4, 3, 2]);
  },
});

/** The same, one pixel at a time: pad, crop at the drawn place, flip. */
function moveOnePixelAtATime(
  pixels: Float32Array,
  [n, height, width, channels]: readonly number[],
  draws: { flip: ArrayLike<number>; down: ArrayLike<number>; across: ArrayLike<number> },
  padding: Augment["padding"],
  black: readonly number[],
): number[] {
  const result: number[] = [];
  const bounce = (position: number, length: number): number => {
    if (position < 0) return -position;
    return position >= length ? 2 * (length - 1) - position : position;
  };
  for (let image = 0; image < n; image++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let y = row + draws.down[image];
        let x = (draws.flip[image] === 1 ? width - 1 - column : column) + draws.across[image];
        if (padding === "reflect") [y, x] = [bounce(y, height), bounce(x, width)];
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        for (let channel = 0; channel < channels; channel++) {
          result.push(
            inside ? pixels[((image * height + y) * width + x) * channels + channel] : black[channel],
          );
        }
      }
    }
  }
  return result;
}

for (const padding of ["zero", "reflect"] as const) {
  Deno.test({
    name: `moveImages with ${padding} padding is pad, crop and flip one pixel at a time, eager and jitted`,
    ignore,
    async fn() {
      await tf.ready();
      tf.tidy(() => {
        const shape: [number, number, number, number] = [12, 7, 9, 3];
        const black = [-1.5, -2.5, 0.25];
        const pixels = Float32Array.from({ length: 12 * 7 * 9 * 3 }, (_, index) => index);
        const draws = drawAugmentation(12, { ...CFG, padding }, tf.tensor1d([3, 1], "int32"));
        const { flip, down, across } = draws;
        const expected = moveOnePixelAtATime(
          pixels,
          shape,
          {
            flip: flip.dataSync(),
            down: down.dataSync(),
            across: across.dataSync(),
          },
          padding,
          black,
        );
        eagerAndJitted(
          (x: tf.Tensor4D, flip: tf.Tensor1D, down: tf.Tensor1D, across: tf.Tensor1D) =>
            moveImages(x, { flip, down, across }, padding, black),
          [tf.tensor4d(pixels, shape), flip, down, across],
          (y, mode) => {
            assertEquals(y.shape, shape);
            assertEquals([...y.dataSync()], expected, mode);
          },
        );
      });
    },
  });
}
