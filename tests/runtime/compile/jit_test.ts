/** `jit`: the same values as without, one trace a signature, nothing left behind. (Errors: jit_errors_test.ts.) */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { runtime } from "../../../runtime/binding/backend.ts";
import {
  batchNormTrain,
  conv2d,
  crossEntropy,
  dropout,
  foldSeed,
  jit,
  relu,
  statelessUniform,
  tf,
  valueAndGrads,
} from "../../../runtime/mod.ts";
import { assertClose, EXACT, FORWARD, GRADIENT } from "../../reference.ts";
import { assertNoGrowth, eagerAndJitted, isTensorFloat32On, tidyTest } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`jit: ${name}`, fn);

const row = (...values: number[]): tf.Tensor1D => tf.tensor1d(values);

/** A small convolution net's training step: forward, backward, update, statistics; what `jit` is for. */
function step(
  state: { params: Record<string, tf.Tensor>; seed: tf.Tensor1D },
  batch: [images: tf.Tensor4D, labels: tf.Tensor1D],
) {
  const [images, labels] = batch;
  const { value, grads, aux } = valueAndGrads((params) => {
    const convolved = conv2d(images, params.kernel as tf.Tensor4D, { stride: 2, padding: 1 });
    const { y, mean, variance } = batchNormTrain(
      convolved,
      params.scale as tf.Tensor1D,
      params.offset as tf.Tensor1D,
      1e-5,
    );
    const features = dropout(tf.mean(relu(y), [1, 2]), 0.25, foldSeed(state.seed, 1));
    const logits = tf.matMul(features as tf.Tensor2D, params.weight as tf.Tensor2D);
    return [crossEntropy(logits as tf.Tensor2D, labels, { labelSmoothing: 0.1 }), { mean, variance }];
  }, state.params);
  const params = Object.fromEntries(
    Object.entries(state.params).map(([name, value]) => [name, tf.sub(value, tf.mul(grads[name], 0.1))]),
  );
  return { loss: value, params, batchStats: aux, grads };
}

function madeState(): Parameters<typeof step> {
  const draw = <T extends tf.Tensor>(salt: number, ...shape: number[]): T =>
    tf.sub(statelessUniform(shape, foldSeed(tf.tensor1d([7, 7], "int32"), salt)), 0.5) as T;
  return [
    {
      params: {
        kernel: draw(1, 3, 3, 3, 4),
        scale: tf.ones([4]),
        offset: tf.zeros([4]),
        weight: draw(2, 4, 5),
      },
      seed: tf.tensor1d([3, 4], "int32"),
    },
    [draw(3, 6, 8, 8, 3), tf.tensor1d([0, 1, 2, 3, 4, 0], "int32")],
  ];
}

test("a training step gives what it gives eagerly", () => {
  const args = madeState();
  const eager = step(...args);
  const compiled = jit(step);
  const jitted = compiled(...args);
  assertClose(jitted.loss, eager.loss, FORWARD, "loss");
  for (const name of Object.keys(eager.params)) {
    assertClose(jitted.params[name], eager.params[name], FORWARD, name);
    assertClose(jitted.grads[name], eager.grads[name], GRADIENT, `gradient of ${name}`);
  }
  assertClose(jitted.batchStats.mean, eager.batchStats.mean, FORWARD, "mean");
  assertClose(jitted.batchStats.variance, eager.batchStats.variance, FORWARD, "variance");
  compiled.dispose();
});

test("nested arrays and records go in and come out as they are", () => {
  const swap = (
    { a, rest: [b, { c }] }: { a: tf.Tensor; rest: [tf.Tensor, { c: tf.Tensor }] },
    list: tf.Tensor[],
  ) => ({ sum: [tf.addN([a, b, ...list])], deep: { er: { c, none: [], empty: {} } } });
  const args: Parameters<typeof swap> = [{ a: row(1, 2), rest: [row(10, 20), { c: tf.scalar(5) }] }, [
    row(100, 200),
    row(1000, 2000),
  ]];
  eagerAndJitted(swap, args, (result, mode) => {
    assertEquals(Object.keys(result.deep.er), ["c", "none", "empty"], mode);
    assertEquals(result.deep.er.none, []);
    assertEquals(result.deep.er.empty, {});
    assertClose(result.sum[0], { shape: [2], data: [1111, 2222] }, EXACT, mode);
    assertClose(result.deep.er.c, { shape: [], data: [5] }, EXACT, mode);
  });
});

test("an op takes a list of inputs, of any length", () => {
  for (const length of [1, 2, 70]) {
    const lists = (...xs: tf.Tensor1D[]) => [tf.concat(xs), tf.stack(xs), tf.addN(xs)];
    const xs = Array.from({ length }, (_, i) => row(i, -i));
    eagerAndJitted(lists, xs, ([joined, stacked, sum], mode) => {
      const flat = xs.flatMap((_, i) => [i, -i]);
      assertClose(joined, { shape: [2 * length], data: flat }, EXACT, `${mode} concat`);
      assertClose(stacked, { shape: [length, 2], data: flat }, EXACT, `${mode} stack`);
      const total = length * (length - 1) / 2;
      assertClose(sum, { shape: [2], data: [total, -total] }, EXACT, `${mode} addN`);
    });
  }
});

