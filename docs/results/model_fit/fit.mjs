/**
 * One `model.fit` of a small network of tf.layers on CIFAR-10's first images, for any tfjs: `fit(tf, read, options)`.
 *
 * With Deno: `deno run -A docs/results/model_fit/deno.ts data`. With tfjs-node's addon in Node 20: its npm package
 * (4.22.0), installed without its scripts, and the addon built from the sources in it against this project's libtensorflow
 * and the headers of the tensorflow wheel:
 *
 *   g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -I/usr/include/node -I. -I.. -I$HEADERS binding/*.cc \
 *     $LIBRARY/libtensorflow_cc.so.2 $LIBRARY/libtensorflow_framework.so.2 -Wl,-rpath,$LIBRARY \
 *     -o lib/napi-v8/tfjs_binding.node
 *
 * @param read Gives the bytes of a file of the binary version by its name.
 */
export async function fit(tf, read, { epochs = 1, images = 3000, batchSize = 64 } = {}) {
  const bytes = read("data_batch_1.bin");
  const pixels = new Float32Array(images * 3072);
  const labels = Int32Array.from({ length: images }, (_, image) => bytes[image * 3073]);
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < 3; channel++) {
      for (let pixel = 0; pixel < 1024; pixel++) {
        const value = bytes[image * 3073 + 1 + channel * 1024 + pixel];
        pixels[(image * 1024 + pixel) * 3 + channel] = value / 127.5 - 1;
      }
    }
  }
  const x = tf.tensor4d(pixels, [images, 32, 32, 3]);
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, "int32"), 10).toFloat());

  const { layers } = tf;
  const conv = (filters) => ({ filters, kernelSize: 3, padding: "same", activation: "relu" });
  const model = tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [32, 32, 3], ...conv(32) }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d(conv(64)),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d(conv(128)),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.003), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const start = performance.now();
  const { history } = await model.fit(x, y, { epochs, batchSize, verbose: 0, yieldEvery: "never" });
  return { seconds: (performance.now() - start) / 1000, accuracy: history.acc.at(-1) };
}
