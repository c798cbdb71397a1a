/** The layers API of TensorFlow.js on this backend: a network of `tf.layers` learns, by `model.fit`, and by eager ops. */
import { assert, assertEquals } from "@std/assert";
import { tf } from "../../runtime/mod.ts";
import { madeData } from "../made_data.ts";
import { leakTest } from "./harness.ts";

leakTest(
  "tf.layers: model.fit trains a convolutional network to nine images in ten, and predict agrees",
  async () => {
    const { train, test } = madeData({ images: 480, testImages: 120, size: 12 });
    const tensors = ({ images, labels }: typeof train): [tf.Tensor4D, tf.Tensor2D] =>
      tf.tidy(() => {
        const pixels = tf.tensor4d(Float32Array.from(images), [labels.length, 12, 12, 3]);
        return [
          tf.sub(tf.div(pixels, 127.5), 1),
          tf.cast(tf.oneHot(Array.from(labels), 4), "float32") as tf.Tensor2D,
        ];
      });
    const [[x, y], [testX, testY]] = [tensors(train), tensors(test!)];
    const drawn = (seed: number) => tf.initializers.glorotUniform({ seed });
    const conv = { filters: 12, kernelSize: 5, activation: "relu" } as const;
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ ...conv, inputShape: [12, 12, 3], kernelInitializer: drawn(1) }),
        tf.layers.batchNormalization({ momentum: 0.8 }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4, activation: "softmax", kernelInitializer: drawn(2) }),
      ],
    });
    const optimizer = tf.train.adam(0.01);
    model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
    // In the order given: tfjs shuffles by Math.random.
    const options = { epochs: 6, batchSize: 32, shuffle: false, verbose: 0 } as const;
    const { history } = await model.fit(x, y, options);
    const [loss, accuracy] = model.evaluate(testX, testY, { verbose: 0 }) as tf.Scalar[];
    const [found] = accuracy.dataSync();
    assert(found >= 0.9, `${found} of the test images are right`);
    const losses = history.loss.map(Number);
    assertEquals(losses.length, 6);
    assert(losses[5] < losses[0] / 2, `the losses are ${losses}`);

    const right = tf.tidy(() => {
      const probabilities = model.predict(testX) as tf.Tensor2D;
      return tf.mean(tf.equal(tf.argMax(probabilities, 1), tf.argMax(testY, 1))).dataSync()[0];
    });
    assert(Math.abs(right - found) < 1e-6, `predict has ${right} right, evaluate ${found}`);
    tf.dispose([x, y, testX, testY, loss, accuracy]);
    model.dispose();
    optimizer.dispose();
  },
);
