/** SavedModels through `tf.node`: loaded, run, deleted; what is refused. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { runtime } from "../../../runtime/binding/backend.ts";
import { DType } from "../../../runtime/binding/dtypes.ts";
import { callOp, types } from "../../../runtime/binding/kernel.ts";
import { jit, JitError, tf, UserError } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { assertNoGrowth, leakTest } from "../harness.ts";
import {
  checkpointPrefix,
  constant,
  op,
  placeholder,
  typeAttr,
  type TypeName,
  VARIABLE,
  variable,
  writeSavedModel,
  writeTimes,
  xToY,
} from "./made_models.ts";

/** A test with an empty folder, that leaves no tensor and no SavedModel behind. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  leakTest(`SavedModel: ${name}`, async () => {
    await inFolder(fn);
    assertEquals(tf.node.getNumOfSavedModels(), 0);
  });
}

type Model = Awaited<ReturnType<typeof tf.node.loadSavedModel>>;

/** Loads a SavedModel, hands it to `use`, and disposes of it. */
async function withModel<R>(
  dir: string,
  use: (model: Model) => R,
  signature = "serving_default",
): Promise<R> {
  const model = await tf.node.loadSavedModel(dir, ["serve"], signature);
  try {
    return tf.tidy(() => use(model) as tf.TensorContainer) as R;
  } finally {
    model.dispose();
  }
}

const writeTimesThree = (dir: string): Promise<void> => writeTimes(dir, "float32", new Float32Array([3]));

/** Two signatures of one graph: x times three, and times two. */
async function writeTwoSignatures(dir: string): Promise<void> {
  await writeSavedModel(dir, {
    nodes: [
      placeholder("x", "float32"),
      constant("three", "float32", new Float32Array([3])),
      constant("two", "float32", new Float32Array([2])),
      op("thrice", "Mul", ["x", "three"], "float32"),
      op("twice", "Mul", ["x", "two"], "float32"),
    ],
    signatures: {
      serving_default: xToY("float32", ["x", "thrice"]),
      timestwo: xToY("float32", ["x", "twice"]),
    },
  });
}

/** Sum and difference of two inputs, as two outputs of one node. */
async function writeSumAndDifference(dir: string): Promise<void> {
  await writeSavedModel(dir, {
    nodes: [
      placeholder("a", "int32"),
      placeholder("b", "int32"),
      op("a_plus_b", "AddV2", ["a", "b"], "int32"),
      op("a_minus_b", "Sub", ["a", "b"], "int32"),
      {
        name: "both",
        op: "IdentityN",
        input: ["a_plus_b", "a_minus_b"],
        attr: { T: { list: { type: [DType.int32, DType.int32] } } },
      },
    ],
    signatures: {
      serving_default: {
        inputs: { a: ["a:0", "int32"], b: ["b:0", "int32"] },
        outputs: { sum: ["both:0", "int32"], difference: ["both:1", "int32"] },
      },
    },
  });
}

test("its graphs with tags and signatures are read without loading it", async (dir) => {
  const graph = {
    nodes: [placeholder("x", "float32")],
    signatures: { identity: xToY("float32", ["x", "x"]) },
  };
  await writeSavedModel(dir, graph, { ...graph, tags: ["serve", "gpu"] });
  const place = { dtype: "float32", tfDtype: "DT_FLOAT", name: "x:0", shape: [] };
  const signatureDefs = { identity: { inputs: { x: place }, outputs: { y: place } } };
  assertEquals(await tf.node.getMetaGraphsFromSavedModel(dir) as unknown, [
    { tags: ["serve"], signatureDefs },
    { tags: ["serve", "gpu"], signatureDefs },
  ]);
});

test("float32: a tensor, a list of tensors, tensors by name", async (dir) => {
  await writeTimesThree(dir);
  await withModel(dir, (model) => {
    const x = tf.tensor2d([[1, -2, 0.5]]);
    const y = model.predict(x) as tf.Tensor;
    assertEquals([y.dtype, y.shape, y.arraySync() as unknown], ["float32", [1, 3], [[3, -6, 1.5]]]);
    const list = model.predict([x]) as tf.Tensor[];
    assertEquals(list.map((y) => y.arraySync() as unknown), [[[3, -6, 1.5]]]);
    const named = model.predict({ x }) as tf.NamedTensorMap;
    assertEquals(Object.keys(named), ["y"]);
    assertEquals(named.y.arraySync() as unknown, [[3, -6, 1.5]]);
  });
});

test("int32", async (dir) => {
  await writeTimes(dir, "int32", new Int32Array([2]));
  await withModel(dir, (model) => {
    const y = model.predict(tf.tensor1d([1, -2, 2 ** 30 - 1], "int32")) as tf.Tensor;
    assertEquals([y.dtype, [...y.dataSync()]], ["int32", [2, -4, 2 ** 31 - 2]]);
  });
});

