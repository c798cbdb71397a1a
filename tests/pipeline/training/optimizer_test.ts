/** SGD against PyTorch's over a grid of settings, Muon against NumPy, and what neither has, by hand. */
import { assert, assertEquals } from "@std/assert";
import type { Tensors } from "../../../layers/mod.ts";
import { type Muon, optimize, orthogonalize, type Sgd } from "../../../pipeline/training/optimizer.ts";
import { tf } from "../../../runtime/mod.ts";
import golden from "../../data/golden/sgd.json" with { type: "json" };
import muonReference from "../../data/muon.json" with { type: "json" };
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, type Tolerance } from "../../reference.ts";
import { eagerAndJitted, toTensor } from "../../runtime/harness.ts";

const ignore = !canLoadTensorFlow;
const NEAR: Tolerance = { relative: 0, absolute: 1e-6 };
/** Five iterations raise the rounding of float32 by up to 3.4445^5 = 485. */
const MUON_NEAR: Tolerance = { relative: 1e-5, absolute: 0 };

/** Plain SGD with momentum. */
const SGD: Sgd = { kind: "sgd", momentum: 0.5, nesterov: false, weightDecay: 0, offsetScale: 1 };

for (const { lr, momentum, weight_decay: weightDecay, nesterov, param } of golden.cases) {
  Deno.test({
    name:
      `golden: three steps of SGD, learning rate ${lr}, momentum ${momentum}, weight decay ${weightDecay}` +
      (nesterov ? ", Nesterov" : ""),
    ignore,
    async fn(): Promise<void> {
      await tf.ready();
      const settings: Sgd = { kind: "sgd", momentum, nesterov, weightDecay, offsetScale: 1 };
      tf.tidy(() => {
        const threeSteps = (p: tf.Tensor, v: tf.Tensor, learningRate: tf.Scalar, ...grads: tf.Tensor[]) => {
          const start: { params: Tensors; velocities: Tensors } = { params: { p }, velocities: { p: v } };
          return grads.reduce(
            (state, grad) => optimize(settings, { ...state, grads: { p: grad }, learningRate }),
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
    const settings: Sgd = { kind: "sgd", momentum: 0.5, nesterov: true, weightDecay: 0.25, offsetScale: 4 };
    tf.tidy(() => {
      const params = { "bn.bias": tf.tensor1d([2]), "bn.weight": tf.tensor1d([2]), frozen: tf.tensor1d([9]) };
      const velocities = { "bn.bias": tf.tensor1d([1]), "bn.weight": tf.tensor1d([1]) };
      const grads = { "bn.bias": tf.tensor1d([3]), "bn.weight": tf.tensor1d([3]) };
      const next = optimize(settings, {
        params,
        velocities,
        grads,
        learningRate: tf.scalar(0.125),
        roles: { "bn.bias": "offset", "bn.weight": "scale", frozen: "offset" },
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

for (const { shape, kernel, grads, stepped, velocity } of muonReference.cases) {
  Deno.test({
    name: `muon: two steps of a kernel [${shape}], against NumPy by singular values`,
    ignore,
    async fn(): Promise<void> {
      await tf.ready();
      const { momentum, rate } = muonReference;
      const settings: Muon = { kind: "muon", momentum, others: SGD, othersRate: 1 };
      tf.tidy(() => {
        const twoSteps = (p: tf.Tensor, v: tf.Tensor, learningRate: tf.Scalar, ...grads: tf.Tensor[]) => {
          const start: { params: Tensors; velocities: Tensors } = { params: { p }, velocities: { p: v } };
          const roles = { p: "convKernel" } as const;
          return grads.reduce(
            (state, grad) => optimize(settings, { ...state, grads: { p: grad }, learningRate, roles }),
            start,
          );
        };
        const p = toTensor({ shape, data: kernel });
        const args = grads.map((data) => toTensor({ shape, data }));
        eagerAndJitted(twoSteps, [p, tf.zerosLike(p), tf.scalar(rate), ...args], (next, mode) => {
          assertClose(next.params.p, { shape, data: stepped }, MUON_NEAR, mode);
          assertClose(next.velocities.p, { shape, data: velocity }, NEAR, mode);
        });
      });
    },
  });
}

Deno.test({
  name: "muon: what is no kernel of a convolution follows SGD at its own rate",
  ignore,
  async fn(): Promise<void> {
    await tf.ready();
    tf.tidy(() => {
      const settings: Muon = { kind: "muon", momentum: 0.5, others: SGD, othersRate: 8 };
      const tensors = (value: number): Tensors => ({ "fc.weight": tf.tensor2d([[value]]) });
      const { params, velocities } = optimize(settings, {
        params: tensors(2),
        velocities: tensors(4),
        grads: tensors(3),
        learningRate: tf.scalar(0.125),
        roles: { "fc.weight": "linearWeight" },
      });
      // v = 0.5 * 4 + 3 = 5, p = 2 - 8 * 0.125 * 5
      assertEquals([...velocities["fc.weight"].dataSync()], [5]);
      assertEquals([...params["fc.weight"].dataSync()], [-3]);
    });
  },
});

Deno.test({
  name: "orthogonalize: singular values end near 1; zeros stay zeros",
  ignore,
  async fn(): Promise<void> {
    await tf.ready();
    tf.tidy(() => {
      // The rows are orthogonal already, so the singular values are their lengths: 5, 2 and 1.
      const matrix = tf.tensor2d([[3, 4, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]);
      const lengths = tf.norm(orthogonalize(matrix), 2, 1).dataSync();
      // s / |s| = 5, 2, 1 over sqrt(30), then five times s <- 3.4445 s - 4.7750 s^3 + 2.0315 s^5.
      const byHand = [5, 2, 1].map((length) => {
        let s = length / Math.sqrt(30);
        for (let i = 0; i < 5; i++) s = 3.4445 * s - 4.7750 * s ** 3 + 2.0315 * s ** 5;
        return s;
      });
      assertClose({ shape: [3], data: lengths }, { shape: [3], data: byHand }, MUON_NEAR);
      for (const s of byHand) assert(s > 0.65 && s < 1.25, `${s}`);
      assertEquals([...orthogonalize(tf.zeros([2, 3])).dataSync()], [0, 0, 0, 0, 0, 0]);
    });
  },
});
