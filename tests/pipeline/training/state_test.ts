/** What a run carries from step to step: which tensors, what it begins with, and what is no state of its settings. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  batchNorm,
  conv,
  defineModel,
  fastResnet,
  flatten,
  init,
  input,
  linear,
  relu,
  resnet,
} from "../../../layers/mod.ts";
import type { Optimizer } from "../../../pipeline/training/optimizer.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import {
  disposeState,
  initialVariables,
  mapShapes,
  pathName,
  startState,
  stateProblem,
  stateShapes,
  trainedNames,
} from "../../../pipeline/training/state.ts";
import { whiteningKernel } from "../../../pipeline/training/whitening.ts";
import { normalize } from "../../../pipeline/transforms/transforms.ts";
import { tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

const SGD: Optimizer = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0, offsetScale: 1 };
const MUON: Optimizer = { kind: "muon", momentum: 0.6, others: SGD, othersRate: 5 };
const ADAMW: Optimizer = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** One of each: a convolution, a batch norm, a linear layer. */
function smallModel() {
  const x = relu(
    batchNorm(conv(input([4, 4, 3]), { name: "a", filters: 2, kernelSize: 1 }), { name: "b" }),
    { name: "c" },
  );
  return defineModel(linear(flatten(x, { name: "d" }), { name: "fc", features: 5 }), { name: "small" });
}

const model = smallModel();

const params = {
  "a.weight": [1, 1, 3, 2],
  "a.bias": [2],
  "b.weight": [2],
  "b.bias": [2],
  "fc.weight": [32, 5],
  "fc.bias": [5],
};
const variables = { params, batchStats: { "b.running_mean": [2], "b.running_var": [2] } };
const head = { "fc.weight": [32, 5], "fc.bias": [5] };

for (
  const [optimizer, of] of [
    [SGD, (shapes: Record<string, number[]>) => ({ velocity: shapes })],
    [MUON, (shapes: Record<string, number[]>) => ({ velocity: shapes })],
    [ADAMW, (shapes: Record<string, number[]>) => ({ mean: shapes, square: shapes, count: { steps: [] } })],
  ] as const
) {
  Deno.test(`stateShapes: ${optimizer.kind}, with and without lookahead and frozen layers`, () => {
    assertEquals(stateShapes(model, { optimizer }), { variables, optState: of(params) });
    assertEquals(stateShapes(model, { optimizer, lookahead: { every: 2, keep: 0.5 } }), {
      variables,
      optState: of(params),
      slow: variables,
    });
    assertEquals(
      stateShapes(model, { optimizer, lookahead: { every: 2, keep: 0.5 }, frozen: ["a", "b"] }),
      { variables, optState: of(head), slow: variables },
      "what is frozen has weights, but nothing that an optimizer keeps",
    );
  });
}

Deno.test("mapShapes: each shape with the keys that lead there; a scalar's is no gap", () => {
  const shapes = { count: { steps: [] }, mean: { "fc.weight": [2, 3] } };
  const paths: string[] = [];
  const sizes = mapShapes(shapes, (shape, path) => {
    paths.push(pathName(path));
    return shape.reduce((size, length) => size * length, 1);
  });
  assertEquals(sizes, { count: { steps: 1 }, mean: { "fc.weight": 6 } });
  assertEquals(paths, ["count/steps", "mean/fc.weight"]);
});

