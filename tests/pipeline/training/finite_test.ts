/** Numbers that are not finite: found in the step in which they come up, whatever the loss says, and refused when given. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  conv,
  defineModel,
  flatten,
  init,
  initArrays,
  input,
  linear,
  type Model,
  parameters,
  relu,
  toTensors,
  type Variables,
} from "../../../layers/mod.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { type StepBatch, trainStep } from "../../../pipeline/training/step.ts";
import { train } from "../../../pipeline/training/train.ts";
import { jit, type Precision, tf, tree } from "../../../runtime/mod.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { leakTest, uniform } from "../../runtime/harness.ts";
import { OPTIMIZERS, smallModel, smallRunData, smallTraining } from "../small_run.ts";

const [SGD, MUON, ADAMW] = OPTIMIZERS;

/** How a step is compiled. */
interface Compiled {
  readonly precision?: Precision;
  readonly xla?: boolean;
}

/** Without a batch norm: between its kernel and the loss stands nothing but a relu. */
const plainModel = defineModel(
  linear(
    flatten(relu(conv(input([8, 8, 3]), { name: "conv", filters: 4, kernelSize: 3 }), { name: "relu" }), {
      name: "flat",
    }),
    { name: "fc", features: 4 },
  ),
  { name: "plain" },
);

/** The variables of a model with one number replaced. */
function spoilt(model: Model, name: string, value: number): Variables {
  const arrays = initArrays(model, 1);
  const { data } = { ...arrays.params, ...arrays.batchStats }[name];
  data[data.length - 1] = value;
  return toTensors(arrays);
}

/** What one step takes beside the state: 8 images of noise. */
function batchOfNoise(): StepBatch {
  return tf.tidy(() => ({
    images: uniform<tf.Tensor4D>(1, 8, 8, 8, 3),
    labels: tf.tensor1d([0, 1, 2, 3, 0, 1, 2, 3], "int32"),
    learningRate: tf.scalar(0.01),
    seed: tf.tensor1d([0, 0], "int32"),
  }));
}

/** Compiles a step; what it gives says the loss of one that starts from some variables, which are disposed. */
function lossFrom(model: Model, settings: Training, { precision = "float32", xla = false }: Compiled = {}) {
  const step = trainStep(model, settings, [], precision);
  const compiled = jit((...args: Parameters<typeof step>) => step(...args), { xla, precision });
  const batch = batchOfNoise();
  return {
    loss(variables: Variables): number {
      const { optState } = startState(model, variables, { ...settings, lookahead: undefined });
      const { loss, ...next } = compiled({ variables, optState }, batch);
      const [value] = loss.dataSync();
      tree.dispose([loss, next, variables, optState]);
      return value;
    },
    dispose(): void {
      compiled.dispose();
      step.dispose();
      tree.dispose(batch);
    },
  };
}

leakTest("a number that is not finite is found in the step, wherever it is and whatever the loss is", () => {
  const ways: Compiled[] = [{}, { precision: "bfloat16" }, { xla: true }];
  let masked = 0;
  for (const model of [smallModel, plainModel]) {
    for (const way of ways) {
      const { loss, dispose } = lossFrom(model, smallTraining, way);
      assert(Number.isFinite(loss(init(model, 1))));
      for (const { name } of parameters(model)) {
        for (const value of [NaN, Infinity, -Infinity]) {
          const found = loss(spoilt(model, name, value));
          assert(!Number.isFinite(found), `${name} ${value} ${JSON.stringify(way)}`);
          if (found === -Infinity) masked++;
        }
      }
      dispose();
    }
  }
  assert(masked > 0, "the loss alone would have found all of them");
});

leakTest("what an optimizer keeps is found out too: a squared gradient that overflows moves nothing", () => {
  const large = (): Variables => {
    const arrays = initArrays(plainModel, 1);
    const { data } = arrays.params["fc.weight"];
    data.forEach((value, i) => data[i] = value * 1e22);
    return toTensors(arrays);
  };
  for (const [optimizer, isFinite] of [[ADAMW, false], [SGD, true]] as const) {
    const { loss, dispose } = lossFrom(plainModel, { ...smallTraining, optimizer });
    const found = loss(large());
    dispose();
    assertEquals([found === -Infinity, Number.isFinite(found)], [!isFinite, isFinite], optimizer.kind);
  }
});

leakTest("a frozen layer, and tensors of many numbers, are judged as the others are", () => {
  const wide = defineModel(
    linear(flatten(input([8, 8, 3]), { name: "flat" }), { name: "fc", features: 2 ** 10 }),
    { name: "wide" },
  );
  for (const [model, frozen] of [[wide, []], [smallModel, ["conv1"]]] as const) {
    const { loss, dispose } = lossFrom(model, { ...smallTraining, frozen });
    for (const { name } of parameters(model)) {
      assert(!Number.isFinite(loss(spoilt(model, name, NaN))), name);
    }
    dispose();
  }
});

leakTest(
  "train ends at the step whose weights are not finite, before anything is reported of it",
  async () => {
    // No step moves anything before the middle, step 18 of 36; the next one has a rate beyond float32.
    const schedule = { kind: "linear", rate: 1e300, knots: [[0, 0], [0.5, 0], [1, 1]] } as const;
    for (const optimizer of [SGD, MUON]) {
      for (const onDevice of [false, true]) {
        for (const lookahead of [undefined, { every: 3, keep: 0.5 }]) {
          const settings: Training = {
            ...smallTraining,
            optimizer,
            schedule,
            lookahead,
            batchSize: 5,
            epochs: 4,
          };
          const steps: number[] = [];
          const epochs: number[] = [];
          const error = await assertRejects(
            () =>
              train(smallModel, smallRunData(), settings, {
                onDevice,
                onStep: ({ step }) => void steps.push(step),
                onEpoch: ({ epoch }) => void epochs.push(epoch),
              }),
            UserError,
          );
          assertMatch(
            error.message,
            /^Cannot go on training: weights, running statistics or what the optimizer keeps are not finite after step 18 \(epoch 3, learning rate 6\.\d+e\+298\); try a lower --lr, or --precision float32$/,
          );
          assertEquals([steps.includes(18), epochs], [false, [1, 2]], `${optimizer.kind} ${onDevice}`);
        }
      }
    }
  },
);

leakTest(
  "train: a given state that is not finite is refused by the tensor's name, and disposed of",
  async () => {
    for (
      const [name, value, problem] of [
        ["fc.weight", NaN, '"variables/params/fc.weight" holds NaN'],
        ["conv1.1.running_var", Infinity, '"variables/batchStats/conv1.1.running_var" holds Infinity'],
      ] as const
    ) {
      const state = startState(smallModel, spoilt(smallModel, name, value), smallTraining);
      const error = await assertRejects(
        () => train(smallModel, smallRunData(), smallTraining, { state }),
        UsageError,
      );
      assertEquals(error.message, `Cannot go on from the given state: ${problem}`);
    }
    const state = startState(smallModel, init(smallModel, 1), smallTraining);
    disposeState(await train(smallModel, smallRunData(), { ...smallTraining, epochs: 1 }, { state }));
  },
);
