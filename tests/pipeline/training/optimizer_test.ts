/** SGD and AdamW against PyTorch's over grids of settings, Muon against NumPy, and what none of them has, by hand. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { parameterRoles, resnet, type Tensors } from "../../../layers/mod.ts";
import {
  type AdamW,
  type Muon,
  optimize,
  type OptimizeInput,
  optStateShapes,
  orthogonalize,
  type Sgd,
} from "../../../pipeline/training/optimizer.ts";
import { tf } from "../../../runtime/mod.ts";
import adamWReference from "../../data/adamw.json" with { type: "json" };
import golden from "../../data/golden/sgd.json" with { type: "json" };
import muonReference from "../../data/muon.json" with { type: "json" };
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, type Comparable, type Reference, type Tolerance } from "../../reference.ts";
import { eagerAndJitted, tidyTest, toTensor } from "../../runtime/harness.ts";

const ignore = !canLoadTensorFlow;
const NEAR: Tolerance = { relative: 0, absolute: 1e-6 };
/** Five iterations raise the rounding of float32 by up to 3.4445^5 = 485. */
const MUON_NEAR: Tolerance = { relative: 1e-5, absolute: 0 };

/** What a step goes on from. */
type State = Pick<OptimizeInput, "params" | "optState">;

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
          const start: State = { params: { p }, optState: { velocity: { p: v } } };
          const roles = { p: "linearWeight" } as const;
          return grads.reduce(
            (state, grad) => optimize(settings, { ...state, grads: { p: grad }, learningRate, roles }),
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
      const velocity = { "bn.bias": tf.tensor1d([1]), "bn.weight": tf.tensor1d([1]) };
      const grads = { "bn.bias": tf.tensor1d([3]), "bn.weight": tf.tensor1d([3]) };
      const next = optimize(settings, {
        params,
        optState: { velocity },
        grads,
        learningRate: tf.scalar(0.125),
        roles: { "bn.bias": "offset", "bn.weight": "scale", frozen: "offset" },
      });
      // weight: g = 3 + 0.25 * 2 = 3.5, v = 0.5 + 3.5 = 4, p = 2 - 0.125 * (3.5 + 0.5 * 4) = 1.3125
      assertEquals([...next.params["bn.weight"].dataSync()], [1.3125]);
      assertEquals([...next.optState.velocity["bn.weight"].dataSync()], [4]);
      // offset: g = 3 + 0.25 / 4 * 2 = 3.125, v = 0.5 + 3.125 = 3.625, p = 2 - 4 * 0.125 * (3.125 + 0.5 * 3.625)
      assertEquals([...next.params["bn.bias"].dataSync()], [-0.46875]);
      assertEquals([...next.optState.velocity["bn.bias"].dataSync()], [3.625]);
      assertEquals(next.params.frozen === params.frozen, true);
      assertEquals(Object.keys(next.optState.velocity), ["bn.bias", "bn.weight"]);
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
          const start: State = { params: { p }, optState: { velocity: { p: v } } };
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
          assertClose(next.optState.velocity.p, { shape, data: velocity }, NEAR, mode);
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
      const { params, optState } = optimize(settings, {
        params: tensors(2),
        optState: { velocity: tensors(4) },
        grads: tensors(3),
        learningRate: tf.scalar(0.125),
        roles: { "fc.weight": "linearWeight" },
      });
      // v = 0.5 * 4 + 3 = 5, p = 2 - 8 * 0.125 * 5
      assertEquals([...optState.velocity["fc.weight"].dataSync()], [5]);
      assertEquals([...params["fc.weight"].dataSync()], [-3]);
    });
  },
});

