/** Checkpoints and weight files: there and back bit for bit, and every way in which a file can be wrong. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors, encodeSafetensors } from "../../../layers/formats/safetensors.ts";
import {
  init,
  initArrays,
  type Model,
  type NumericArray,
  resnet,
  type Tensors,
  toPyTorch,
} from "../../../layers/mod.ts";
import { loadCheckpoint, saveCheckpoint } from "../../../pipeline/runs/checkpoint.ts";
import { loadStart, loadWeights, saveWeights } from "../../../pipeline/runs/weights.ts";
import type { Optimizer } from "../../../pipeline/training/optimizer.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { disposeState, startState, type TrainState } from "../../../pipeline/training/state.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { type Progress, silent } from "../../../runtime/system/progress.ts";
import { leakTest } from "../../runtime/harness.ts";
import { inFolder } from "../../in_folder.ts";

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 3 });

/** The settings of the state that is made: slow weights, and nothing for the first layer, which is frozen. */
const SETTINGS: Pick<Training, "optimizer" | "lookahead" | "frozen"> = {
  optimizer: recipes.resnet20.training.optimizer,
  lookahead: { every: 4, keep: 0.5 },
  frozen: ["conv1.0"],
};

/** A state with numbers of all kinds in it. */
function madeState(settings = SETTINGS): TrainState {
  const { optState: zeros, slow: same, ...state } = startState(model, init(model, 1), settings);
  const odd = [NaN, Infinity, -Infinity, -0, 1e-45, Math.fround(1 / 3)];
  const optState = tree.map(
    ({ shape, size }) => tf.tensor(Float32Array.from({ length: size }, (_, i) => odd[i % odd.length]), shape),
    zeros,
  );
  tree.dispose([zeros, same]);
  const slow = settings.lookahead && init(model, 2);
  return { ...state, optState, ...(slow && { slow }), step: 1234567, lossSum: 0.1 + 0.2, lastLoss: NaN };
}

/** Reads a checkpoint of the state that is made. */
const load = (path: string, of: Model) => loadCheckpoint(path, of, SETTINGS);

