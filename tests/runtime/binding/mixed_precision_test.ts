/** The policy for bfloat16, on ops written by hand, and what a trace makes of it. */
import { assertEquals } from "@std/assert";
import { DType } from "../../../runtime/binding/dtypes.ts";
import { mixedDtypes } from "../../../runtime/binding/mixed_precision.ts";
import type { OpDef } from "../../../runtime/binding/protos.ts";
import { conv2d, jit, relu, tf, valueAndGrads, withScope } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { tracedNodes } from "../traced_nodes.ts";

const { float32, bfloat16, int32 } = DType;

/** An op whose inputs have these attributes for their types; a `*` behind one is a list of them. */
function opDef(...types: string[]): OpDef {
  return {
    inputArg: types.map((type, i) => ({
      name: `input${i}`,
      typeAttr: type.replace("*", ""),
      numberAttr: type.endsWith("*") ? "N" : "",
      typeListAttr: "",
    })),
    outputArg: [],
    isStateful: false,
  };
}

const DEFS = new Map<string, OpDef>([
  ["Conv2D", opDef("T", "T")],
  ["Conv2DBackpropFilter", opDef("T", "", "T")],
  ["BatchMatMulV2", opDef("T", "T")],
  ["AddV2", opDef("T", "T")],
  ["AddN", opDef("T*")],
  ["Mul", opDef("T", "T")],
  ["Relu", opDef("T")],
  ["IsNan", opDef("T")],
  ["ReluGrad", opDef("T", "T")],
  ["BiasAdd", opDef("T", "T")],
  ["PadV2", opDef("T", "Tpaddings", "T")],
  ["FusedBatchNormV3", opDef("T", "U", "U", "U", "U")],
  ["FusedBatchNormGradV3", opDef("T", "T", "", "U", "U", "U")],
  ["GatherV2", opDef("Tparams", "Tindices", "Taxis")],
  ["Mean", opDef("T", "Tidx")],
  ["Sigmoid", opDef("T")],
  ["Shape", opDef("T")],
  ["toString", opDef("T")],
]);

/** An input: its type, and its shape unless that is of no matter. */
type Input = number | [dtype: number, shape: number[] | undefined];

/** What the policy makes of an op: the types of its attributes, which TensorFlow takes from its inputs, then of these. */
function formatOf(op: string, inputs: readonly Input[]): [attrs: Record<string, number>, inputs: number[]] {
  const { inputArg } = DEFS.get(op)!;
  const dtypes = mixedDtypes({
    op,
    inputs: inputs.map((input) => {
      const [dtype, shape] = typeof input === "number" ? [input, [2, 3]] : input;
      return { dtype, shape };
    }),
  }, DEFS.get(op)!);
  const attrs: Record<string, number> = {};
  dtypes.forEach((dtype, i) => {
    const { typeAttr } = inputArg[i] ?? inputArg[0];
    if (typeAttr !== "") assertEquals(attrs[typeAttr] ??= dtype, dtype, `one type for ${typeAttr} of ${op}`);
  });
  return [attrs, dtypes];
}

const HALF = bfloat16, FULL = float32;

Deno.test("convolutions and matrix products compute in bfloat16 whatever comes in", () => {
  for (const op of ["Conv2D", "BatchMatMulV2"]) {
    for (const inputs of [[FULL, FULL], [HALF, FULL], [HALF, HALF]]) {
      assertEquals(formatOf(op, inputs), [{ T: HALF }, [HALF, HALF]], `${op} of ${inputs}`);
    }
  }
  // The sizes of the kernel stay whole numbers.
  assertEquals(formatOf("Conv2DBackpropFilter", [FULL, int32, HALF]), [{ T: HALF }, [HALF, int32, HALF]]);
});