tidyTest(
  "muon: with the roles of a network the kernels of its convolutions turn, and nothing else does",
  () => {
    const model = resnet([1], { stem: "cifar", inputSize: 8, widths: [2], bias: true, numClasses: 3 });
    const roles = parameterRoles(model);
    const names = Object.keys(roles).filter((name) => !name.includes("running"));
    const kernels = ["conv1.0.weight", "layer0.0.conv1.0.weight", "layer0.0.conv2.0.weight"];
    // All of one shape, so that nothing but the role can tell them apart.
    const same = (...values: number[]): Tensors =>
      Object.fromEntries(names.map((name) => [name, tf.tensor2d(values, [2, 2])]));
    const settings: Muon = { kind: "muon", momentum: 0.5, others: SGD, othersRate: 8 };
    const { params, optState } = optimize(settings, {
      params: same(0, 3, 4, 0),
      optState: { velocity: same(0, 0, 0, 0) },
      grads: same(2, 0, 0, 2),
      learningRate: tf.scalar(0.125),
      roles,
    });
    // The gradient is a multiple of an orthogonal matrix: its singular values are 1 / sqrt(2) once it is divided by its norm.
    let s = Math.SQRT1_2;
    for (let i = 0; i < 5; i++) s = 3.4445 * s - 4.7750 * s ** 3 + 2.0315 * s ** 5;
    const turned = [-0.125 * s, 3 * Math.SQRT2 / 5, 4 * Math.SQRT2 / 5, -0.125 * s]; // kept at the norm sqrt(2)
    assertEquals(names.length, 14);
    for (const name of names) {
      const data = kernels.includes(name) ? turned : [-2, 3, 4, -2]; // SGD: 0 - 8 * 0.125 * 2
      assertClose(params[name], { shape: [2, 2], data }, MUON_NEAR, name);
      assertEquals([...optState.velocity[name].dataSync()], [2, 0, 0, 2], name);
    }
  },
);

/** AdamW with the settings of the paper. */
const ADAMW: AdamW = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** Asserts that each element is near its own reference: those of a tensor may be of very different sizes. */
function assertEachClose(actual: Comparable, expected: Reference, relative: number, what: string): void {
  const [found, { data, shape }] = ["dataSync" in actual ? actual.dataSync() : actual.data, expected];
  assertEquals([...actual.shape], [...shape], what);
  for (let i = 0; i < data.length; i++) {
    assertAlmostEquals(found[i], data[i], relative * Math.abs(data[i]), `${what}, element ${i}`);
  }
}

for (
  const [i, { lr, betas: [beta1, beta2], eps, weight_decay, steps, ...end }] of adamWReference.cases.entries()
) {
  const settings: AdamW = { kind: "adamw", beta1, beta2, epsilon: eps, weightDecay: weight_decay };
  tidyTest(
    `adamw: five steps are PyTorch's, case ${i}: learning rate ${[
      ...new Set(lr),
    ]}, betas ${beta1} and ${beta2}, ` +
      `epsilon ${eps}, weight decay ${weight_decay}`,
    () => {
      const tensors = (record: Readonly<Record<string, Reference>>): Tensors =>
        Object.fromEntries(Object.entries(record).map(([name, values]) => [name, toTensor(values)]));
      const roles = { matrix: "linearWeight", vector: "bias" } as const;
      const fiveSteps = (start: State, grads: Tensors[], rates: tf.Scalar[]): State[] => {
        const states = [start];
        for (const [i, grad] of grads.entries()) {
          states.push(optimize(settings, { ...states[i], grads: grad, learningRate: rates[i], roles }));
        }
        return states.slice(1);
      };
      const shapes = optStateShapes(settings, { matrix: [3, 2], vector: [4] });
      assertEquals(shapes, {
        mean: { matrix: [3, 2], vector: [4] },
        square: { matrix: [3, 2], vector: [4] },
        count: { steps: [] },
      });
      const zeros = (shapes: Readonly<Record<string, readonly number[]>>): Tensors =>
        Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tf.zeros([...shape])]));
      const optState = { mean: zeros(shapes.mean), square: zeros(shapes.square), count: zeros(shapes.count) };
      const start = { params: tensors(adamWReference.params), optState };
      const args: Parameters<typeof fiveSteps> = [
        start,
        adamWReference.grads.map(tensors),
        lr.map((rate) => tf.scalar(rate)),
      ];
      eagerAndJitted(fiveSteps, args, (states, mode) => {
        for (const [step, { params }] of states.entries()) {
          for (const name of ["matrix", "vector"] as const) {
            assertClose(params[name], steps[step][name], NEAR, `${mode}, step ${step + 1}, ${name}`);
          }
        }
        const { mean, square, count } = states[4].optState;
        for (const name of ["matrix", "vector"] as const) {
          assertClose(mean[name], end.exp_avg[name], NEAR, `${mode}, mean of ${name}`);
          assertEachClose(square[name], end.exp_avg_sq[name], 1e-6, `${mode}, square of ${name}`);
        }
        assertEquals([...count.steps.dataSync()], [5]);
      });
    },
  );
}