function bits(tensors: Tensors): [string, number[], Uint32Array][] {
  return Object.entries(tensors)
    .map(([name, tensor]): [string, number[], Uint32Array] => [
      name,
      tensor.shape,
      new Uint32Array(tensor.dataSync().buffer),
    ])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

/** A test with a folder of its own that leaves no tensor and no handle behind. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  leakTest(name, () => inFolder(fn));
}

const ADAMW: Optimizer = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

for (const optimizer of [SETTINGS.optimizer, recipes.fast.training.optimizer, ADAMW]) {
  test(`a checkpoint of ${optimizer.kind} comes back bit for bit`, async (dir) => {
    const path = join(dir, "new", "checkpoint.safetensors");
    const settings = { ...SETTINGS, optimizer };
    const state = madeState(settings);
    await saveCheckpoint(path, state, { seconds: 1 / 3 });
    const loaded = await loadCheckpoint(path, model, settings);
    assertEquals(bits(loaded.state.variables.params), bits(state.variables.params));
    assertEquals(bits(loaded.state.variables.batchStats), bits(state.variables.batchStats));
    assertEquals(Object.keys(loaded.state.optState), Object.keys(state.optState));
    for (const [kept, tensors] of Object.entries(state.optState)) {
      assertEquals(bits(loaded.state.optState[kept]), bits(tensors), kept);
      assertEquals("conv1.0.weight" in tensors, false, "the first layer is frozen");
    }
    assertEquals(bits(loaded.state.slow!.params), bits(state.slow!.params));
    assertEquals(bits(loaded.state.slow!.batchStats), bits(state.slow!.batchStats));
    const { step, lossSum, lastLoss } = loaded.state;
    assertEquals({ step, lossSum, lastLoss }, { step: 1234567, lossSum: 0.30000000000000004, lastLoss: NaN });
    assertEquals(loaded.notes, { seconds: 1 / 3 });
    assertEquals([...Deno.readDirSync(join(dir, "new"))].map(({ name }) => name), ["checkpoint.safetensors"]);
    disposeState(state);
    disposeState(loaded.state);
  });
}

test("a checkpoint without slow weights, and of a network of which everything is trained", async (dir) => {
  const path = join(dir, "checkpoint.safetensors");
  const settings = { optimizer: SETTINGS.optimizer };
  const state = madeState(settings);
  await saveCheckpoint(path, state, { seconds: 1 });
  const loaded = await loadCheckpoint(path, model, settings);
  assertEquals("slow" in loaded.state, false);
  assertEquals(bits(loaded.state.optState.velocity), bits(state.optState.velocity));
  disposeState(state);
  disposeState(loaded.state);
});

test("a weights file has PyTorch's names and layouts, and comes back bit for bit", async (dir) => {
  const path = join(dir, "model.safetensors");
  const variables = init(model, 1);
  await saveWeights(path, model, variables, 77);
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path));
  assertEquals(metadata, { format: "pt" });
  const block = (name: string) =>
    ["conv1", "conv2"].flatMap((conv) => [
      `${name}.${conv}.0.weight`,
      ...["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map((key) =>
        `${name}.${conv}.1.${key}`
      ),
    ]);
  assertEquals(
    Object.keys(tensors).sort(),
    [
      "conv1.0.weight",
      ...["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map((key) =>
        `conv1.1.${key}`
      ),
      ...block("layer0.0"),
      ...block("layer1.0"),
      "fc.weight",
      "fc.bias",
    ].sort(),
  );
  assertEquals([...tensors["layer1.0.conv1.0.weight"].shape], [4, 2, 3, 3], "[out, in, kh, kw]");
  assertEquals([...tensors["fc.weight"].shape], [3, 4], "[out, in]");
  const { shape, data } = tensors["layer1.0.conv1.1.num_batches_tracked"];
  assertEquals([[...shape], data], [[], BigInt64Array.of(77n)]);
  // Kernel element [out 3, in 1, row 0, column 2] is [row 0, column 2, in 1, out 3] in memory: ((0 * 3 + 2) * 2 + 1) * 4 + 3.
  assertEquals(
    tensors["layer1.0.conv1.0.weight"].data[((3 * 2 + 1) * 3 + 0) * 3 + 2],
    variables.params["layer1.0.conv1.0.weight"].dataSync()[23],
  );

  const loaded = await loadWeights(path, model);
  assertEquals(bits(loaded.params), bits(variables.params));
  assertEquals(bits(loaded.batchStats), bits(variables.batchStats));
  tree.dispose([variables, loaded]);
});

test("weights of the same network for other classes: the last layer is drawn from the seed, the rest is read", async (dir) => {
  const path = join(dir, "model.safetensors");
  const other = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 7 });
  const [theirs, drawn] = [init(other, 1), init(model, 5)];
  await saveWeights(path, other, theirs);
  const { variables, replacedHead } = await loadStart(path, model, 5);
  assertEquals(replacedHead, 7);
  const head = { "fc.weight": drawn.params["fc.weight"], "fc.bias": drawn.params["fc.bias"] };
  assertEquals(bits(variables.params), bits({ ...theirs.params, ...head }));
  assertEquals(bits(variables.batchStats), bits(theirs.batchStats));

  await saveWeights(path, model, drawn);
  const same = await loadStart(path, model, 0);
  assertEquals(same.replacedHead, undefined);
  assertEquals(bits(same.variables.params), bits(drawn.params));
  tree.dispose([theirs, drawn, variables, same.variables]);
});

/** What a loader says, line by line. */
function listener(): { lines: string[]; progress: Progress } {
  const lines: string[] = [];
  return { lines, progress: { ...silent, message: (line) => lines.push(line) } };
}

test("weights without a last layer, or with half of another's: it is drawn from the seed, the rest is read", async (dir) => {
  const path = join(dir, "model.safetensors");
  const [theirs, drawn] = [init(model, 1), init(model, 5)];
  await saveWeights(path, model, theirs);
  const { tensors } = decodeSafetensors(await Deno.readFile(path));
  const { "fc.weight": _, "fc.bias": bias, ...backbone } = tensors;
  const head = { "fc.weight": drawn.params["fc.weight"], "fc.bias": drawn.params["fc.bias"] };
  const weight = { shape: [7, 4], data: new Float32Array(28) };
  for (const [entries, classes] of [[backbone, 0], [{ ...backbone, "fc.weight": weight }, 7]] as const) {
    await Deno.writeFile(path, encodeSafetensors(entries));
    const { variables, replacedHead } = await loadStart(path, model, 5);
    assertEquals(replacedHead, classes);
    assertEquals(bits(variables.params), bits({ ...theirs.params, ...head }));
    tree.dispose(variables);
    await assertRejects(() => loadWeights(path, model), UserError, '"fc.bias" [3] ');
  }
  await Deno.writeFile(path, encodeSafetensors({ ...backbone, "fc.bias": bias }));
  await assertRejects(() => loadStart(path, model, 5), UserError, '"fc.weight" [3, 4] is missing');
  await Deno.writeFile(path, encodeSafetensors({ ...backbone, "head.weight": weight }));
  await assertRejects(
    () => loadStart(path, model, 5),
    UserError,
    '"head.weight" [7, 4] is not in the network',
  );
  tree.dispose([theirs, drawn]);
});

test("weights in float16 with prefixed names and another project's: read, and said so in three lines", async (dir) => {
  const path = join(dir, "model.safetensors");
  const theirs = init(model, 1);
  await saveWeights(path, model, theirs);
  const { tensors } = decodeSafetensors(await Deno.readFile(path));
  const renamed = Object.entries(tensors).map(([name, array]): [string, NumericArray] => [
    "module." + name.replace(/^layer(\d)/, (_, stage) => `layer${Number(stage) + 1}`)
      .replace(/conv(\d)\.0\./, "conv$1.").replace(/conv(\d)\.1\./, "bn$1.").replace("fc.", "linear."),
    array.data instanceof Float32Array
      ? { ...array, data: new Uint16Array(Float16Array.from(array.data).buffer) }
      : array,
  ]);
  const bytes = encodeSafetensors(Object.fromEntries(renamed));
  const header = bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
  header.set(new TextEncoder().encode(new TextDecoder().decode(header).replaceAll('"U16"', '"F16"')));
  await Deno.writeFile(path, bytes);

  const said = [
    `${path}: all names begin with "module.", which is taken off`,
    `${path}: the names are those of kuangliu's and akamaster's CIFAR ResNets`,
    `${path}: F16 becomes float32`,
  ];
  const half = (data: ArrayLike<number>): Float32Array => Float32Array.from(Float16Array.from(data));
  const { lines, progress } = listener();
  const { variables, replacedHead } = await loadStart(path, model, 5, progress);
  assertEquals([lines, replacedHead], [said, undefined]);
  for (const name of ["conv1.0.weight", "layer1.0.conv2.1.bias", "fc.weight"]) {
    assertEquals(variables.params[name].dataSync(), half(theirs.params[name].dataSync()));
  }
  const loaded = await loadWeights(path, model, progress);
  assertEquals(lines, [...said, ...said]);
  tree.dispose([theirs, variables, loaded]);
});

test("weights of another network are refused, whatever its last layer", async (dir) => {
  const path = join(dir, "model.safetensors");
  for (const numClasses of [3, 7]) {
    const other = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 5], numClasses });
    const theirs = init(other, 1);
    await saveWeights(path, other, theirs);
    const error = await assertRejects(() => loadStart(path, model, 0), UserError);
    assertEquals(
      error.message,
      `Cannot load ${path} into ResNet-6: "layer1.0.conv1.0.weight" has shape [5, 2, 3, 3], ` +
        "the network needs [4, 2, 3, 3]; use weights of the same network",
    );
    tree.dispose(theirs);
  }
});

