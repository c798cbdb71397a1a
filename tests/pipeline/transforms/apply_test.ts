import { assertEquals, assertThrows } from "@std/assert";
import type { Augment, Transform } from "../../../pipeline/data/dataset.ts";
import { applyTransforms } from "../../../pipeline/transforms/apply.ts";
import { drawAugmentation, moveImages } from "../../../pipeline/transforms/augmentation.ts";
import { CIFAR10_STATS } from "../../../pipeline/transforms/transforms.ts";
import { foldSeed, jit, liveHandles, tf } from "../../../runtime/mod.ts";
import golden from "../../data/golden/resize.json" with { type: "json" };
import pillow from "../../data/pillow_resize.json" with { type: "json" };
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT, FORWARD, nchwToNhwc } from "../../reference.ts";
import { eagerAndJitted, toTensor } from "../../runtime/harness.ts";

const ignore = !canLoadTensorFlow;
const NORMALIZE: Transform = { kind: "normalize", ...CIFAR10_STATS };
const AUGMENT: Augment = { kind: "augment", flip: true, crop: 2, padding: "zero" };

/** Whole pixel values, all different from their neighbours. */
function pixels(n: number, side: number): tf.Tensor4D {
  const values = Float32Array.from({ length: n * side * side * 3 }, (_, index) => (index * 89) % 256);
  return tf.tensor4d(values, [n, side, side, 3]);
}

Deno.test({
  name: "resize is PyTorch's bilinear interpolation with half-pixel centres",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const transforms: Transform[] = [{ kind: "resize", size: golden.size, quantize: false }];
      eagerAndJitted(
        (x: tf.Tensor4D) => applyTransforms(transforms, x, { train: false }),
        [toTensor<tf.Tensor4D>(nchwToNhwc(golden.x))],
        (y, mode) => assertClose(y, nchwToNhwc(golden.y), FORWARD, mode),
      );
    });
  },
});

for (const { height, width, size, image, resized } of pillow.cases) {
  Deno.test({
    name: `resize with quantize gives Pillow's bytes from ${height} x ${width} to ${size} x ${size}`,
    ignore,
    async fn() {
      await tf.ready();
      tf.tidy(() => {
        const transforms: Transform[] = [{ kind: "resize", size, quantize: true }];
        const x = toTensor<tf.Tensor4D>({ shape: [1, height, width, 3], data: Uint8Array.fromBase64(image) });
        const expected = { shape: [1, size, size, 3], data: Uint8Array.fromBase64(resized) };
        const run = (x: tf.Tensor4D) => applyTransforms(transforms, x, { train: false });
        eagerAndJitted(run, [x], (y, mode) => assertClose(y, expected, EXACT, mode));
        // Before a convolution in bfloat16 too: what stands in front of it stays float32.
        const kernel = tf.ones<tf.Rank.R4>([3, 3, 3, 4]);
        const step = jit((x: tf.Tensor4D, kernel: tf.Tensor4D) => {
          const y = run(x);
          return { y, convolved: tf.conv2d(y, kernel, 1, "same") };
        }, { precision: "bfloat16" });
        assertClose(step(x, kernel).y, expected, EXACT, "bfloat16");
        step.dispose();
        // Alternate flips are done before a resize for after it.
        assertClose(run(tf.reverse(x, 2)), tf.reverse(toTensor(expected), 2), EXACT, "mirrored");
      });
    },
  });
}

Deno.test({
  name: "resize without quantize keeps a flat image flat and the values in their range",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      for (const size of [7, 24]) {
        const transforms: Transform[] = [{ kind: "resize", size, quantize: false }];
        const flat = applyTransforms(transforms, tf.fill([1, 8, 8, 3], 77.7), { train: false });
        assertClose(flat, tf.fill([1, size, size, 3], 77.7), EXACT, `flat to ${size}`);
        const extremes = tf.tensor4d(Array.from({ length: 192 }, (_, index) => index % 2 * 255), [
          1,
          8,
          8,
          3,
        ]);
        const values = applyTransforms(transforms, extremes, { train: false }).dataSync();
        assertEquals([Math.min(...values) >= 0, Math.max(...values) <= 255], [true, true]);
      }
    });
  },
});