Deno.test("a sum does where all that comes in has it, and else takes it as float32", () => {
  assertEquals(formatOf("AddV2", [HALF, HALF]), [{ T: HALF }, [HALF, HALF]]);
  assertEquals(formatOf("AddV2", [HALF, FULL]), [{ T: FULL }, [FULL, FULL]]);
  assertEquals(formatOf("AddV2", [FULL, FULL]), [{ T: FULL }, [FULL, FULL]]);
  assertEquals(formatOf("Relu", [HALF]), [{ T: HALF }, [HALF]]);
  assertEquals(formatOf("Relu", [FULL]), [{ T: FULL }, [FULL]]);
  assertEquals(formatOf("IsNan", [HALF]), [{ T: HALF }, [HALF]]);
});

Deno.test("the gradient of a relu does where one of the two has it", () => {
  for (const inputs of [[FULL, HALF], [HALF, FULL], [HALF, HALF]]) {
    assertEquals(formatOf("ReluGrad", inputs), [{ T: HALF }, [HALF, HALF]], `${inputs}`);
  }
  assertEquals(formatOf("ReluGrad", [FULL, FULL]), [{ T: FULL }, [FULL, FULL]]);
  assertEquals(formatOf("BiasAdd", [HALF, FULL]), [{ T: HALF }, [HALF, HALF]]);
});

Deno.test("a single number has no say, and is taken along", () => {
  assertEquals(formatOf("Mul", [HALF, [FULL, []]]), [{ T: HALF }, [HALF, HALF]]);
  assertEquals(formatOf("Mul", [[FULL, []], HALF]), [{ T: HALF }, [HALF, HALF]]);
  assertEquals(formatOf("Mul", [FULL, [FULL, []]]), [{ T: FULL }, [FULL, FULL]]);
  assertEquals(formatOf("Mul", [[FULL, []], [FULL, []]]), [{ T: FULL }, [FULL, FULL]]);
  for (const shape of [[1], undefined]) {
    assertEquals(formatOf("Mul", [HALF, [FULL, shape]]), [{ T: FULL }, [FULL, FULL]], `${shape}`);
  }
  assertEquals(formatOf("PadV2", [HALF, int32, [FULL, []]]), [{ T: HALF, Tpaddings: int32 }, [
    HALF,
    int32,
    HALF,
  ]]);
});

Deno.test("scale, offset and statistics of a batch norm stay float32", () => {
  const statistics = [FULL, FULL, FULL, FULL];
  assertEquals(formatOf("FusedBatchNormV3", [HALF, ...statistics]), [{ T: HALF, U: FULL }, [
    HALF,
    ...statistics,
  ]]);
  assertEquals(formatOf("FusedBatchNormV3", [FULL, ...statistics])[0], { T: FULL, U: FULL });
  for (const [dy, x] of [[FULL, HALF], [HALF, HALF]]) {
    assertEquals(formatOf("FusedBatchNormGradV3", [dy, x, ...statistics]), [{ T: HALF, U: FULL }, [
      HALF,
      HALF,
      ...statistics,
    ]]);
  }
  // Statistics that come in bfloat16 all the same are given as float32.
  assertEquals(formatOf("FusedBatchNormV3", [HALF, HALF, FULL, FULL, FULL])[1], [HALF, ...statistics]);
});

Deno.test("a list is one input of many tensors", () => {
  assertEquals(formatOf("AddN", [HALF, HALF, HALF]), [{ T: HALF }, [HALF, HALF, HALF]]);
  assertEquals(formatOf("AddN", [HALF, HALF, FULL]), [{ T: FULL }, [FULL, FULL, FULL]]);
});

Deno.test("what is gathered has an attribute of its own, its indices are whole numbers", () => {
  const types = { Tindices: int32, Taxis: int32 };
  assertEquals(formatOf("GatherV2", [HALF, int32, int32]), [{ Tparams: HALF, ...types }, [
    HALF,
    int32,
    int32,
  ]]);
  assertEquals(formatOf("GatherV2", [FULL, int32, int32])[0], { Tparams: FULL, ...types });
});

