import { assert, assertEquals, assertThrows } from "@std/assert";
import { runtime } from "../../../runtime/binding/backend.ts";
import { combineRuns, leafPaths, profile } from "../../../runtime/compile/profile.ts";
import { conv2d, jit, JitError, tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held, isTensorFloat32On } from "../harness.ts";

/** One convolution, and a sum that depends on every element of it. */
function energy({ kernel }: { kernel: tf.Tensor4D }, x: tf.Tensor4D): tf.Tensor[] {
  return [tf.sum(tf.square(conv2d(x, kernel, { stride: 1, padding: 1 })))];
}

/** Runs `body` on tensors that have been uploaded, and checks that it leaves nothing behind. */
function test(name: string, body: (args: [{ kernel: tf.Tensor4D }, tf.Tensor4D]) => void): void {
  Deno.test({
    name: `profile: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      const args: [{ kernel: tf.Tensor4D }, tf.Tensor4D] = [
        { kernel: tf.ones([3, 3, 8, 4]) },
        tf.ones([2, 6, 6, 8]),
      ];
      const compiled = jit(energy);
      tf.dispose(compiled(...args));
      const before = held();
      body(args);
      assertEquals(held(), before, "left behind");
      compiled.dispose();
      tf.dispose(args);
    },
  });
}

test("every node of the graph, with its kernel, what it reads, its output and its time", (args) => {
  const { nodes, wallMs } = profile(energy, args, { runs: 3 });
  const find = (pattern: RegExp) => nodes.find(({ op }) => pattern.test(op))!;
  const [convolution, square, sum] = [find(/Conv2D$/), find(/^Square$/), find(/^Sum$/)];
  assertEquals(convolution.inputs, ["1", "0.kernel"]);
  assertEquals(convolution.output, { dtype: 1, shape: [2, 6, 6, 4] });
  assertEquals(square.inputs, [convolution.name]);
  assertEquals(sum.inputs[0], square.name);
  assertEquals(nodes.filter(({ op }) => op === "_Arg").map(({ name }) => name).sort(), ["0.kernel", "1"]);
  assert(convolution.ms > 0 && convolution.ms < wallMs, `${convolution.ms} of ${wallMs} ms`);
});

test("a compiled function is profiled from the inside", (args) => {
  const compiled = jit(energy);
  const ops = profile(compiled, args, { runs: 1 }).nodes.map(({ op }) => op);
  assert(ops.some((op) => op.endsWith("Conv2D")), `${ops}`);
});

test("bfloat16 shows its casts", (args) => {
  const casts = (precision: "float32" | "bfloat16") =>
    profile(energy, args, { precision, runs: 1 }).nodes.filter(({ op }) => op === "Cast").length;
  assertEquals(casts("float32"), 0);
  assert(casts("bfloat16") >= 2);
});

test("tf32 is on while it is measured, and off after it", (args) => {
  const { binding } = runtime();
  const seen: boolean[] = [];
  const { library } = binding;
  const { symbols } = library;
  const TF_SessionRun: typeof symbols.TF_SessionRun = (...given) => {
    seen.push(isTensorFloat32On());
    return symbols.TF_SessionRun(...given);
  };
  const watched = { ...library, symbols: { ...symbols, TF_SessionRun } };
  Object.defineProperty(binding, "library", { value: watched, configurable: true });
  try {
    for (const precision of ["tf32", "float32"] as const) profile(energy, args, { precision, runs: 1 });
  } finally {
    delete (binding as { library?: unknown }).library;
  }
  assertEquals(seen, [true, true, true, false, false, false]);
});

test("what jit refuses is refused", (args) => {
  assertThrows(
    () => profile((...[, x]: typeof args) => [tf.scalar(x.dataSync()[0])], args),
    JitError,
    "Cannot read the value of a tensor inside jit",
  );
});

Deno.test("leafPaths: places in arrays and records, in the order of flatten", () => {
  const tensor = { kind: "tensor" } as const;
  const record = {
    kind: "record",
    items: { b: tensor, a: { kind: "array", items: [tensor, tensor] } },
  } as const;
  assertEquals(leafPaths({ kind: "array", items: [record, tensor] }), ["0.b", "0.a.0", "0.a.1", "1"]);
  assertEquals(leafPaths({ kind: "array", items: [] }), []);
});

Deno.test("combineRuns: medians of the whole and of each node", () => {
  const run = (wallMs: number, a: number, b: number) => ({
    wallMs,
    nodes: [{ name: "a", op: "Add", inputs: [], ms: a }, { name: "b", op: "Mul", inputs: ["a"], ms: b }],
  });
  assertEquals(combineRuns([run(10, 1, 5), run(30, 3, 4), run(20, 2, 60)]), run(20, 2, 5));
});