Deno.test({
  name: "resize to the size that the image has changes nothing",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const x = pixels(2, 5);
      for (const quantize of [false, true]) {
        const transforms: Transform[] = [{ kind: "resize", size: 5, quantize }];
        assertClose(applyTransforms(transforms, x, { train: false }), x, EXACT);
      }
    });
  },
});

Deno.test({
  name: "normalize is (x / 255 - mean) / std by channel, to float32's last digit",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const { mean, std } = CIFAR10_STATS;
      const x = pixels(2, 5);
      const data = x.dataSync().map((value, index) => {
        const scaled = Math.fround(value / 255);
        const centred = Math.fround(scaled - Math.fround(mean[index % 3]));
        return Math.fround(centred / Math.fround(std[index % 3]));
      });
      eagerAndJitted(
        (x: tf.Tensor4D) => applyTransforms([NORMALIZE], x, { train: false }),
        [x],
        (y, mode) => assertClose(y, { shape: x.shape, data }, EXACT, mode),
      );
    });
  },
});

Deno.test({
  name: "augment runs in training only, with draws of the seed and the place in the list",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const x = pixels(8, 6);
      const seed = tf.tensor1d([5, 6], "int32");
      const same = applyTransforms([AUGMENT], x, { train: false, seed });
      assertClose(same, x, EXACT, "evaluation");
      const expected = moveImages(x, drawAugmentation(8, AUGMENT, foldSeed(seed, 0)), "zero", [0, 0, 0]);
      eagerAndJitted(
        (x: tf.Tensor4D, seed: tf.Tensor1D) => applyTransforms([AUGMENT], x, { train: true, seed }),
        [x, seed],
        (y, mode) => assertClose(y, expected, EXACT, mode),
      );
      const twice = applyTransforms([AUGMENT, AUGMENT], x, { train: true, seed });
      const second = drawAugmentation(8, AUGMENT, foldSeed(seed, 1));
      assertClose(
        twice,
        moveImages(expected, second, "zero", [0, 0, 0]),
        EXACT,
        "the second has its own draws",
      );
    });
  },
});

Deno.test({
  name: "augment pads with black before and after normalize alike",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const options = { train: true, seed: tf.tensor1d([5, 6], "int32") };
      // Both at place 1 of the list: the same draws. A resize to the size that is there does nothing.
      const nothing: Transform = { kind: "resize", size: 6, quantize: false };
      const normalizedFirst = applyTransforms([NORMALIZE, AUGMENT], pixels(8, 6), options);
      const movedFirst = applyTransforms([nothing, AUGMENT, NORMALIZE], pixels(8, 6), options);
      assertClose(normalizedFirst, movedFirst, { relative: 1e-6, absolute: 0 });
    });
  },
});

Deno.test({
  name: "applyTransforms refuses other tensors, and augment without a seed",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      const bytes = tf.zeros([1, 2, 2, 3], "int32") as tf.Tensor4D;
      assertThrows(
        () => applyTransforms([], bytes, { train: false }),
        TypeError,
        "applyTransforms: images must be float32 [N, H, W, C], found int32 [1,2,2,3]",
      );
      assertThrows(
        () => applyTransforms([AUGMENT], pixels(1, 4), { train: true }),
        TypeError,
        "applyTransforms: augment with train: true needs a seed",
      );
    });
  },
});

Deno.test({
  name: "applyTransforms leaves one tensor: its result, which is never its argument",
  ignore,
  async fn() {
    await tf.ready();
    const x = pixels(2, 6);
    const seed = tf.tensor1d([1, 2], "int32");
    const transforms: Transform[] = [{ kind: "resize", size: 9, quantize: true }, NORMALIZE, AUGMENT];
    applyTransforms(transforms, x, { train: true, seed }).dispose(); // takes x and seed to the device
    const [tensors, handles] = [tf.memory().numTensors, liveHandles()];
    for (const list of [transforms, []]) {
      const y = applyTransforms(list, x, { train: true, seed });
      assertEquals(tf.memory().numTensors, tensors + 1);
      y.dispose();
      assertEquals([tf.memory().numTensors, liveHandles()], [tensors, handles]);
    }
    tf.dispose([x, seed]);
  },
});