test("uint8, from int32 and back", async (dir) => {
  await writeTimes(dir, "uint8", new Uint8Array([6]));
  await withModel(dir, (model) => {
    const y = model.predict(tf.scalar(3, "int32")) as tf.Tensor;
    assertEquals([y.dtype, y.shape, [...y.dataSync()]], ["int32", [], [18]]);
  });
});

test("int64, from int32; values come as bigint", async (dir) => {
  await writeTimes(dir, "int64", new BigInt64Array([2n ** 33n]));
  await withModel(dir, (model) => {
    const y = model.predict(tf.tensor1d([3, -4], "int32")) as tf.Tensor;
    assertEquals([y.dtype, y.shape], ["int32", [2]]);
    assertEquals(y.dataSync() as unknown, new BigInt64Array([3n * 2n ** 33n, -4n * 2n ** 33n]));
  });
});

test("bool and complex64", async (dir) => {
  const one = (dtype: TypeName, kind: string) => ({
    nodes: [
      placeholder("x", dtype),
      dtype === "bool" ? { name: "y", op: kind, input: ["x"] } : op("y", kind, ["x"], dtype),
    ],
    signatures: { serving_default: xToY(dtype) },
  });
  await writeSavedModel(dir, one("bool", "LogicalNot"));
  await withModel(dir, (model) => {
    const y = model.predict(tf.tensor1d([true, false])) as tf.Tensor;
    assertEquals([y.dtype, [...y.dataSync()]], ["bool", [0, 1]]);
  });
  await writeSavedModel(dir, one("complex64", "Conj"));
  await withModel(dir, (model) => {
    const y = model.predict(tf.complex([1, 2], [3, -4])) as tf.Tensor;
    assertEquals([y.dtype, [...tf.imag(y).dataSync()]], ["complex64", [-3, 4]]);
  });
});

test("strings, either side of TensorFlow's 22 inline bytes, many times over", async (dir) => {
  await writeSavedModel(dir, {
    nodes: [placeholder("x", "string"), { name: "y", op: "StringUpper", input: ["x"] }],
    signatures: { serving_default: xToY("string") },
  });
  await withModel(dir, (model) => {
    const texts = ["", "a", "more than the 22 bytes that fit inline"];
    const x = tf.tensor1d(texts);
    assertNoGrowth(() => {
      tf.tidy(() => {
        const y = model.predict(x) as tf.Tensor;
        assertEquals(y.arraySync() as unknown, ["", "A", "MORE THAN THE 22 BYTES THAT FIT INLINE"]);
      });
    });
    assertEquals(x.arraySync() as unknown, texts);
  });
});

test("memory of what comes out goes back to the system", async (dir) => {
  await writeTimesThree(dir);
  await withModel(dir, (model) => {
    const MIB = 2 ** 20;
    const x = tf.ones([MIB]);
    const run = (times: number): void => {
      for (let i = 0; i < times; i++) tf.dispose(model.predict(x));
    };
    run(10);
    const before = Deno.memoryUsage().rss;
    run(100);
    // 400 MiB if nobody freed it; the swings of the allocator and the collector stay far below.
    const grown = (Deno.memoryUsage().rss - before) / MIB;
    assert(grown < 200, `grown by ${grown} MiB`);
  });
});

test("one input, several outputs", async (dir) => {
  await writeSavedModel(dir, {
    nodes: [
      placeholder("x", "int32"),
      constant("two", "int32", new Int32Array([2])),
      op("twice", "Mul", ["x", "two"], "int32"),
      op("once", "Identity", ["x"], "int32"),
    ],
    signatures: {
      serving_default: {
        inputs: { x: ["x:0", "int32"] },
        outputs: { output_0: ["twice:0", "int32"], output_1: ["once:0", "int32"] },
      },
    },
  });
  await withModel(dir, (model) => {
    const found = model.predict(tf.tensor1d([1, 2, 3], "int32")) as tf.Tensor[];
    assertEquals(found.map((y) => [...y.dataSync()]), [[2, 4, 6], [1, 2, 3]]);
  });
});

test("several inputs, several outputs of one node, by name and in a row", async (dir) => {
  await writeSumAndDifference(dir);
  await withModel(dir, (model) => {
    const a = tf.tensor1d([5, 7], "int32");
    const b = tf.tensor1d([1, 10], "int32");
    const named = model.predict({ b, a }) as tf.NamedTensorMap;
    assertEquals([...named.sum.dataSync()], [6, 17]);
    assertEquals([...named.difference.dataSync()], [4, -3]);
    // In a row, they are in the order of their names.
    const row = model.predict([a, b]) as tf.Tensor[];
    assertEquals(row.map((y) => [...y.dataSync()]), [[4, -3], [6, 17]]);
  });
});

