/** What must not be done inside `jit`: the error says so, and the next function compiles as if nothing had happened. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { jit, JitError, TensorFlowError, tf } from "../../../runtime/mod.ts";
import { assertClose, EXACT } from "../../reference.ts";
import { held, tidyTest } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`jit: ${name}`, fn);

const row = (...values: number[]): tf.Tensor1D => tf.tensor1d(values);

/** What must not be done inside, and what is said about it. */
const errors: Record<
  string,
  { fn: (x: tf.Tensor1D) => unknown; type: Parameters<typeof assertThrows>[1]; text: string }
> = {
  "reading a value": {
    fn: (x) => tf.scalar(tf.exp(x).dataSync()[0]),
    type: JitError,
    text: "Cannot read the value of a tensor inside jit: the output of Exp has none",
  },
  "printing a value": {
    fn: (x) => {
      x.print();
      return x;
    },
    type: JitError,
    text: "Cannot read the value of a tensor inside jit: the output of Placeholder has none",
  },
  "indices of tf.gather, which tfjs-node reads to check them": {
    fn: (x) => tf.gather(x, tf.cast(x, "int32")),
    type: JitError,
    text: "Cannot read the value of a tensor inside jit: the output of Cast has none",
  },
  "a random tensor": {
    fn: (x) => tf.add(x, tf.randomNormal([2])),
    type: JitError,
    text:
      "Cannot draw a random number inside jit: it would be the same at every call; pass a seed as a tensor",
  },
  "Math.random": {
    fn: (x) => tf.mul(x, Math.random()),
    type: JitError,
    text: "Cannot draw a random number inside jit",
  },
  "tf.dropout": {
    fn: (x) => tf.dropout(x, 0.5),
    type: JitError,
    text: "use statelessUniform or dropout from the runtime",
  },
  "tf.multinomial without a seed": {
    fn: (x) => tf.multinomial(x, 3),
    type: JitError,
    text: "Cannot draw a random number inside jit",
  },
  "an op with state": {
    fn: (x) => tf.multinomial(x, 3, 7),
    type: JitError,
    text: "Cannot trace Multinomial: it draws or keeps state",
  },
  "a shape that depends on values": {
    fn: (x) => tf.unique(x).values,
    type: JitError,
    text: "Cannot trace UniqueV2: the shape of its output [-1] depends on values",
  },
  "an async function": {
    fn: async (x) => (await tf.booleanMaskAsync(x, tf.greater(x, 0))),
    type: TypeError,
    text: "result is a promise",
  },
  "a number among the results": {
    fn: (x) => ({ x, count: [x, 3] }),
    type: TypeError,
    text: "result.count[1] is a number; pass a number as tf.scalar(x)",
  },
  "nothing as the result": {
    fn: () => undefined,
    type: TypeError,
    text: "jit takes and returns tensors, arrays and records of tensors: result is undefined",
  },
  "an error of one's own": {
    fn: () => {
      throw new RangeError("mine");
    },
    type: RangeError,
    text: "mine",
  },
  "shapes that do not fit": {
    fn: (x) => tf.matMul(x as unknown as tf.Tensor2D, tf.ones([3, 3])),
    type: TensorFlowError,
    text: "TF_FinishOperation(BatchMatMulV2) failed with INVALID_ARGUMENT (3): Shape must be at least rank 2",
  },
};

for (const [name, { fn, type, text }] of Object.entries(errors)) {
  test(`refuses ${name}, and goes on working`, () => {
    const { random } = Math;
    const x = row(1, 2);
    const compiled = jit(fn);
    const before = held();
    for (let i = 0; i < 2; i++) assertThrows(() => compiled(x), type, text);
    assertEquals(held(), before, "left behind by the failed trace");
    assertStrictEquals(Math.random, random, "Math.random is given back");
    const good = jit((x: tf.Tensor) => tf.square(x));
    assertClose(good(x), { shape: [2], data: [1, 4] }, EXACT, "afterwards");
    compiled.dispose();
    good.dispose();
  });
}

test("refuses a number among the arguments, and names it", () => {
  const scale = jit((x: tf.Tensor, options: { rate: number }) => tf.mul(x, options.rate));
  assertThrows(() => scale(row(1), { rate: 3 }), TypeError, "argument[1].rate is a number");
  const unary = jit((x: unknown) => x);
  assertThrows(() => unary(null), TypeError, "argument[0] is null");
  assertThrows(() => unary(new Map()), TypeError, "argument[0] is Map");
  assertThrows(() => unary("text"), TypeError, "argument[0] is a string");
});

test("a tensor that is carried out by hand has no value, and says so", () => {
  const outside: tf.Tensor[] = [];
  const compiled = jit((x: tf.Tensor) => {
    outside.push(tf.keep(tf.neg(x)));
    return x;
  });
  compiled(row(1));
  assertThrows(
    () => outside[0].dataSync(),
    JitError,
    "it is disposed, or it was made inside jit and kept; return it from the function",
  );
  outside[0].dispose();
  compiled.dispose();
});