Deno.test("trainedNames: whole names and what they begin with, up to a dot", () => {
  assertEquals(trainedNames(model, {}), Object.keys(params));
  assertEquals(trainedNames(model, { frozen: [] }), Object.keys(params));
  assertEquals(trainedNames(model, { frozen: ["a", "b"] }), ["fc.weight", "fc.bias"]);
  assertEquals(trainedNames(model, { frozen: ["a.weight", "fc.bias"] }), [
    ...["a.bias", "b.weight", "b.bias", "fc.weight"],
  ]);
  // 11 blocks in a stage: layer0.1 is not layer0.10.
  const deep = resnet([11, 1], { stem: "cifar", inputSize: 8, widths: [2, 2] });
  const frozen = (...begin: string[]) => {
    const trained = trainedNames(deep, { frozen: begin });
    return trainedNames(deep, {}).filter((name) => !trained.includes(name));
  };
  assertEquals(frozen("layer0.1"), [
    "layer0.1.conv1.0.weight",
    "layer0.1.conv1.1.weight",
    "layer0.1.conv1.1.bias",
    "layer0.1.conv2.0.weight",
    "layer0.1.conv2.1.weight",
    "layer0.1.conv2.1.bias",
  ]);
  assertEquals(frozen("layer0").length, 66);
  assertEquals(frozen("layer0", "layer0.10", "fc").length, 68);
  const fast = fastResnet();
  assertEquals(
    trainedNames(fast, {}).filter((name) => !trainedNames(fast, { frozen: ["stem.0"] }).includes(name)),
    ["stem.0.weight", "stem.0.bias"],
  );
  const ofRecipe = trainedNames(fast, recipes.fast.training);
  assertEquals(ofRecipe, trainedNames(fast, { frozen: ["stem.0"] }), "as the fast recipe has it");
});

Deno.test("trainedNames: a name that the model does not have is told, with the nearest; and so is everything", () => {
  const deep = resnet([2, 2], { stem: "cifar", inputSize: 8, widths: [2, 2] });
  const none = "ResNet-10 has no such parameters; ";
  const advice = '"deno task summary" shows the layers';
  const cases: [frozen: string[], message: string][] = [
    [["layr1"], `Cannot freeze "layr1": ${none}did you mean "layer1"? ${advice}`],
    [
      ["conv1", "layer1.0.conv3"],
      `Cannot freeze "layer1.0.conv3": ${none}did you mean "layer1.0.conv1"? ${advice}`,
    ],
    [["fc.wieght"], `Cannot freeze "fc.wieght": ${none}did you mean "fc.weight"? ${advice}`],
    [["lay"], `Cannot freeze "lay": ${none}did you mean "layer0"? ${advice}`],
    [["features"], `Cannot freeze "features": ${none}${advice}`],
    [[""], `Cannot freeze "": ${none}${advice}`],
    // A layer without parameters, and what goes on in any case, are nothing to freeze.
    [["conv1.2"], `Cannot freeze "conv1.2": ${none}did you mean "conv1.0"? ${advice}`],
    [["conv1.1.running_mean"], `Cannot freeze "conv1.1.running_mean": ${none}${advice}`],
    [["conv1", "layer0", "layer1", "fc"], "Cannot freeze all of ResNet-10: nothing is left to train"],
  ];
  for (const [frozen, message] of cases) {
    assertEquals(assertThrows(() => trainedNames(deep, { frozen }), UsageError).message, message);
  }
});

Deno.test("stateProblem: what is missing, of another shape or too much, in that order", () => {
  const settings = { optimizer: ADAMW, lookahead: { every: 2, keep: 0.5 }, frozen: ["a"] };
  const found = (changes: Record<string, readonly number[] | undefined> = {}) => {
    const shapes = new Map<string, readonly number[]>();
    mapShapes(stateShapes(model, settings), (shape, path) => shapes.set(pathName(path), shape));
    for (const [name, shape] of Object.entries(changes)) {
      if (shape === undefined) shapes.delete(name);
      else shapes.set(name, shape);
    }
    return shapes;
  };
  assertEquals(found().size, 8 + 2 * 4 + 1 + 8);
  assertEquals(stateProblem(model, settings, found()), undefined);
  assertEquals(
    stateProblem(model, settings, found({ "optState/count/steps": undefined })),
    'it has no "optState/count/steps"',
  );
  assertEquals(
    stateProblem(model, settings, found({ "slow/params/fc.bias": [4], "optState/more": [1] })),
    '"slow/params/fc.bias" has shape [4], the settings need [5]',
  );
  assertEquals(
    stateProblem(model, settings, found({ "variables/params/a.weight": [1, 3, 1, 2] })),
    '"variables/params/a.weight" has shape [1,3,1,2], the settings need [1,1,3,2]',
  );
  assertEquals(
    stateProblem(model, settings, found({ "optState/mean/a.bias": [2] })),
    'it has "optState/mean/a.bias", for which the settings have no use',
  );
  // A state of other settings is one of these cases.
  assertEquals(stateProblem(model, { optimizer: SGD }, found()), 'it has no "optState/velocity/a.weight"');
  assertEquals(
    stateProblem(model, { ...settings, lookahead: undefined }, found()),
    'it has "slow/params/a.weight", for which the settings have no use',
  );
  assertEquals(
    stateProblem(model, { ...settings, frozen: [] }, found()),
    'it has no "optState/mean/a.weight"',
  );
});