test("weights that are not finite are refused by the tensor's name, as they are and to start from", async (dir) => {
  const path = join(dir, "model.safetensors");
  const entries = toPyTorch(model, initArrays(model, 1));
  for (
    const [name, value] of [
      ["layer1.0.conv1.0.weight", NaN],
      ["conv1.1.running_var", Infinity],
      ["fc.bias", -Infinity],
    ] as const
  ) {
    const { shape, data } = entries[name];
    const spoilt = { shape, data: Float32Array.from(data as Float32Array).fill(value, data.length - 1) };
    await Deno.writeFile(path, encodeSafetensors({ ...entries, [name]: spoilt }));
    for (const read of [loadWeights, (path: string, of: Model) => loadStart(path, of, 0)]) {
      const error = await assertRejects(() => read(path, model), UserError);
      assertEquals(
        error.message,
        `Cannot load ${path} into ResNet-6: "${name}" holds ${value}; use weights that are finite`,
      );
    }
  }
});

test("files that are missing, cut off, garbage or of another network say so", async (dir) => {
  const path = join(dir, "checkpoint.safetensors");
  const state = madeState();
  await saveCheckpoint(path, state, { seconds: 1 });
  disposeState(state);
  const bytes = await Deno.readFile(path);
  const again = "the file is damaged or not safetensors, get it again";
  const longer = new Uint8Array(bytes.length + 4);
  longer.set(bytes);
  const cases: [string, Uint8Array | undefined, string][] = [
    ["missing", undefined, "no such file or directory; give the path of a safetensors file"],
    ["empty", new Uint8Array(0), `0 bytes, a header's length takes 8; ${again}`],
    [
      "cut off",
      bytes.subarray(0, bytes.length - 1),
      `${bytes.length - 1} bytes, header and tensors have ${bytes.length}; ${again}`,
    ],
    [
      "cut off in the header",
      bytes.subarray(0, 100),
      `100 bytes, header and its length alone are said to have`,
    ],
    ["too long", longer, `${bytes.length + 4} bytes, header and tensors have ${bytes.length}; ${again}`],
    ["garbage", new Uint8Array(100).fill(0xfe), "the header is said to have"],
    ["a page", new TextEncoder().encode("<html>not found</html>"), "it is a web page"],
  ];
  for (const [name, content, problem] of cases) {
    const file = join(dir, name);
    if (content !== undefined) await Deno.writeFile(file, content);
    for (const read of [load, loadWeights]) {
      await assertRejects(() => read(file, model), UserError, `Cannot read ${file}: ${problem}`, name);
    }
  }
  const other = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 5], numClasses: 3 });
  await assertRejects(
    () => load(path, other),
    UserError,
    `Cannot resume from ${path}: "variables/params/layer1.0.conv1.0.weight" has shape [3,3,2,4], the settings need ` +
      "[3,3,2,5]; it is not a checkpoint of this run",
  );
  const weights = join(dir, "model.safetensors");
  const variables = init(model, 1);
  await saveWeights(weights, model, variables);
  tree.dispose(variables);
  await assertRejects(
    () => loadWeights(weights, other),
    UserError,
    `Cannot load ${weights} into ResNet-6: "layer1.0.`,
  );
});