for (const t of [1, 2, 9, 100, 999, 10_000, 1_000_000]) {
  tidyTest(`adamw: the corrections of step ${t} have the digits of float32, by hand in float64`, () => {
    for (const [beta1, beta2] of [[0.9, 0.999], [0.99, 0.9999], [0, 0.999], [0.9, 0]]) {
      const step = (steps: tf.Scalar) =>
        optimize({ ...ADAMW, beta1, beta2 }, {
          params: { p: tf.scalar(0) },
          optState: { mean: { p: tf.scalar(2) }, square: { p: tf.scalar(5) }, count: { steps } },
          grads: { p: tf.scalar(3) },
          learningRate: tf.scalar(0.5),
          roles: { p: "bias" },
        });
      const mean = (beta1 * 2 + (1 - beta1) * 3) / (1 - beta1 ** t);
      const square = (beta2 * 5 + (1 - beta2) * 9) / (1 - beta2 ** t);
      const expected = -0.5 * mean / (Math.sqrt(square) + 1e-8);
      eagerAndJitted(step, [tf.scalar(t - 1)], ({ params, optState }, mode) => {
        assertAlmostEquals(
          params.p.dataSync()[0],
          expected,
          1e-6 * Math.abs(expected),
          `${mode} ${beta1} ${beta2}`,
        );
        assertEquals([...optState.count.steps.dataSync()], [t], mode);
      });
    }
  });
}

tidyTest("adamw: parameters without a gradient stay, and what was passed in too", () => {
  const params = { a: tf.tensor1d([1]), frozen: tf.tensor1d([9]) };
  const optState = {
    mean: { a: tf.tensor1d([0]) },
    square: { a: tf.tensor1d([0]) },
    count: { steps: tf.scalar(0) },
  };
  const next = optimize({ ...ADAMW, weightDecay: 0.5 }, {
    params,
    optState,
    grads: { a: tf.tensor1d([4]) },
    learningRate: tf.scalar(0.25),
    roles: { a: "bias", frozen: "bias" },
  });
  // Decoupled: 1 * (1 - 0.25 * 0.5), and the first step is one learning rate against the gradient's sign.
  assertAlmostEquals(next.params.a.dataSync()[0], 0.875 - 0.25, 1e-6);
  assertEquals(next.params.frozen === params.frozen, true);
  assertEquals([Object.keys(next.optState.mean), Object.keys(next.optState.square)], [["a"], ["a"]]);
  assertEquals([...params.a.dataSync(), ...optState.count.steps.dataSync()], [1, 0]);
});

tidyTest("optimize: a parameter without a role is refused, by every optimizer", () => {
  const muon: Muon = { kind: "muon", momentum: 0.5, others: SGD, othersRate: 1 };
  for (const settings of [SGD, muon, ADAMW]) {
    const tensors = (): Tensors => ({ "fc.weight": tf.scalar(1), "fc.bias": tf.scalar(1) });
    const input = {
      params: tensors(),
      optState: { velocity: tensors(), mean: tensors(), square: tensors(), count: { steps: tf.scalar(0) } },
      grads: tensors(),
      learningRate: tf.scalar(1),
      roles: { "fc.weight": "linearWeight" },
    } as const;
    const error = assertThrows(() => optimize(settings, input), TypeError);
    assertEquals(
      error.message,
      'optimize: no role for "fc.bias"; give those of the model, parameterRoles(model)',
    );
    // What has no gradient needs none.
    optimize(settings, { ...input, grads: { "fc.weight": tf.scalar(1) } });
  }
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