leakTest(
  "initialVariables: drawn from the seed; with whitening the first layer is computed from the images",
  () => {
    const fast = fastResnet({ inputSize: 20, widths: [2, 2, 2] });
    const made = madeData({ images: 20, size: 20 });
    const { train } = normalize({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })(made);
    const [drawn, plain, white] = [
      init(fast, 7),
      initialVariables(fast, train, { whiten: false }, 7),
      initialVariables(fast, train, { whiten: true }, 7),
    ];
    const isStem = (path: readonly string[]) => path[1].startsWith("stem.0.");
    const values = (of: typeof drawn, keep: (path: readonly string[]) => boolean = () => true) =>
      tree.entries(of).filter(([path]) => keep(path)).map(([path, tensor]) => [path, tensor.dataSync()]);
    assertEquals(values(plain), values(drawn));
    assertEquals(values(white, (path) => !isStem(path)), values(drawn, (path) => !isStem(path)));
    assertEquals(white.params["stem.0.weight"].dataSync(), whiteningKernel(train));
    tree.dispose([drawn, plain, white]);

    assertThrows(() => initialVariables(fast, made.train, { whiten: true }, 7), UsageError, "not normalised");
  },
);

leakTest("startState: given weights as they are, zeros for the optimizer, slow weights of their own", () => {
  for (const optimizer of [SGD, MUON, ADAMW]) {
    const given = init(model, 5);
    const before = tree.map((tensor) => tensor.dataSync(), given);
    const state = startState(model, given, { optimizer, lookahead: { every: 2, keep: 0.5 }, frozen: ["a"] });
    assertStrictEquals(state.variables, given);
    assertEquals(
      tree.map((tensor) => tensor.dataSync(), state.variables),
      before,
      "neither drawn nor whitened",
    );
    assertEquals([state.step, state.lossSum, state.lastLoss], [0, 0, NaN]);
    const { optState, slow } = state;
    assertEquals(
      tree.map(({ shape }) => shape, { variables: state.variables, optState, slow }),
      stateShapes(model, { optimizer, lookahead: { every: 2, keep: 0.5 }, frozen: ["a"] }),
    );
    for (const [path, tensor] of tree.entries(optState)) {
      assert(tensor.dataSync().every((value) => value === 0), pathName(path));
      assert(!path[1].startsWith("a."), "nothing for what is frozen");
    }
    tree.map(
      (slow, fast) => {
        assert(slow !== fast);
        assertEquals(slow.dataSync(), fast.dataSync());
      },
      slow!,
      state.variables,
    );
    tree.dispose(state.variables);
    assertEquals(tree.map((tensor) => tensor.dataSync(), slow!), before, "they outlive the others");
    disposeState(state);
  }
  const plain = startState(model, init(model, 5), { optimizer: SGD });
  assertEquals("slow" in plain, false);
  disposeState(plain);
});

leakTest("startState: what it refuses to freeze leaves the weights with the caller", () => {
  const given = init(model, 5);
  assertThrows(() => startState(model, given, { optimizer: SGD, frozen: ["z"] }), UsageError, 'freeze "z"');
  assert(tree.entries(given).every(([, tensor]) => !tensor.isDisposed));
  tree.dispose(given);
});