test("says what goes in and comes out", async (dir) => {
  await writeSumAndDifference(dir);
  await withModel(dir, (model) => {
    const info = { dtype: "int32", tfDtype: "DT_INT32", shape: [] };
    assertEquals(model.inputs as unknown, [{ ...info, name: "a" }, { ...info, name: "b" }]);
    assertEquals(model.outputs as unknown, [{ ...info, name: "both:1" }, { ...info, name: "both" }]);
    // tfjs-node takes ":0" off these names for good; they mean the same.
    const [difference] = model.predict([tf.scalar(5, "int32"), tf.scalar(3, "int32")]) as tf.Tensor[];
    assertEquals([...difference.dataSync()], [2]);
  });
});

test("several signatures share what is loaded, until the last is disposed of", async (dir) => {
  await writeTwoSignatures(dir);
  const x = tf.tensor1d([1, 2, 3]);
  const run = (model: Model): number[] => tf.tidy(() => [...(model.predict(x) as tf.Tensor).dataSync()]);
  const thrice = await tf.node.loadSavedModel(dir);
  assertEquals(tf.node.getNumOfSavedModels(), 1);
  const twice = await tf.node.loadSavedModel(dir, ["serve"], "timestwo");
  assertEquals(tf.node.getNumOfSavedModels(), 1);
  assertEquals([run(thrice), run(twice)], [[3, 6, 9], [2, 4, 6]]);
  thrice.dispose();
  assertEquals(tf.node.getNumOfSavedModels(), 1);
  assertEquals(run(twice), [2, 4, 6]);
  twice.dispose();
  assertEquals(tf.node.getNumOfSavedModels(), 0);
  x.dispose();
});

test("several SavedModels at once", async (dir) => {
  const [first, second] = ["first", "second"].map((name) => join(dir, name));
  for (const folder of [first, second]) await Deno.mkdir(folder);
  await writeTimesThree(first);
  await writeSumAndDifference(second);
  const one = await tf.node.loadSavedModel(first);
  assertEquals(tf.node.getNumOfSavedModels(), 1);
  const two = await tf.node.loadSavedModel(second);
  assertEquals(tf.node.getNumOfSavedModels(), 2);
  one.dispose();
  assertEquals(tf.node.getNumOfSavedModels(), 1);
  two.dispose();
});

test("what is disposed of is loaded anew, runs no more and is disposed of once", async (dir) => {
  await writeTimesThree(dir);
  const stale = await tf.node.loadSavedModel(dir);
  stale.dispose();
  assertEquals(tf.node.getNumOfSavedModels(), 0);
  assertThrows(() => stale.dispose(), Error, "This SavedModel has already been deleted.");
  assertThrows(() => stale.predict([]), Error, "The TFSavedModel has already been deleted!");
  await writeTimes(dir, "float32", new Float32Array([5]));
  await withModel(dir, (model) => {
    assertEquals((model.predict(tf.scalar(1)) as tf.Tensor).dataSync()[0], 5);
  });
});

test("variables are restored, and each loading has its own", async (dir) => {
  const prefix = checkpointPrefix(dir);
  await Deno.mkdir(join(dir, "variables"));
  tf.tidy(() => {
    const row = [tf.scalar(prefix), tf.tensor1d([VARIABLE]), tf.tensor1d([""]), tf.scalar(4)];
    callOp("SaveV2", { dtypes: types("float32") }, row, 0);
  });
  await writeSavedModel(dir, {
    nodes: [
      ...variable,
      placeholder("x", "float32"),
      op("y", "Mul", ["x", "v/read"], "float32"),
      {
        name: "add",
        op: "AssignAddVariableOp",
        input: [VARIABLE, "x"],
        attr: { dtype: typeAttr("float32") },
      },
      {
        name: "added",
        op: "ReadVariableOp",
        input: [VARIABLE, "^add"],
        attr: { dtype: typeAttr("float32") },
      },
    ],
    signatures: { serving_default: xToY("float32"), add: xToY("float32", ["x", "added"]) },
    isRestored: true,
  });
  const value = (model: Model, x: number): number =>
    tf.tidy(() => (model.predict(tf.scalar(x)) as tf.Tensor).dataSync()[0]);
  const times = await tf.node.loadSavedModel(dir);
  const add = await tf.node.loadSavedModel(dir, ["serve"], "add");
  assertEquals(value(times, 2), 8);
  assertEquals([value(add, 1), value(add, 10)], [5, 15]);
  assertEquals(value(times, 2), 30);
  times.dispose();
  add.dispose();
  await withModel(dir, (model) => assertEquals(value(model, 2), 8));

  await Deno.remove(`${prefix}.data-00000-of-00001`);
  await assertRejects(
    () => tf.node.loadSavedModel(dir),
    UserError,
    `Cannot load the SavedModel in ${dir} with the tags serve: `,
  );
});

