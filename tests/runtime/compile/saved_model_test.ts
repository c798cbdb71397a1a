/** Functions written as SavedModels: what `tf.node` computes from them, for other numbers of rows than they were traced for. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import protobuf from "protobufjs";
import { runtime } from "../../../runtime/binding/backend.ts";
import { encodeSavedModel } from "../../../runtime/compile/saved_model.ts";
import { conv2d, JitError, repeat, tf, UserError } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest, uniform } from "../harness.ts";
import { tracedNodes } from "../traced_nodes.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Writes a SavedModel, loads it and runs it; what comes out as nested arrays. */
async function predicted(
  bytes: Uint8Array,
  inputs: () => tf.NamedTensorMap,
): Promise<Record<string, unknown>> {
  let found: Record<string, unknown> = {};
  await inFolder(async (dir) => {
    await Deno.writeFile(join(dir, "saved_model.pb"), bytes);
    const model = await tf.node.loadSavedModel(dir);
    tf.tidy(() => {
      const outputs = model.predict(inputs()) as tf.NamedTensorMap;
      found = Object.fromEntries(Object.entries(outputs).map(([name, y]) => [name, y.arraySync()]));
    });
    model.dispose();
  });
  return found;
}

const rows = (shape: number[]) => ({ shape: ["n" as const, ...shape] });

leakTest("encodeSavedModel: several inputs and outputs, any number of rows, by hand", async () => {
  const factor = tf.tensor1d([2, 10]);
  const bytes = encodeSavedModel(
    ({ x, shift }) => ({ y: tf.add(tf.mul(x, factor), shift), sum: tf.sum(x, 1) }),
    { x: rows([2]), shift: { shape: [2] } },
  );
  factor.dispose();
  const found = await predicted(bytes, () => ({
    x: tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]),
    shift: tf.tensor1d([0.5, -0.5]),
  }));
  assertEquals(found, { y: [[2.5, 19.5], [6.5, 39.5], [10.5, 59.5], [14.5, 79.5]], sum: [3, 7, 11, 15] });
});

leakTest("encodeSavedModel: shapes that hold the number of rows, in any place of them", async () => {
  const bytes = encodeSavedModel(({ x }) => {
    const long = tf.reshape(x, [x.shape[0] * 3, 2]); // [3 n, 2]
    const turned = tf.transpose(tf.reshape(tf.mul(long, 2), [x.shape[0], 3, 2]), [0, 2, 1]);
    return {
      flat: tf.reshape(turned, [-1, 6]),
      first: tf.slice(x, [0, 1], [x.shape[0], 2]),
      row: tf.reshape(x, [x.shape[0] * 6]),
    };
  }, { x: rows([6]) });
  const found = await predicted(bytes, () => ({ x: tf.tensor2d([[1, 2, 3, 4, 5, 6]]) }));
  assertEquals(found, { flat: [[2, 6, 10, 4, 8, 12]], first: [[2, 3]], row: [1, 2, 3, 4, 5, 6] });
});

leakTest(
  "encodeSavedModel: outputs of ops that have several, whole numbers, none of its inputs changed",
  async () => {
    const bytes = encodeSavedModel(
      ({ x, labels }) => {
        const [a, b, c] = tf.split(x, 3, 1);
        const { values, indices } = tf.topk(x, 2);
        const norm = tf.batchNorm4d(
          tf.reshape(x, [x.shape[0], 1, 1, 6]) as tf.Tensor4D,
          tf.zeros<tf.Rank.R1>([6]),
          tf.ones<tf.Rank.R1>([6]),
        );
        return {
          last: tf.sub(c, a),
          middle: b,
          top: values,
          where: tf.cast(indices, "float32"),
          next: tf.add(labels, tf.scalar(1, "int32")),
          norm: tf.round(tf.reshape(norm, [x.shape[0], 6])),
          same: x,
        };
      },
      { x: rows([6]), labels: { shape: ["n"], dtype: "int32" } },
    );
    const found = await predicted(bytes, () => ({
      x: tf.tensor2d([[1, 5, 3, 4, 9, 7]]),
      labels: tf.tensor1d([41], "int32"),
    }));
    assertEquals(found, {
      last: [[8, 2]],
      middle: [[3, 4]],
      top: [[9, 7]],
      where: [[4, 5]],
      next: [42],
      norm: [[1, 5, 3, 4, 9, 7]],
      same: [[1, 5, 3, 4, 9, 7]],
    });
  },
);

/** As much of the file as is looked at: what kinds of nodes there are. */
function opsIn(bytes: Uint8Array): string[] {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Node { string op = 2; }
    message Graph { repeated Node node = 1; }
    message MetaGraph { Graph graph_def = 2; }
    message SavedModel { repeated MetaGraph meta_graphs = 2; }
  `);
  const type = root.lookupType("SavedModel");
  const message = type.toObject(type.decode(bytes)) as {
    metaGraphs: { graphDef: { node: { op: string }[] } }[];
  };
  return message.metaGraphs.flatMap(({ graphDef }) => graphDef.node.map(({ op }) => op));
}

leakTest("encodeSavedModel: a convolution that is Winograd's in jit is a plain one in the file", () => {
  const [kernel, x] = tf.tidy(() => [uniform<tf.Tensor4D>(1, 3, 3, 128, 128), tf.zeros([2, 32, 32, 128])]);
  const convolve = (x: tf.Tensor) => conv2d(x as tf.Tensor4D, kernel, { stride: 1, padding: 1 });
  const { cpu } = runtime();
  const before = { ...cpu };
  Object.assign(cpu, { instructions: "AVX-512" }); // tests may not read which processor it is
  try {
    const here = tracedNodes(convolve, [x], "float32").nodes.map(({ op }) => op);
    assertEquals([here.includes("Conv2D"), here.includes("BatchMatMulV2")], [false, true]);
    const bytes = encodeSavedModel(({ x }) => ({ y: convolve(x) }), { x: rows([32, 32, 128]) });
    assertEquals(opsIn(bytes).sort(), ["Const", "Conv2D", "Identity", "Placeholder"]);
  } finally {
    Object.assign(cpu, before);
    tf.dispose([kernel, x]);
  }
});

leakTest("encodeSavedModel: what needs the number of rows is named; loops and draws are refused", () => {
  const write = (fn: (inputs: Tensors) => Record<string, tf.Tensor>) => () =>
    void encodeSavedModel(fn, { x: rows([2]) });
  assertThrows(
    write(({ x }) => ({ y: tf.add(x, tf.ones(x.shape)) })),
    UserError,
    "Cannot write a SavedModel for any number of images: Add (Add_2) needs to know how many; write that layer with ops that do not",
  );
  assertThrows(
    write(({ x }) => ({ y: tf.mul(x, x.shape[0]) })),
    UserError,
    "Cannot write a SavedModel for any number of images: Mul (Mul_",
  );
  assertThrows(
    write(({ x }) => ({ y: x.shape[0] === 2 ? tf.relu(x) : tf.neg(x) })),
    UserError,
    "Cannot write a SavedModel for any number of images: Relu (Relu_",
  );
  assertThrows(
    write(({ x }) => ({ y: repeat(3, (_, { y }) => ({ y: tf.mul(y, 2) }), { y: x }, {}).y })),
    UserError,
    "Cannot write a SavedModel of a loop",
  );
  assertThrows(write(({ x }) => ({ y: tf.mul(x, tf.randomUniform(x.shape)) })), JitError);
  assertThrows(
    write(({ x }) => [x] as unknown as Record<string, tf.Tensor>),
    TypeError,
    "encodeSavedModel: the function must return tensors by name",
  );
});
