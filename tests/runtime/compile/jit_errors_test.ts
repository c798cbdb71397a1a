/** What must not be done inside `jit`: the error says so, and the next function compiles as if nothing had happened. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { callOp, T, type } from "../../../runtime/binding/kernel.ts";
import { jit, JitError, TensorFlowError, tf } from "../../../runtime/mod.ts";
import { assertClose, EXACT } from "../../reference.ts";
import { held, leakTest, tidyTest } from "../harness.ts";

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
  "a layer of tfjs that reads what it is given to check it": {
    fn: (x) => tf.layers.categoryEncoding({ numTokens: 4 }).apply(tf.cast(x, "int32")) as tf.Tensor,
    type: JitError,
    text: "Cannot read the value of a tensor inside jit: the output of Greater has none",
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
    fn: (x) => {
      const attrs = { T, output_dtype: type("int32"), seed: 7, seed2: 49 };
      return callOp("Multinomial", attrs, [tf.reshape(x, [1, -1]), tf.scalar(3, "int32")]);
    },
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
    text: "result.count[1] is a number; make a tensor of it with tf.scalar",
  },
  "nothing as the result": {
    fn: () => undefined,
    type: TypeError,
    text: "result is undefined; return the tensors that it computes, or [] for none",
  },
  "null as the result": { fn: () => null, type: TypeError, text: "result is null; return the tensors" },
  "a Map as the result": {
    fn: (x) => new Map([["x", x]]),
    type: TypeError,
    text: "result is Map; make an array or a plain object of it",
  },
  "a result that is disposed of": {
    fn: (x) => {
      const y = tf.neg(x);
      y.dispose();
      return { y };
    },
    type: TypeError,
    text: "result.y is a tensor that is disposed",
  },
  "a variable of a tensor without a value": {
    fn: (x) => tf.variable(tf.neg(x)),
    type: JitError,
    text: "Cannot make a variable inside jit of a tensor that has no value",
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

/** Ways to assign to a variable, all of which a trace would do once and never again. */
const assignments: Record<string, (variable: tf.Variable, x: tf.Tensor, sgd: tf.SGDOptimizer) => unknown> = {
  "variable.assign": (variable, x) => variable.assign(tf.add(variable, x)),
  "variable.assign of a constant": (variable) => variable.assign(tf.zerosLike(variable)),
  "optimizer.minimize": (variable, x, sgd) =>
    sgd.minimize(() => tf.sum(tf.mul(variable, x)) as tf.Scalar, false, [variable]),
  "optimizer.applyGradients": (variable, x, sgd) => sgd.applyGradients({ [variable.name]: x }),
};

for (const [name, assign] of Object.entries(assignments)) {
  test(`refuses ${name}, and leaves the variable as it was`, () => {
    const variable = tf.variable(row(3, 4), true, "kept");
    const sgd = tf.train.sgd(0.1);
    const compiled = jit((x: tf.Tensor) => {
      assign(variable, x, sgd);
      return x;
    });
    const x = row(1, 2);
    const text = 'Cannot assign to the variable "kept" inside jit: it would be done once';
    assertThrows(() => compiled(x), JitError, text);
    const before = held();
    assertThrows(() => compiled(x), JitError, text);
    assertEquals(held(), before, "left behind by the failed trace");
    assertClose(variable, { shape: [2], data: [3, 4] }, EXACT, "the variable");
    variable.assign(row(5, 6));
    assertClose(variable, { shape: [2], data: [5, 6] }, EXACT, "assigned outside");
    variable.dispose();
    sgd.dispose();
    compiled.dispose();
  });
}

test("refuses a layer that keeps statistics as it trains, and leaves them as they were", () => {
  const layer = tf.layers.batchNormalization({ name: "kept_statistics" });
  const apply = (x: tf.Tensor): tf.Tensor => layer.apply(x, { training: true }) as tf.Tensor;
  const x = tf.tensor2d([[1, 2], [3, 6]]);
  apply(x);
  const before = layer.getWeights().map((weight) => [...weight.dataSync()]);
  const compiled = jit(apply);
  assertThrows(() => compiled(x), JitError, `inside jit: it would be done once`);
  assertEquals(layer.getWeights().map((weight) => [...weight.dataSync()]), before);
  layer.dispose();
  compiled.dispose();
});

leakTest("jit: refuses another backend of tfjs than its own, compiled before or not", async () => {
  const compiled = jit((x: tf.Tensor) => tf.square(x));
  const x = row(1, 2);
  compiled(x).dispose();
  await tf.setBackend("cpu");
  try {
    assertThrows(() => compiled(x), JitError, `tfjs computes with its backend "cpu"`);
    assertThrows(() => jit((x: tf.Tensor) => tf.neg(x))(x), JitError, `tf.setBackend("tensorflow")`);
  } finally {
    await tf.setBackend("tensorflow");
  }
  const y = compiled(x);
  assertClose(y, { shape: [2], data: [1, 4] }, EXACT, "afterwards");
  tf.dispose([x, y]);
  compiled.dispose();
});

test("refuses tfjs' debug mode, in which every value is read", () => {
  tf.env().set("DEBUG", true);
  try {
    assertThrows(
      () => jit((x: tf.Tensor) => tf.relu(x))(row(1)),
      JitError,
      "Cannot compile in tfjs' debug mode",
    );
  } finally {
    tf.env().set("DEBUG", false);
  }
});

test("refuses a tensor that is disposed among the arguments, and names it", () => {
  const x = row(1);
  x.dispose();
  assertThrows(
    () => jit((x: tf.Tensor) => tf.neg(x))(x),
    TypeError,
    "argument[0] is a tensor that is disposed",
  );
});

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
