/** Attributes of ops: kinds, lists, and what comes out of a number that is none. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Attr, AttrKind } from "../../../runtime/binding/attributes.ts";
import { runtime } from "../../../runtime/binding/backend.ts";
import { DType } from "../../../runtime/binding/dtypes.ts";
import { type Attrs, callOp, T, type } from "../../../runtime/binding/kernel.ts";
import { TensorFlowError, tf } from "../../../runtime/mod.ts";
import { eagerAndJitted, tidyTest } from "../harness.ts";

/** A list of an attribute that `callOp` has no way to write. */
function list(kind: "float" | "string" | "bool", value: readonly unknown[]): Attr {
  return { name: "", type: AttrKind[kind], value };
}

/** An op of one output, tried eagerly and in a trace. */
function assertOp(op: string, attrs: Attrs, inputs: tf.Tensor[], expected: unknown): void {
  const run = (...tensors: tf.Tensor[]): tf.Tensor => callOp(op, attrs, tensors)[0];
  eagerAndJitted(run, inputs, (found, mode) => assertEquals(found.arraySync() as unknown, expected, mode));
}

tidyTest("attributes: a whole number with a fraction is cut off behind the point", () => {
  const rows = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
  assertOp("Pack", { N: 2, T, axis: 1.9 }, rows, [[1, 3], [2, 4]]);
  assertOp("Pack", { N: 2, T, axis: -0.9 }, rows, [[1, 2], [3, 4]]);
  const column = tf.zeros([1, 2, 1]);
  assertOp("Squeeze", { T, squeeze_dims: [0.9] }, [column], [[0], [0]]);
  assertOp("Squeeze", { T, squeeze_dims: [2.2, -3.7] }, [column], [0, 0]);
});

tidyTest("attributes: a number past 64 bits becomes the last within", () => {
  const buckets = (count: number): bigint => {
    const [found] = callOp("StringToHashBucketFast", { num_buckets: count }, [tf.tensor1d(["a"])]);
    return (found.dataSync() as unknown as BigInt64Array)[0];
  };
  const last = 2n ** 63n - 1n;
  // The hash is one of four numbers of 64 bits that leave the same in 2 ** 62 buckets.
  const hashes = [0n, 1n, 2n, 3n].map((quarter) => buckets(2 ** 62) + quarter * 2n ** 62n);
  assertEquals(buckets(2 ** 63), buckets(1e300));
  assertEquals(hashes.filter((hash) => hash % last === buckets(2 ** 63)).length, 1);
});

tidyTest(
  "attributes: tf.multinomial draws without a seed, and with one whose square has more than 64 bits",
  () => {
    const certain = tf.tensor2d([[-1e9, 0, -1e9]]);
    assertEquals(tf.multinomial(certain, 4).arraySync() as unknown, [[1, 1, 1, 1]]);
    assertEquals(tf.multinomial(certain, 4, 4e9).arraySync() as unknown, [[1, 1, 1, 1]]);
  },
);

tidyTest("attributes: a list of floats: Bucketize as TensorFlow's documentation has it", () => {
  const values = tf.tensor2d([[-5, 10000], [150, 10], [5, 100]]);
  assertOp("Bucketize", { T, boundaries: list("float", [0, 10, 100]) }, [values], [[0, 3], [3, 2], [1, 3]]);
  assertOp("Bucketize", { T, boundaries: list("float", []) }, [tf.tensor1d([7])], [0]);
});

tidyTest("attributes: a list of strings, of text or bytes", () => {
  const [shape, values, fill, splits] = [
    tf.tensor1d([3, 2], "int32"),
    tf.tensor1d([1, 2, 3]),
    tf.scalar(9),
    tf.tensor1d([0, 2, 2, 3], "int32"),
  ];
  for (const kind of ["ROW_SPLITS", new TextEncoder().encode("ROW_SPLITS")]) {
    const attrs = {
      T,
      Tindex: type("int32"),
      Tshape: type("int32"),
      num_row_partition_tensors: 1,
      row_partition_types: list("string", [kind]),
    };
    const [found] = callOp("RaggedTensorToTensor", attrs, [shape, values, fill, splits]);
    assertEquals(found.arraySync() as unknown, [[1, 2], [9, 9], [3, 9]]);
  }
});

