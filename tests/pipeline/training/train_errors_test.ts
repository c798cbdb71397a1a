/** Every way in which training throws: one line that names what is wrong, and nothing left behind, not even the state. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  add,
  batchNorm,
  conv,
  defineModel,
  flatten,
  init,
  input,
  linear,
  type Model,
  type Node,
  relu,
  resnet,
} from "../../../layers/mod.ts";
import type { Data, Dataset } from "../../../pipeline/data/dataset.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { train, type TrainOptions } from "../../../pipeline/training/train.ts";
import { CIFAR10_STATS, normalize, resize } from "../../../pipeline/transforms/transforms.ts";
import { tree } from "../../../runtime/mod.ts";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { held, leakTest } from "../../runtime/harness.ts";
import { OPTIMIZERS, smallModel, smallRunData, smallTraining } from "../small_run.ts";

const [SGD, , ADAMW] = OPTIMIZERS;

/** What is asked for; what is left out is the small run's, which goes through. */
interface Asked extends TrainOptions {
  readonly model?: Model;
  readonly data?: Data;
  /** Settings that differ, of any type: they may come from a file, or from code that nobody has checked. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The error that training ends with, begun anew and gone on with. Nothing is left either time. */
async function refusal(asked: Asked): Promise<Error> {
  const { model = smallModel, data = smallRunData(), settings = {}, ...options } = asked;
  const before = held();
  const messages: Error[] = [];
  for (const isGiven of [false, true]) {
    const training = { ...smallTraining, ...settings } as Training;
    const state = isGiven ? startState(model, init(model, 1), smallTraining) : undefined;
    messages.push(await assertRejects(() => train(model, data, training, { state, ...options }), Error));
    assertEquals(held(), before, messages[0].message);
  }
  assertEquals(messages[0].message, messages[1].message);
  return messages[0];
}

/** Asserts that it is wrong usage, told in one line. */
async function assertRefused(asked: Asked, message: string): Promise<void> {
  const error = await refusal(asked);
  assertEquals(error.message, message);
  assert(error instanceof UsageError, message);
  assert(!message.includes("\n") && !message.endsWith("."), "one line without a full stop");
}

leakTest("train: a setting that cannot be meant is refused by its name", async () => {
  const whole = "expected a whole number of at least 1";
  const share = "expected a number of at least 0 and below 1";
  const linear = (...knots: unknown[]) => ({ schedule: { kind: "linear", rate: 0.1, knots } });
  const cases: [settings: Record<string, unknown>, problem: string][] = [
    [{ epochs: NaN }, `epochs is NaN: ${whole}`],
    [{ epochs: -1 }, `epochs is -1: ${whole}`],
    [{ epochs: 1.5 }, `epochs is 1.5: ${whole}`],
    [{ epochs: 0 }, `epochs is 0: ${whole}`],
    [{ epochs: "3" }, `epochs is "3": ${whole}`],
    [{ epochs: undefined }, `epochs is missing: ${whole}`],
    [{ batchSize: 0 }, `batchSize is 0: ${whole}`],
    [{ batchSize: Infinity }, "batchSize is Infinity: expected a finite number"],
    [{ labelSmoothing: 1.5 }, `labelSmoothing is 1.5: ${share}`],
    [{ labelSmoothing: 1 }, `labelSmoothing is 1: ${share}`],
    [linear(), "schedule.knots is an empty list: expected a list of at least 2"],
    [
      linear([0, 0], [0.6, 1], [0.5, 1], [1, 0]),
      "schedule.knots are at 0, 0.6, 0.5, 1: expected rising shares of the run, from 0 to 1",
    ],
    [
      linear([0.1, 0], [1, 0]),
      "schedule.knots are at 0.1, 1: expected rising shares of the run, from 0 to 1",
    ],
    [linear([0, 0], [1, NaN]), "schedule.knots.1.1 is NaN: expected a number of at least 0"],
    [
      { optimizer: { ...SGD, kind: "adam" } },
      'optimizer.kind is "adam": did you mean "adamw"? expected one of sgd, muon, adamw',
    ],
    [{ optimizer: { ...SGD, momentum: 1 } }, `optimizer.momentum is 1: ${share}`],
    [{ optimizer: { ...ADAMW, beta2: 1 } }, `optimizer.beta2 is 1: ${share}`],
    [{ optimizer: { ...ADAMW, epsilon: 0 } }, "optimizer.epsilon is 0: expected a number above 0"],
    [
      { optimizer: { ...ADAMW, momentum: 0.9 } },
      "optimizer.momentum is not a field: there are kind, beta1, beta2, epsilon, weightDecay",
    ],
    [{ lookahead: { every: 0, keep: 0.5 } }, `lookahead.every is 0: ${whole}`],
    [{ lookahead: { every: 2, keep: 1 } }, `lookahead.keep is 1: ${share}`],
    [
      { precision: "float16" },
      'precision is "float16": did you mean "bfloat16"? expected one of auto, float32, tf32, bfloat16',
    ],
    [{ frozen: "conv1" }, 'frozen is "conv1": expected a list'],
    [
      { epoch: 3 },
      'epoch is not a field: did you mean "epochs"? there are epochs, batchSize, optimizer, schedule, scheduleBatch, labelSmoothing, ' +
      "classWeights, lookahead, whiten, frozen, freeze, precision",
    ],
  ];
  for (const [settings, problem] of cases) {
    await assertRefused({ settings }, `Cannot train: ${problem}`);
  }
  const unknown = 'Cannot freeze "conv2": ResNet-8 has no such parameters; did you mean "conv1"? ' +
    '"deno task summary" shows the layers';
  await assertRefused({ settings: { frozen: ["conv2"] } }, unknown);
  await assertRefused(
    { settings: { classWeights: [1, 2, 3] } },
    "Cannot train: classWeights has 3 numbers, the training images are of 4 classes; give one a class",
  );
});

leakTest("train: a seed that no order or weight can be drawn from is refused", async () => {
  for (const seed of [-1, 1.5, 2 ** 31, NaN]) {
    await assertRefused(
      { seed },
      `Cannot train: seed is ${seed}: expected a whole number from 0 to 2147483647`,
    );
  }
});

leakTest("train: images that do not fit the network are refused before the first step", async () => {
  const data = smallRunData();
  const { train: training, validation } = data;
  const none = new Uint32Array();
  const changed = (part: Dataset, image: number, label: number): Dataset => ({
    ...part,
    labels: part.labels.map((old, i) => i === image ? label : old),
  });
  const [one, other] = [training.indices[3], validation!.indices[2]];
  const action = "Cannot train ResNet-8: ";
  const cases: [asked: Asked, problem: string][] = [
    [
      { data: { train: changed(training, one, 4) } },
      `label 4 (image ${one} of the training images) is none of 0 to 3`,
    ],
    [
      { data: { train: training, validation: changed(validation!, other, 7) } },
      `label 7 (image ${other} of the validation images) is none of 0 to 3`,
    ],
    [
      { data: { train: { ...training, classes: [...training.classes, "none of them"] } } },
      "the training images are of 5 classes, the network tells 4 apart; build it with numClasses: 5",
    ],
    [
      { data: resize(16)(data) },
      "the training images are [16,16,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
    ],
    [
      { data: { train: training, validation: resize(4)({ train: validation! }).train } },
      "the validation images are [4,4,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
    ],
    [
      { data: { train: { ...training, indices: none } } },
      "there are no training images; give some, or leave that part out",
    ],
    [
      { data: { train: training, validation: { ...validation!, indices: none } } },
      "there are no validation images; give some, or leave that part out",
    ],
    [
      { data: { train: { ...training, indices: Uint32Array.of(0, 50) } } },
      "of 50 training images in memory, number 50 is asked for",
    ],
    [
      { testing: { statistics: "running", batchSize: 0 } },
      "the batch size is 0; give a whole number of at least 1",
    ],
  ];
  for (const [asked, problem] of cases) await assertRefused(asked, action + problem);
  // A label of an image that does not belong is of no account.
  const members = training.indices.filter((index) => index !== one);
  const rest = { ...changed(training, one, 4), indices: members.subarray(0, 16) };
  disposeState(await train(smallModel, { train: rest }, { ...smallTraining, epochs: 1 }));
});

leakTest("train: a last batch of one image, of which a batch norm sees one pixel, is refused", async () => {
  const model = resnet([1, 1, 1], { stem: "cifar", inputSize: 4, widths: [2, 2, 2], numClasses: 4 });
  const of = (images: number): Dataset => normalize(CIFAR10_STATS)(madeData({ images, size: 4 })).train;
  const problem = (images: number, part: string): string =>
    `Cannot train ResNet-8: the last step has one of the ${images} ${part}, and of that the batch norm ` +
    '"layer2.0.conv1.1" sees one pixel, which has no variance; use another batch size, or another number of images';
  await assertRefused({ model, data: { train: of(17) } }, problem(17, "training images"));
  await assertRefused(
    { model, data: { train: of(3) }, settings: { batchSize: 1 } },
    problem(3, "training images"),
  );
  const data = { train: of(18), validation: of(9) };
  const byBatch = { statistics: "batch", batchSize: 4 } as const;
  await assertRefused({ model, data, testing: byBatch }, problem(9, "validation images"));
  for (const testing of [{ ...byBatch, batchSize: 5 }, { ...byBatch, statistics: "running" as const }]) {
    disposeState(await train(model, data, { ...smallTraining, epochs: 1 }, { testing }));
  }
});

leakTest("train: a state of other settings is refused, and disposed of", async () => {
  const cases: [of: Partial<Training>, problem: string][] = [
    [{ optimizer: ADAMW }, 'it has no "optState/velocity/conv1.0.weight"'],
    [{ lookahead: undefined }, 'it has no "slow/params/conv1.0.weight"'],
    [{ frozen: ["conv1"] }, 'it has no "optState/velocity/conv1.0.weight"'],
  ];
  for (const [of, problem] of cases) {
    const state = startState(smallModel, init(smallModel, 1), { ...smallTraining, ...of });
    const error = await assertRejects(
      () => train(smallModel, smallRunData(), smallTraining, { state }),
      UsageError,
    );
    assertEquals(error.message, `Cannot go on from the given state: ${problem}`);
    const { variables, optState, slow } = state;
    assert(tree.entries({ variables, optState, slow }).every(([, tensor]) => tensor.isDisposed));
  }
  const more = startState(smallModel, init(smallModel, 1), smallTraining);
  const settings = { ...smallTraining, frozen: ["conv1"] };
  await assertRejects(
    () => train(smallModel, smallRunData(), settings, { state: more }),
    UsageError,
    'Cannot go on from the given state: it has "optState/velocity/conv1.0.weight", for which the settings have no use',
  );
  const wider = resnet([1, 1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6, 9], numClasses: 4 });
  const other = startState(wider, init(wider, 1), smallTraining);
  await assertRejects(
    () => train(smallModel, smallRunData(), smallTraining, { state: other }),
    UsageError,
    'Cannot go on from the given state: "variables/params/layer2.0.conv1.0.weight" has shape [3,3,6,9], the settings ' +
      "need [3,3,6,8]",
  );
});