test("an op gives a list of outputs, of more than 64 too", () => {
  const x = tf.range(0, 100);
  eagerAndJitted((x: tf.Tensor) => tf.unstack(x), [x], (parts, mode) => {
    assertEquals(parts.map((part) => part.dataSync()[0]), Array.from({ length: 100 }, (_, i) => i), mode);
  });
});

test("types other than float32 pass: int32, bool, complex64, string", () => {
  const results = (int: tf.Tensor, bool: tf.Tensor, complex: tf.Tensor, text: tf.Tensor) => [
    tf.add(int, int),
    tf.logicalNot(bool),
    tf.imag(complex),
    text,
    tf.cast(bool, "int32"),
  ];
  const args: Parameters<typeof results> = [
    tf.tensor1d([1, -2], "int32"),
    tf.tensor1d([true, false], "bool"),
    tf.complex([1, 2], [3, 4]),
    tf.tensor1d(["a", "naïve, and longer than 22 bytes"]),
  ];
  eagerAndJitted(results, args, (results, mode) => {
    assertEquals(results.map(({ dtype }) => dtype), ["int32", "bool", "float32", "string", "int32"], mode);
    assertEquals(results.map((result): unknown => result.arraySync()), [
      [2, -4],
      [0, 1],
      [3, 4],
      ["a", "naïve, and longer than 22 bytes"],
      [1, 0],
    ], mode);
  });
});

test("one trace a signature: a new shape, type or structure traces again, a known one does not", () => {
  let traces = 0;
  const double = jit((value: tf.Tensor | { x: tf.Tensor } | tf.Tensor[]) => {
    traces++;
    return tf.mul(value instanceof tf.Tensor ? value : Array.isArray(value) ? value[0] : value.x, 2);
  });
  const calls: [value: Parameters<typeof double>[0], traces: number][] = [
    [row(1, 2), 1],
    [row(3, 4), 1],
    [row(1, 2, 3), 2],
    [tf.tensor2d([[1, 2]]), 3],
    [tf.tensor1d([1, 2], "int32"), 4],
    [{ x: row(1, 2) }, 5],
    [[row(1, 2)], 6],
    [row(5, 6), 6],
    [{ x: row(5, 6) }, 6],
  ];
  for (const [value, expected] of calls) {
    double(value);
    assertEquals(traces, expected);
  }
  assertClose(double(row(5, 6)), { shape: [2], data: [10, 12] }, EXACT);
  double.dispose();
});

test("dispose forgets the code; a later call compiles again", () => {
  let traces = 0;
  const negate = jit((x: tf.Tensor) => {
    traces++;
    return tf.neg(x);
  });
  negate(row(1));
  negate.dispose();
  negate.dispose();
  assertClose(negate(row(2)), { shape: [1], data: [-2] }, EXACT);
  assertEquals(traces, 2);
  negate.dispose();
});

test("a tensor that the function closes over is a constant, and may be disposed of after the trace", () => {
  const weight = row(2, 3);
  const times = jit((x: tf.Tensor) => tf.mul(x, weight));
  times(row(1, 1));
  weight.dispose();
  assertClose(times(row(5, 7)), { shape: [2], data: [10, 21] }, EXACT);
  times.dispose();
});

test("the value of a constant may be read", () => {
  const weight = row(2, 3);
  const scaled = jit((x: tf.Tensor) => tf.mul(x, tf.add(weight, 1).dataSync()[1]));
  assertClose(scaled(row(1, 2)), { shape: [2], data: [4, 8] }, EXACT);
  scaled.dispose();
});

test("a result may come out twice, an argument may be handed through; each is a tensor of its own", () => {
  const repeat = jit((x: tf.Tensor) => {
    const y = tf.neg(x);
    return [y, y, x, x];
  });
  const x = row(1, 2);
  const results = repeat(x);
  assertEquals(results.map((result) => result.arraySync()), [[-1, -2], [-1, -2], [1, 2], [1, 2]]);
  results[0].dispose();
  results[2].dispose();
  assertEquals([results[1], results[3], x].map((tensor) => tensor.arraySync()), [[-1, -2], [1, 2], [1, 2]]);
  repeat.dispose();
});

test("no arguments, no results, constant results", () => {
  const constant = jit(() => [tf.scalar(3), row(1, 2)]);
  assertEquals(constant().map((tensor) => tensor.arraySync()), [3, [1, 2]]);
  const nothing = jit((_x: tf.Tensor) => ({}));
  assertEquals(nothing(row(1)), {});
  constant.dispose();
  nothing.dispose();
});

