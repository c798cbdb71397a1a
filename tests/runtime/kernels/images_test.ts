/** Images moved, turned and bent. */
import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { assertClose, EXACT } from "../../reference.ts";
import { tidyTest } from "../harness.ts";
import { parityTest, shuffled } from "./parity.ts";

const BENT = {
  "left alone": [1, 0, 0, 0, 1, 0, 0, 0],
  "turned, stretched and shifted": [0.7, -0.6, 1.3, 0.5, 0.9, -1.2, 0, 0],
  "in perspective": [1, 0.1, 0, 0.2, 1, 0, 0.05, 0.02],
};

for (const [name, matrix] of Object.entries(BENT)) {
  for (const interpolation of ["nearest", "bilinear"] as const) {
    for (const fill of ["constant", "reflect", "wrap", "nearest"] as const) {
      parityTest(
        `transform: ${name}, ${interpolation}, ${fill} outside`,
        (image, transforms) =>
          tf.image.transform(
            image as tf.Tensor4D,
            transforms as tf.Tensor2D,
            interpolation,
            fill,
            -1,
            [5, 4],
          ),
        [shuffled(1, 4, 5, 2), [matrix, [1, 8]]],
      );
    }
  }
}

tidyTest("transform bends every image, by one matrix or each by its own", () => {
  const images = tf.reshape(tf.range(0, 60), [3, 4, 5, 1]) as tf.Tensor4D;
  const each = tf.tensor2d(Object.values(BENT));
  for (const transforms of [each, tf.slice(each, [1, 0], [1, 8])]) {
    const bent = tf.unstack(tf.image.transform(images, transforms));
    for (const [i, image] of tf.split<tf.Tensor4D>(images, 3).entries()) {
      const matrix = tf.slice(transforms, [Math.min(i, transforms.shape[0] - 1), 0], [1, 8]);
      assertClose(bent[i], tf.squeeze(tf.image.transform(image, matrix), [0]), EXACT, `image ${i}`);
    }
  }
});

for (const center of [0.5, [0.2, 0.9]] as (number | [number, number])[]) {
  for (const fill of [7, [1, 2, 3]] as (number | [number, number, number])[]) {
    parityTest(
      `rotateWithOffset around ${center}, filled with ${fill}`,
      (images) => tf.image.rotateWithOffset(images as tf.Tensor4D, 0.6, fill, center),
      [shuffled(2, 5, 4, 4)],
    );
  }
}

tidyTest("rotateWithOffset by a quarter turns the first row into a column", () => {
  const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const turned = tf.image.rotateWithOffset(image, Math.PI / 2, 0, [1 / 3, 1 / 3]);
  assertEquals([...turned.dataSync()], [3, 6, 9, 2, 5, 8, 1, 4, 7]);
});
