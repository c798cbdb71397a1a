/** Folding batch norms on plain arrays: as by hand, and as on tensors. */
import { assert, assertEquals } from "@std/assert";
import { defineModel } from "../../../layers/model.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { batchNorm, conv, input } from "../../../layers/nodes/nodes.ts";
import { foldBatchNorm } from "../../../layers/readers/fold.ts";
import { foldArrays } from "../../../layers/readers/fold_arrays.ts";
import { toArrays, toTensors } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import { leakTest } from "../../runtime/harness.ts";
import { relativeDifference, trainedArrays } from "../formats/exported_models.ts";

const array = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });

Deno.test("foldArrays: two channels, by hand; the arrays that come in stay as they are", () => {
  const x = conv(input([2, 2, 1]), { name: "conv", filters: 2, kernelSize: 1 });
  const model = defineModel(batchNorm(x, { name: "bn", epsilon: 0.25 }), { name: "two" });
  const arrays = {
    params: {
      "conv.weight": array([1, 1, 1, 2], 3, 1),
      "conv.bias": array([2], 5, 2),
      "bn.weight": array([2], 4, 1),
      "bn.bias": array([2], 7, 0),
    },
    batchStats: { "bn.running_mean": array([2], 1, 4), "bn.running_var": array([2], 3.75, 15.75) },
  };
  const before = structuredClone(arrays);
  const folded = foldArrays(model, arrays);
  // k is 4 / sqrt(4) = 2 and 1 / sqrt(16) = 0.25: kernels 2 * 3 and 0.25, biases 2 * (5 - 1) + 7 and 0.25 * (2 - 4).
  assertEquals(folded.arrays, {
    params: { "conv.weight": array([1, 1, 1, 2], 6, 0.25), "conv.bias": array([2], 15, -0.5) },
    batchStats: {},
  });
  assertEquals(folded.model.nodes.map(({ op }) => op), ["input", "conv"]);
  assertEquals(arrays, before);
});

leakTest("foldArrays: what foldBatchNorm makes of tensors", () => {
  const model = resnet([1, 1], { stem: "cifar", widths: [4, 8], block: "preActivation" });
  const arrays = trainedArrays(model);
  const folded = foldArrays(model, arrays);
  const variables = toTensors(arrays);
  const onTensors = foldBatchNorm(model, variables);
  const expected = toArrays(onTensors.variables);
  assertEquals(folded.model, onTensors.model);
  for (const collection of ["params", "batchStats"] as const) {
    const [found, wanted] = [folded.arrays[collection], expected[collection]];
    assertEquals(Object.keys(found).sort(), Object.keys(wanted).sort());
    for (const [name, { data }] of Object.entries(wanted)) {
      assert(relativeDifference(found[name].data, data) < 1e-6, name);
    }
  }
  tf.dispose([
    variables.params,
    variables.batchStats,
    onTensors.variables.params,
    onTensors.variables.batchStats,
  ]);
});
