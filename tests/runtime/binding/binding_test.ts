/** The binding under tfjs' backend: every type there and back, errors, and what stays behind. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { AttrKind } from "../../../runtime/binding/attributes.ts";
import { runtime } from "../../../runtime/binding/backend.ts";
import { DType } from "../../../runtime/binding/dtypes.ts";
import { jit, JitError, TensorFlowError, tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT } from "../../reference.ts";
import { assertNoGrowth, held } from "../harness.ts";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({
    name: `binding: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      await fn();
    },
  });
}

/** Values after a way through TensorFlow: copied in, through an op, and out. */
function roundTrip(
  shape: number[],
  dtype: number,
  values: Float32Array | Int32Array | Uint8Array | BigInt64Array | Uint8Array[],
): unknown {
  const { binding } = runtime();
  const id = binding.createTensor(shape, dtype, values);
  const attrs = [{ name: "T", type: AttrKind.type, value: dtype }];
  const [copy] = binding.executeOp("DeepCopy", attrs, [id], 1);
  assertEquals([copy.shape, copy.dtype], [shape, dtype]);
  const found = binding.tensorDataSync(copy.id);
  binding.deleteTensor(id);
  binding.deleteTensor(copy.id);
  return found;
}

/** What a tensor's own `dataSync` gives after an op has run on it, so that its values have been in TensorFlow. */
function throughOp(tensor: tf.Tensor): tf.Tensor {
  return tf.concat([tensor, tf.slice(tensor, 0, 0)]);
}

test("float32 keeps every bit pattern that matters", () => {
  const values = new Float32Array([0, -0, 1 / 3, 3.4e38, 1e-45, Infinity, -Infinity, NaN]);
  const found = roundTrip([2, 4], DType.float32, values);
  assertInstanceOf(found, Float32Array);
  assert(values.every((value, i) => Object.is(found[i], value)), `${found}`);
});

test("int32, bool, uint8, int64 and complex64 there and back", () => {
  const int32 = new Int32Array([-(2 ** 31), -1, 0, 2 ** 31 - 1]);
  assertEquals(roundTrip([4], DType.int32, int32), int32);
  assertEquals(roundTrip([3], DType.bool, new Uint8Array([1, 0, 1])), new Uint8Array([1, 0, 1]));
  assertEquals(roundTrip([2], DType.uint8, new Uint8Array([0, 255])), new Uint8Array([0, 255]));
  const int64 = new BigInt64Array([-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n]);
  assertEquals(roundTrip([3], DType.int64, int64), int64);
  // tfjs hands an int64 over as two int32, the low half first.
  assertEquals(roundTrip([], DType.int64, new Int32Array([-3, -1])), new BigInt64Array([-3n]));
  const complex = new Float32Array([1, -2, 3, -4]);
  assertEquals(roundTrip([2], DType.complex64, complex), complex);
});

test("a typed array that is a window into a larger buffer is read from its own start", () => {
  const buffer = new Float32Array([9, 9, 1, 2, 9]);
  assertEquals(roundTrip([2], DType.float32, buffer.subarray(2, 4)), new Float32Array([1, 2]));
});

test("strings of bytes there and back: empty, with zeros, either side of TensorFlow's 22 inline bytes", () => {
  const strings = [0, 1, 21, 22, 23, 24, 1000, 100_000].map((length) =>
    Uint8Array.from({ length }, (_, i) => i * 37)
  );
  assertEquals(roundTrip([2, 4], DType.string, strings), strings);
  assertEquals(roundTrip([0], DType.string, []), []);
});

test("tfjs' own tensors of every type there and back", () => {
  tf.tidy(() => {
    const texts = ["", "a", "naïve", "漢字", "🎉", "more than the 22 bytes that fit inline"];
    const cases: [tf.Tensor, string, unknown][] = [
      [tf.tensor1d([1.5, -2]), "float32", [1.5, -2]],
      [tf.tensor1d([7, -8], "int32"), "int32", [7, -8]],
      [tf.tensor1d([true, false, true], "bool"), "bool", [1, 0, 1]],
      [tf.tensor1d(texts), "string", texts],
    ];
    for (const [tensor, dtype, expected] of cases) {
      const found = throughOp(tensor);
      assertEquals(found.dtype, dtype);
      assertEquals(found.arraySync() as unknown, expected);
    }
    const complex = tf.mul(tf.complex([1, 2], [3, -4]), tf.complex([0, 1], [1, 0])); // (1 + 3i) i, 2 - 4i
    assertEquals(tf.real(complex).arraySync(), [-3, 2]);
    assertEquals(tf.imag(complex).arraySync(), [1, -4]);
  });
});

test("values can be waited for", async () => {
  const sum = tf.add(tf.tensor1d([1, 2]), 1);
  assertEquals(await sum.data(), new Float32Array([2, 3]));
  sum.dispose();
});

test("scalars, empty tensors and high ranks keep their shapes", () => {
  tf.tidy(() => {
    for (const shape of [[], [1], [0], [3, 0, 2], [1, 2, 1, 2, 1, 2]]) {
      const doubled = tf.add(tf.ones(shape), tf.ones(shape));
      assertEquals(doubled.shape, shape);
      assertEquals(doubled.dataSync(), new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(2));
    }
  });
});