test("a checkpoint with the wrong velocities or slow weights, of other settings or without its notes, says so", async (dir) => {
  const path = join(dir, "checkpoint.safetensors");
  const state = madeState();
  await saveCheckpoint(path, state, { seconds: 1 });
  disposeState(state);
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path));
  const refused = async (changed: typeof tensors, notes: typeof metadata, problem: string) => {
    const file = join(dir, "changed");
    await Deno.writeFile(file, encodeSafetensors(changed, notes));
    await assertRejects(
      () => load(file, model),
      UserError,
      `Cannot resume from ${file}: ${problem}; it is not a checkpoint of this run`,
    );
  };
  const velocity = { shape: [2], data: Float32Array.of(1, 2) };
  await refused(
    { ...tensors, "optState/velocity/fc.bias": velocity },
    metadata,
    '"optState/velocity/fc.bias" has shape [2], the settings need [3]',
  );
  await refused(
    { ...tensors, "optState/velocity/fc.gone": velocity },
    metadata,
    'it has "optState/velocity/fc.gone", for which the settings have no use',
  );
  const { "slow/params/fc.bias": _, ...fewer } = tensors;
  await refused(fewer, metadata, 'it has no "slow/params/fc.bias"');
  const { shape, data } = tensors["slow/params/fc.bias"];
  await refused(
    { ...tensors, "slow/params/fc.bias": { shape, data: Int32Array.from(data as Float32Array) } },
    metadata,
    '"slow/params/fc.bias" is not float32',
  );
  for (const key of ["step", "lossSum", "lastLoss", "seconds"]) {
    const { [key]: _, ...others } = metadata;
    await refused(tensors, others, `its ${key} is missing`);
    await refused(tensors, { ...metadata, [key]: "many" }, `its ${key} is many`);
    await refused(tensors, { ...metadata, [key]: "" }, `its ${key} is `);
  }
  for (const step of ["NaN", "-1", "1.5"]) {
    await refused(tensors, { ...metadata, step }, `its step is ${step}`);
  }
  const others: [Partial<typeof SETTINGS>, string][] = [
    [{ optimizer: ADAMW }, 'it has no "optState/mean/conv1.1.weight"'],
    [
      { lookahead: undefined },
      'it has "slow/batchStats/conv1.1.running_mean", for which the settings have no use',
    ],
    [{ frozen: [] }, 'it has no "optState/velocity/conv1.0.weight"'],
  ];
  for (const [changes, problem] of others) {
    await assertRejects(
      () => loadCheckpoint(path, model, { ...SETTINGS, ...changes }),
      UserError,
      `Cannot resume from ${path}: ${problem}; it is not a checkpoint of this run`,
    );
  }
});

test("a weights file is no checkpoint, and a checkpoint no weights file", async (dir) => {
  const [weights, checkpoint] = [join(dir, "w"), join(dir, "c")];
  const state = madeState();
  await saveWeights(weights, model, state.variables);
  await saveCheckpoint(checkpoint, state, { seconds: 1 });
  disposeState(state);
  await assertRejects(
    () => load(weights, model),
    UserError,
    `Cannot resume from ${weights}: its step is missing`,
  );
  await assertRejects(
    () => loadWeights(checkpoint, model),
    UserError,
    `Cannot load ${checkpoint} into ResNet-6: "conv1.0.weight" [2, 3, 3, 3], "conv1.1.weight" [2] and 25 more are missing`,
  );
});