leakTest("train: weights of another network, and with a state, are refused, and disposed of", async () => {
  const cases: [Model, settings: Partial<Training>, problem: string][] = [
    [
      resnet([1, 1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6, 9], numClasses: 4 }),
      {},
      'Cannot start from the given weights: "variables/params/layer2.0.conv1.0.weight" has shape [3,3,6,9], the ' +
      "settings need [3,3,6,8]",
    ],
    [
      smallModel,
      { frozen: ["conv9"] },
      'Cannot freeze "conv9": ResNet-8 has no such parameters; did you mean "conv1"? ',
    ],
    [smallModel, { epochs: 0 }, "Cannot train: epochs is 0: "],
  ];
  for (const [of, changes, problem] of cases) {
    const variables = init(of, 1);
    const settings = { ...smallTraining, ...changes };
    await assertRejects(
      () => train(smallModel, smallRunData(), settings, { variables }),
      UsageError,
      problem,
    );
    assert(tree.tensors(variables).every((tensor) => tensor.isDisposed));
  }
  const variables = init(smallModel, 1);
  const state = startState(smallModel, init(smallModel, 2), smallTraining);
  await assertRejects(
    () => train(smallModel, smallRunData(), smallTraining, { variables, state }),
    UsageError,
    "Cannot train from weights and from a state, which has its own: give one of them",
  );
});