test("refuses values that do not fill the shape, and types that JavaScript cannot hold", () => {
  const { binding } = runtime();
  const before = held();
  assertThrows(
    () => binding.createTensor([2, 2], DType.float32, new Float32Array(3)),
    TypeError,
    "Cannot make a tensor of shape [2,2] and type 1: it takes 16 bytes, got 12",
  );
  assertThrows(
    () => binding.createTensor([2], DType.string, [new Uint8Array(1)]),
    TypeError,
    "Cannot make a tensor of shape [2] and type 7",
  );
  assertThrows(
    () => binding.createTensor([2], 99, new Float32Array(2)),
    TypeError,
    "Cannot make a tensor of shape [2] and type 99",
  );
  const half = 19; // DT_HALF
  const x = binding.createTensor([1], DType.float32, new Float32Array(1));
  const [cast] = binding.executeOp(
    "Cast",
    [
      { name: "SrcT", type: AttrKind.type, value: DType.float32 },
      { name: "DstT", type: AttrKind.type, value: half },
    ],
    [x],
    1,
  );
  assertThrows(
    () => binding.tensorDataSync(cast.id),
    TypeError,
    "Cannot read a tensor of type 19: cast it to float32 or int32 first",
  );
  binding.deleteTensor(x);
  binding.deleteTensor(cast.id);
  assertEquals(held(), before);
});

test("a failed call raises TensorFlowError with the call, the code and TensorFlow's text", () => {
  const { binding } = runtime();
  const before = held();
  const unknown = assertThrows(
    () => binding.executeOp("NoSuchOp", [], [], 1),
    TensorFlowError,
    "TFE_NewOp(NoSuchOp) failed with NOT_FOUND (5): 'NoSuchOp' is neither a type of a primitive operation",
  );
  assertEquals([unknown.call, unknown.code, unknown.exitCode], ["TFE_NewOp(NoSuchOp)", 5, 1]);
  assertStringIncludes(unknown.detail, "NoSuchOp");
  const a = tf.ones([2, 3]);
  const b = tf.ones([4, 5]);
  const { backend } = runtime();
  const attrs = [{ name: "T", type: AttrKind.type, value: DType.float32 }];
  const invalid = assertThrows(() => backend.executeSingleOutput("MatMul", attrs, [a, b]), TensorFlowError);
  assertEquals([invalid.call, invalid.code], ["TFE_Execute(MatMul)", 3]);
  assertStringIncludes(invalid.message, "INVALID_ARGUMENT (3): ");
  assertStringIncludes(invalid.detail, "Matrix size-incompatible: In[0]: [2,3], In[1]: [4,5]");
  // The error does not stick to the next call.
  tf.tidy(() => assertClose(tf.matMul(a, tf.ones([3, 1])), { shape: [2, 1], data: [3, 3] }, EXACT));
  tf.dispose([a, b]);
  assertEquals(held(), before);
});

test("refuses an attribute that no setter takes, eagerly and in a trace, and goes on working", () => {
  const { backend } = runtime();
  const x = tf.ones([2]);
  const broken = (x: tf.Tensor): tf.Tensor =>
    backend.executeSingleOutput("Neg", [{ name: "T", type: 99, value: 1 }], [x]);
  const text = 'Cannot set attribute "T": kind 99 with number is not supported';
  assertThrows(() => broken(x), TypeError, text);
  assertThrows(() => jit(broken)(x), TypeError, text);
  tf.tidy(() => assertClose(tf.neg(x), { shape: [2], data: [-1, -1] }, EXACT));
  x.dispose();
});

test("refuses a tensor that is disposed of", () => {
  const { binding } = runtime();
  const id = binding.createTensor([1], DType.float32, new Float32Array(1));
  binding.deleteTensor(id);
  binding.deleteTensor(id);
  assertThrows(() => binding.tensorDataSync(id), JitError, `Cannot use tensor ${id}: it is disposed`);
});

test("200 eager steps leave nothing behind, reading and failing included", () => {
  const weight = tf.variable(tf.ones<tf.Rank.R2>([8, 8]));
  assertNoGrowth(() => {
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(tf.matMul(weight, weight))), [
        weight,
      ]);
      weight.assign(tf.sub(weight, tf.mul(grads[weight.name], 1e-4)));
      value.dataSync();
      assertThrows(
        () => tf.matMul(weight, tf.ones([3, 3])),
        Error,
        "Matrix size-incompatible: In[0]: [8,8], In[1]: [3,3]",
      );
    });
  });
  weight.dispose();
});

test("memory of tensors, strings and values goes back to the system", () => {
  const { binding } = runtime();
  const MIB = 2 ** 20;
  const floats = new Float32Array(4 * MIB / 4).fill(1);
  const text = [new Uint8Array(4 * MIB).fill(1)];
  const square = [{ name: "T", type: AttrKind.type, value: DType.float32 }];
  const steps: Record<string, () => void> = {
    "tensors that go in and are computed": () => {
      const id = binding.createTensor([MIB], DType.float32, floats);
      const [result] = binding.executeOp("Square", square, [id], 1);
      binding.deleteTensor(id);
      binding.deleteTensor(result.id);
    },
    "strings that go in": () => binding.deleteTensor(binding.createTensor([1], DType.string, text)),
    "values that come out": () => {
      const id = binding.createTensor([MIB], DType.float32, floats);
      binding.tensorDataSync(id);
      binding.deleteTensor(id);
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    for (let i = 0; i < 10; i++) step();
    const before = Deno.memoryUsage().rss;
    for (let i = 0; i < 100; i++) step();
    // 400 MiB and more if nobody freed them; the swings of the allocator and the collector stay far below.
    const grown = (Deno.memoryUsage().rss - before) / MIB;
    assert(grown < 200, `${name}: grown by ${grown} MiB`);
  }
});
