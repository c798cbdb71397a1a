/** Folding batch norms into convolutions, by hand; `network_test.ts` compares whole networks with PyTorch. */
import { assertEquals } from "@std/assert";
import { defineModel } from "../../../layers/model.ts";
import { add, batchNorm, conv, input, relu } from "../../../layers/nodes/nodes.ts";
import { apply } from "../../../layers/readers/apply.ts";
import { foldBatchNorm } from "../../../layers/readers/fold.ts";
import { init } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";

const ignore = !canLoadTensorFlow;
const onePixel = { filters: 1, kernelSize: 1 };

Deno.test({
  name: "foldBatchNorm: one weight, by hand",
  ignore,
  async fn(): Promise<void> {
    await tf.ready();
    tf.tidy(() => {
      const norm = batchNorm(conv(input([2, 2, 1]), { ...onePixel, name: "conv" }), {
        name: "bn",
        epsilon: 0.25,
      });
      const model = defineModel(relu(norm, { name: "relu" }), { name: "one" });
      const of = (value: number, ...shape: number[]): tf.Tensor => tf.fill(shape.length ? shape : [1], value);
      const folded = foldBatchNorm(model, {
        params: {
          "conv.weight": of(3, 1, 1, 1, 1),
          "conv.bias": of(5),
          "bn.weight": of(4),
          "bn.bias": of(7),
        },
        batchStats: { "bn.running_mean": of(1), "bn.running_var": of(3.75) },
      });
      // k = 4 / sqrt(3.75 + 0.25) = 2: the kernel is 2 * 3, the bias 2 * (5 - 1) + 7.
      const { params, batchStats } = folded.variables;
      assertEquals(Object.keys(params).sort(), ["conv.bias", "conv.weight"]);
      assertEquals([...params["conv.weight"].dataSync(), ...params["conv.bias"].dataSync()], [6, 15]);
      assertEquals(batchStats, {});
      assertEquals(folded.model.nodes.map(({ op }) => op), ["input", "conv", "relu"]);
    });
  },
});

Deno.test({
  name: "foldBatchNorm: a batch norm stays whose convolution has other readers, or that follows none",
  ignore,
  async fn(): Promise<void> {
    await tf.ready();
    const before = tf.memory().numTensors;
    const first = batchNorm(input([2, 2, 1]), { name: "bn0" });
    const shared = conv(first, { ...onePixel, name: "conv1", bias: false });
    const y = batchNorm(shared, { name: "bn1" });
    const model = defineModel(add(y, shared, { name: "sum" }), { name: "shared" });
    const variables = init(model, 0);
    const folded = foldBatchNorm(model, variables);
    assertEquals(folded.model.nodes.map(({ name }) => name), model.nodes.map(({ name }) => name));
    assertEquals(Object.keys(folded.variables.params), Object.keys(variables.params));
    tf.tidy(() => {
      const x = tf.tensor4d([1, -2, 3, 4], [1, 2, 2, 1]);
      const [expected] = apply(model, variables, x, { train: false });
      const [logits] = apply(folded.model, folded.variables, x, { train: false });
      assertEquals([...logits.dataSync()], [...expected.dataSync()]);
    });
    // The result owns its tensors, and the arguments are still there.
    tf.dispose([folded.variables.params, folded.variables.batchStats]);
    assertEquals(variables.params["conv1.weight"].isDisposed, false);
    tf.dispose([variables.params, variables.batchStats]);
    assertEquals(tf.memory().numTensors, before);
  },
});