test("a graph is found by its tags, all of them", async (dir) => {
  await writeTimesThree(dir);
  await assertRejects(
    () => tf.node.loadSavedModel(dir, ["serve", "gpu"]),
    Error,
    "The SavedModel does not have tags: serve,gpu",
  );
  await assertRejects(
    () => tf.node.loadSavedModel(dir, ["serve"], "wrong_signature"),
    Error,
    "The SavedModel does not have signature: wrong_signature",
  );
  const { binding } = runtime();
  const refused = assertThrows(() => binding.loadSavedModel(dir, "serve,gpu"), UserError);
  assert(
    refused.message.startsWith(
      `Cannot load the SavedModel in ${dir} with the tags serve,gpu: Could not find meta graph def matching supplied tags`,
    ),
    refused.message,
  );
  // The error is over with that call, and the folder's own tags do.
  binding.deleteSavedModel(binding.loadSavedModel(dir, "serve"));
});

test("a folder without a SavedModel, and one that is damaged, are named in one line", async (dir) => {
  const missing = join(dir, "missing");
  await assertRejects(
    () => tf.node.loadSavedModel(missing),
    Error,
    `There is no saved_model.pb file in the directory: ${missing}`,
  );
  const { binding } = runtime();
  const damaged = join(dir, "damaged");
  await Deno.mkdir(damaged);
  await Deno.writeFile(join(damaged, "saved_model.pb"), new Uint8Array([255, 1, 2, 3]));
  for (const folder of [missing, damaged]) {
    const { message } = assertThrows(() => binding.loadSavedModel(folder, "serve"), UserError);
    assert(message.startsWith(`Cannot load the SavedModel in ${folder} with the tags serve: `), message);
    assert(!message.includes("\n"), message);
  }
});

test("inputs that do not fit are refused: how many, their names, their type", async (dir) => {
  await writeTimesThree(dir);
  await withModel(dir, (model) => {
    const x = tf.tensor1d([1, 2]);
    assertThrows(
      () => model.predict([x, x]),
      Error,
      "Length of input op names (1) does not match the length of input tensors (2).",
    );
    assertThrows(
      () => model.predict({ xyz: x }),
      Error,
      "The model signatureDef input names are x, however the provided input names are xyz.",
    );
    assertThrows(
      () => model.predict(tf.cast(x, "int32")),
      UserError,
      `Cannot run the SavedModel in ${dir}: its input x:0 takes float32, got int32; cast the tensor first`,
    );
    assertEquals((model.predict(x) as tf.Tensor).arraySync() as unknown, [3, 6]);
  });
});

test("tensors that its graph does not have are refused, and numbers of none", async (dir) => {
  await writeTimesThree(dir);
  const { backend, binding } = runtime();
  const x = tf.scalar(2);
  const [id] = backend["getInputTensorIds"]([x]);
  const model = binding.loadSavedModel(dir, "serve");
  const cases: [string, string, string][] = [["z:0", "y:0", "z:0"], ["x:1", "y:0", "x:1"], [
    "x",
    "y:-1",
    "y:-1",
  ]];
  for (const [input, output, unknown] of cases) {
    assertThrows(
      () => binding.runSavedModel(model, [id], input, output),
      UserError,
      `Cannot run the SavedModel in ${dir}: it has no tensor ${unknown}; tf.node.getMetaGraphsFromSavedModel lists`,
    );
  }
  const [y] = binding.runSavedModel(model, [id], "x", "y");
  assertEquals([y.shape, y.dtype, [...binding.tensorDataSync(y.id)]], [[], DType.float32, [6]]);
  binding.deleteTensor(y.id);
  binding.deleteSavedModel(model);
  const text = `Cannot use SavedModel ${model}: it is not loaded, or deleted`;
  assertThrows(() => binding.deleteSavedModel(model), UserError, text);
  assertThrows(() => binding.runSavedModel(model, [id], "x", "y"), UserError, text);
  x.dispose();
});

test("does not run inside jit, and goes on outside", async (dir) => {
  await writeTimesThree(dir);
  await withModel(dir, (model) => {
    const traced = jit((x: tf.Tensor) => model.predict(x) as tf.Tensor);
    assertThrows(
      () => traced(tf.scalar(1)),
      JitError,
      "Cannot run a SavedModel inside jit: it is a graph of its own",
    );
    assertEquals((model.predict(tf.scalar(1)) as tf.Tensor).dataSync()[0], 3);
  });
});