leakTest(
  "train: a first layer that cannot whiten, and images that are not normalised, are refused",
  async () => {
    const settings = { whiten: true };
    const error = await assertRejects(
      () => train(smallModel, smallRunData(), { ...smallTraining, ...settings }),
      UsageError,
    );
    assertEquals(
      error.message,
      'Cannot whiten with "conv1.0.weight" of ResNet-8: its shape is [3,3,3,4], whitening patches of 3 channels needs ' +
        "[2,2,3,24]; set whiten to false, or build the network for it",
    );
    const x = relu(conv(input([8, 8, 3]), { name: "a", filters: 24, kernelSize: 2 }), { name: "b" });
    const model = defineModel(linear(flatten(x, { name: "c" }), { name: "fc", features: 4 }), {
      name: "white",
    });
    const raw = madeData({ images: 20, size: 8 });
    const plain = await assertRejects(
      () => train(model, raw, { ...smallTraining, ...settings }),
      UsageError,
    );
    assertEquals(plain.message, "Cannot whiten: the images are not normalised");
  },
);

leakTest("train: an error of the caller's own goes through, wherever it is thrown", async () => {
  const fail = () => {
    throw new UserError("disk full");
  };
  const ways: TrainOptions[] = [
    { onStep: fail },
    { onStep: ({ step }) => step === 5 ? fail() : undefined },
    { onEpoch: fail },
    { onEpoch: ({ epoch }) => epoch === 3 ? fail() : undefined },
    { onEpoch: () => Promise.reject(new UserError("disk full")) },
  ];
  for (const way of ways) {
    const error = await refusal(way);
    assertEquals([error.message, error instanceof UserError], ["disk full", true]);
  }
});

