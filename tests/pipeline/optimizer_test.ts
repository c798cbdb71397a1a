/** SGD against PyTorch's over a grid of settings, and what PyTorch has not, by hand. */
import { assertEquals } from "@std/assert";
import { type Sgd, sgd, type Tensors } from "../../pipeline/optimizer.ts";
import { tf } from "../../runtime/mod.ts";
import golden from "../data/golden/sgd.json" with { type: "json" };
import { canLoadTensorFlow } from "../needs.ts";
import { assertClose, type Tolerance } from "../reference.ts";
import { eagerAndJitted, toTensor } from "../runtime/harness.ts";

const ignore = !canLoadTensorFlow;
const NEAR: Tolerance = { relative: 0, absolute: 1e-6 };

for (const { lr, momentum, weight_decay: weightDecay, nesterov, param } of golden.cases) {
  Deno.test({
    name:
      `golden: three steps of SGD, learning rate ${lr}, momentum ${momentum}, weight decay ${weightDecay}` +
      (nesterov ? ", Nesterov" : ""),
    ignore,
    async fn(): Promise<void> {
      await tf.ready();
      const settings: Sgd = { momentum, nesterov, weightDecay, offsetScale: 1 };
      tf.tidy(() => {
        const threeSteps = (p: tf.Tensor, v: tf.Tensor, learningRate: tf.Scalar, ...grads: tf.Tensor[]) => {
          const start: { params: Tensors; velocities: Tensors } = { params: { p }, velocities: { p: v } };
          return grads.reduce(
            (state, grad) => sgd(settings, { ...state, grads: { p: grad }, learningRate }),
            start,
          );
        };
        const p = toTensor(golden.param);
        const grads = golden.grads.map((grad) => toTensor(grad));
        eagerAndJitted(threeSteps, [p, tf.zerosLike(p), tf.scalar(lr), ...grads], ({ params }, mode) => {
          assertClose(params.p, param, NEAR, mode);
        });
      });
    },
  });
}

Deno.test({
  name: "sgd: offsets have a higher rate and less decay, by hand; parameters without a gradient stay",
  ignore,
  async fn(): Promise<void> {
    await tf.ready();
    const settings: Sgd = { momentum: 0.5, nesterov: true, weightDecay: 0.25, offsetScale: 4 };
    tf.tidy(() => {
      const params = { "bn.bias": tf.tensor1d([2]), "bn.weight": tf.tensor1d([2]), frozen: tf.tensor1d([9]) };
      const velocities = { "bn.bias": tf.tensor1d([1]), "bn.weight": tf.tensor1d([1]) };
      const grads = { "bn.bias": tf.tensor1d([3]), "bn.weight": tf.tensor1d([3]) };
      const next = sgd(settings, {
        params,
        velocities,
        grads,
        learningRate: tf.scalar(0.125),
        offsets: new Set(["bn.bias", "frozen"]),
      });
      // weight: g = 3 + 0.25 * 2 = 3.5, v = 0.5 + 3.5 = 4, p = 2 - 0.125 * (3.5 + 0.5 * 4) = 1.3125
      assertEquals([...next.params["bn.weight"].dataSync()], [1.3125]);
      assertEquals([...next.velocities["bn.weight"].dataSync()], [4]);
      // offset: g = 3 + 0.25 / 4 * 2 = 3.125, v = 0.5 + 3.125 = 3.625, p = 2 - 4 * 0.125 * (3.125 + 0.5 * 3.625)
      assertEquals([...next.params["bn.bias"].dataSync()], [-0.46875]);
      assertEquals([...next.velocities["bn.bias"].dataSync()], [3.625]);
      assertEquals(next.params.frozen === params.frozen, true);
      assertEquals(Object.keys(next.velocities), ["bn.bias", "bn.weight"]);
      assertEquals([...params["bn.weight"].dataSync()], [2], "what was passed in stays");
    });
  },
});