test("a jitted function inside a jitted one is a part of it", () => {
  let inner = 0;
  const square = jit((x: tf.Tensor) => {
    inner++;
    return tf.square(x);
  });
  const quartic = jit((x: tf.Tensor) => tf.grad((x) => tf.sum(square(square(x))))(x));
  for (let i = 0; i < 3; i++) {
    assertClose(quartic(row(1, 2)), { shape: [2], data: [4, 32] }, FORWARD);
  }
  assertEquals(inner, 2, "traced by the outer function only");
  quartic.dispose();
  square.dispose();
});

test("gradients flow through a jitted function that is called inside tf.grad", () => {
  const square = jit((x: tf.Tensor) => tf.square(x));
  const f = (x: tf.Tensor) => tf.add(tf.mul(x, 3), square(x)); // f' = 3 + 2 x
  assertClose(tf.grad(f)(row(1, 2)), { shape: [2], data: [5, 7] }, FORWARD);
  square.dispose();
});

test("names that TensorFlow would not take do no harm", () => {
  const functions = [
    function _leading(x: tf.Tensor) {
      return tf.neg(x);
    },
    function $dollar(x: tf.Tensor) {
      return tf.neg(x);
    },
    function größe(x: tf.Tensor) {
      return tf.neg(x);
    },
    (x: tf.Tensor) => tf.neg(x),
  ];
  for (const fn of functions) {
    const compiled = jit(fn);
    assertClose(compiled(row(1)), { shape: [1], data: [-1] }, EXACT, fn.name);
    compiled.dispose();
  }
});

test("200 steps of a training loop leave nothing behind", () => {
  const compiled = jit(step);
  let [state, batch] = madeState();
  tf.keep(batch[0]);
  const losses: number[] = [];
  assertNoGrowth(() => {
    const { loss, params, grads, batchStats } = compiled(state, batch);
    losses.push(loss.dataSync()[0]);
    tf.dispose([state.params, loss, grads, batchStats]);
    state = { ...state, params };
  });
  assert(losses[200] < 0.8 * losses[0], `the loss fell from ${losses[0]} to ${losses[200]} only`);
  batch[0].dispose();
  compiled.dispose();
});

test("200 traces leave nothing behind", () => {
  const x = row(1, 2, 3);
  assertNoGrowth(() => {
    const compiled = jit((x: tf.Tensor) => tf.grad((x) => tf.sum(tf.relu(tf.mul(x, row(3, 2, 1)))))(x));
    compiled(x).dispose();
    compiled.dispose();
  });
});

test("precision tf32 is on while its function runs, and off after it, also where that fails", () => {
  const { binding } = runtime();
  const square = (x: tf.Tensor2D): tf.Tensor2D => tf.matMul(x, x);
  const [rounded, exact] = [jit(square, { precision: "tf32" }), jit(square)];
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const seen: boolean[] = [];
  const run = binding.call.bind(binding);
  binding.call = (...args) => {
    seen.push(isTensorFloat32On());
    return run(...args);
  };
  try {
    for (const fn of [rounded, exact, rounded]) {
      assertEquals([...fn(x).dataSync()], [7, 10, 15, 22]); // ten bits of mantissa hold these in any precision
      assertEquals(isTensorFloat32On(), false, "after a call");
    }
    assertEquals(seen, [true, false, true]);
    binding.call = () => {
      assertEquals(isTensorFloat32On(), true);
      throw new Error("no kernel");
    };
    assertThrows(() => rounded(x), Error, "no kernel");
    assertEquals(isTensorFloat32On(), false, "after a call that failed");
  } finally {
    delete (binding as { call?: unknown }).call;
    [rounded, exact].forEach((fn) => fn.dispose());
  }
});

test("precision bfloat16 computes convolutions in it: other values than float32's, within 2 %", () => {
  const draw = (salt: number, ...shape: number[]): tf.Tensor4D =>
    tf.sub(statelessUniform(shape, tf.tensor1d([1, salt], "int32")), 0.5) as tf.Tensor4D;
  const net = (x: tf.Tensor4D, kernels: tf.Tensor4D[]): tf.Tensor4D =>
    kernels.reduce((y, kernel) => relu(conv2d(y, kernel, { stride: 1, padding: 1 })), x);
  const args: Parameters<typeof net> = [draw(0, 2, 8, 8, 8), [1, 2, 3].map((salt) => draw(salt, 3, 3, 8, 8))];
  const float32 = jit(net, { precision: "float32" });
  const bfloat16 = jit(net, { precision: "bfloat16" });
  const [exact, rough] = [float32(...args), bfloat16(...args)];
  assertClose(exact, net(...args), FORWARD, "float32");
  assertEquals(rough.dtype, "float32");
  assertClose(rough, exact, { relative: 2e-2, absolute: 0 }, "bfloat16");
  // bfloat16 has 8 bits of significand: 3 decimal digits less than float32. Seen here: 0.6 % of the largest value.
  assertNotEquals(rough.dataSync(), exact.dataSync(), "it was computed in float32");
  float32.dispose();
  bfloat16.dispose();
});