leakTest("train: memory that runs out is told with the batch, and half of it to try", async () => {
  const onStep = (): void => {
    throw new TensorFlowError("TFE_Execute(trainStep_0)", 8, "OOM when allocating tensor");
  };
  const error = await refusal({ onStep });
  assertEquals([error.message, error instanceof UserError], [
    "Cannot train: out of memory with 16 images a step; try --batch 8",
    true,
  ]);
});

leakTest(
  "train: a signal ends the run with a state that is the caller's, and nothing else is left",
  async () => {
    const before = held();
    for (const after of [1, 2, 3]) {
      const stop = new AbortController();
      const state = await train(smallModel, smallRunData(), smallTraining, {
        signal: stop.signal,
        onStep: ({ step }) => step === after ? stop.abort() : undefined,
      });
      assertEquals(state.step, after);
      const { variables, optState, slow } = state;
      assertEquals(held().tensors - before.tensors, tree.entries({ variables, optState, slow }).length);
      disposeState(state);
      assertEquals(held(), before);
    }
  },
);

leakTest(
  "train: a network with a node that nobody knows, or that fails in its gradients, leaves nothing",
  async () => {
    const gelu = { ...relu(smallModel.output, { name: "gelu" }), op: "gelu" } as unknown as Node;
    const state = startState(smallModel, init(smallModel, 1), smallTraining);
    await assertRejects(
      () => train(defineModel(gelu, { name: "unknown" }), smallRunData(), smallTraining, { state }),
      TypeError,
      "no such op",
    );
    // Two maps of other sizes, added: no constructor would make it, but models are data.
    const x = relu(
      batchNorm(conv(input([8, 8, 3]), { name: "a", filters: 4, kernelSize: 3 }), { name: "b" }),
      { name: "c" },
    );
    const narrow = conv(x, { name: "d", filters: 4, kernelSize: 3 });
    const sum = { ...add(x, x, { name: "e" }), inputs: [x, narrow] } as const;
    const model = defineModel(linear(flatten(sum, { name: "f" }), { name: "fc", features: 4 }), {
      name: "bent",
    });
    for (const precision of ["float32", "bfloat16"]) {
      const { message } = await refusal({ model, settings: { precision } });
      assert(message.includes("Dimensions must be equal, but are 6 and 4"), message);
    }
  },
);