Deno.test("an op without a rule gets float32 back, whole numbers as they are", () => {
  for (const op of ["Sigmoid", "Shape"]) assertEquals(formatOf(op, [HALF]), [{ T: FULL }, [FULL]], op);
  assertEquals(formatOf("Mean", [HALF, int32]), [{ T: FULL, Tidx: int32 }, [FULL, int32]]);
  assertEquals(formatOf("Relu", [int32])[1], [int32]);
  assertEquals(formatOf("AddV2", [int32, int32])[1], [int32, int32]);
  assertEquals(formatOf("BatchMatMulV2", [[int32, [2, 3]], [int32, [3, 4]]]), [{ T: int32 }, [int32, int32]]);
  assertEquals(formatOf("toString", [HALF]), [{ T: FULL }, [FULL]], "not a rule that every object has");
});

/** A convolution whose result two others read, one of its own weights read twice, and something in float32 behind. */
function branching(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor[] {
  const window = { stride: 1, padding: 1 };
  const first = withScope("first", () => relu(conv2d(x, kernel, window)));
  const left = withScope("left", () => conv2d(first, kernel, window));
  const right = withScope("right", () => tf.sigmoid(first));
  const again = withScope("again", () => tf.sigmoid(tf.neg(first)));
  return [left, right, again, first];
}

tidyTest("a trace casts each tensor once, in the scope that it comes from, and gives float32 back", () => {
  const args: [tf.Tensor4D, tf.Tensor4D] = [tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 2, 2])];
  const { nodes, results } = tracedNodes(branching, args, "bfloat16");
  const casts = nodes.filter(({ op }) => op === "Cast");
  const shown = casts.map(({ name, inputs, types }) => {
    const [scope] = name.split("/");
    return [scope, inputs[0].replace(/_\d+/, ""), types.DstT];
  });
  assertEquals(shown, [
    ["first", "placeholder", HALF], // the image
    ["first", "placeholder", HALF], // the kernel, which "left" reads too
    ["first", "first/Relu:activations:0", FULL], // for both sigmoids, and as a result
    ["left", "left/Conv2D:output:0", FULL],
  ]);
  assertEquals(results.filter((result) => result.startsWith(casts[2].name)).length, 1);
  assertEquals(tracedNodes(branching, args, "float32").nodes.filter(({ op }) => op === "Cast"), []);
});

tidyTest(
  "results of a function in bfloat16 are the numbers that bfloat16 has, and their type is float32",
  () => {
    const product = jit((a: tf.Tensor2D, b: tf.Tensor2D) => tf.matMul(a, b), { precision: "bfloat16" });
    // 1 + 2^-8 lies between two neighbours of bfloat16's, 1 and 1 + 2^-7; the even one, 1, is taken. 3 is exact.
    const found = product(tf.tensor2d([[1 + 2 ** -8], [3]]), tf.tensor2d([[1, 2]]));
    assertEquals([found.dtype, [...found.dataSync()]], ["float32", [1, 2, 3, 6]]);
    product.dispose();
  },
);

tidyTest("a product of whole numbers stays one", () => {
  const product = jit((a: tf.Tensor2D, b: tf.Tensor2D) => tf.matMul(a, b), { precision: "bfloat16" });
  const found = product(tf.tensor2d([[257, 1]], [1, 2], "int32"), tf.tensor2d([[3], [2]], [2, 1], "int32"));
  assertEquals([found.dtype, [...found.dataSync()]], ["int32", [773]]);
  product.dispose();
});

tidyTest("a gradient that leaves is float32, whatever it was", () => {
  const step = jit((x: tf.Tensor4D, kernel: tf.Tensor4D) => {
    const { grads } = valueAndGrads(({ kernel }) => {
      return [tf.sum(conv2d(x, kernel as tf.Tensor4D, { stride: 1, padding: 1 })), {}];
    }, { kernel });
    return tf.add(grads.kernel, 2 ** -10);
  }, { precision: "bfloat16" });
  const found = step(tf.ones([1, 4, 4, 1]), tf.ones([3, 3, 1, 1]));
  // How many pixels each weight meets, and something that bfloat16 cannot add to them.
  const met = [9, 12, 9, 12, 16, 12, 9, 12, 9];
  assertEquals([...found.dataSync()], met.map((count) => count + 2 ** -10));
  step.dispose();
});