tidyTest("attributes: a list of flags comes to TensorFlow as one, which has no op that takes it", () => {
  const x = tf.ones([2, 2]);
  assertThrows(
    () => callOp("MatMul", { T, transpose_a: list("bool", [true, false]) }, [x, x]),
    TensorFlowError,
    "AttrValue had value with type 'list(bool)' when 'bool' expected",
  );
});

tidyTest("attributes: a value of another kind is refused, with what the kind takes", () => {
  const x = tf.ones([2, 2]);
  const cases: [keyof typeof AttrKind, unknown, string][] = [
    ["string", 1, "a string, bytes or a list of them, got 1"],
    ["string", ["a", 1], 'a string, bytes or a list of them, got [ "a", 1 ]'],
    ["int", NaN, "a finite number or a list of them, got NaN"],
    ["int", [1, Infinity], "a finite number or a list of them, got [ 1, Infinity ]"],
    ["float", false, "a number or a list of them, got false"],
    ["bool", 10, "true, false or a list of them, got 10"],
    ["bool", null, "true, false or a list of them, got null"],
    ["type", "float32", 'the number of a type or a list of them, got "float32"'],
    ["type", 1.5, "the number of a type or a list of them, got 1.5"],
    ["shape", 2, "a list of whole numbers, got 2"],
    ["shape", [2, 0.5], "a list of whole numbers, got [ 2, 0.5 ]"],
    ["func", 1, "the name of a function, got 1"],
  ];
  for (const [kind, value, text] of cases) {
    const attr = { name: "", type: AttrKind[kind], value };
    assertThrows(
      () => callOp("MatMul", { T: attr }, [x, x]),
      TypeError,
      `Cannot set attribute "T": it takes ${text}`,
    );
  }
  const types = { name: "", type: AttrKind.type, value: [DType.float32, DType.int32] };
  assertThrows(
    () => callOp("MatMul", { T: types }, [x, x]),
    TypeError,
    'Cannot set attribute "T": it takes one type, got the list 1,3',
  );
});

tidyTest("executeOp: refuses what is no name, no list, no number of outputs", () => {
  const { backend, binding } = runtime();
  const [id] = backend["getInputTensorIds"]([tf.ones([2, 2])]);
  const attrs = [{ name: "T", type: AttrKind.type, value: DType.float32 }];
  const run = (...args: unknown[]): unknown => Reflect.apply(binding.executeOp, binding, args);
  const cases: [unknown[], string][] = [
    [[null, attrs, [id, id], 1], "Cannot run an op: its name must be a string, got null"],
    [["MatMul", null, [id, id], 1], "Cannot run MatMul: its attributes must be an array, got null"],
    [
      ["MatMul", attrs, id, 1],
      `Cannot run MatMul: its inputs must be an array of tensors' numbers, got ${id}`,
    ],
    [
      ["MatMul", attrs, [id, id], null],
      "Cannot run MatMul: the number of outputs must be a whole number of at least 0, got null",
    ],
    [
      ["MatMul", attrs, [id, id], -1],
      "Cannot run MatMul: the number of outputs must be a whole number of at least 0, got -1",
    ],
    [["MatMul", attrs, [id, id], 2], "Cannot take 2 outputs of MatMul: it has 1"],
  ];
  for (const [args, text] of cases) assertThrows(() => run(...args), TypeError, text);
  const twoOfOne = (x: tf.Tensor): tf.Tensor => callOp("Neg", { T }, [x], 2)[0];
  for (const mode of ["eager", "jit"]) {
    assertThrows(
      () => mode === "eager" ? twoOfOne(tf.ones([1])) : eagerAndJitted(twoOfOne, [tf.ones([1])], () => {}),
      TypeError,
      "Cannot take 2 outputs of Neg: it has 1",
      mode,
    );
  }
});
