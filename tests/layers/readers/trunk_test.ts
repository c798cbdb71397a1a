import { assertEquals } from "@std/assert";
import { defineModel } from "../../../layers/model.ts";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { conv, flatten, input, linear } from "../../../layers/nodes/nodes.ts";
import { trunk } from "../../../layers/readers/trunk.ts";

Deno.test("trunk: what PyTorch's named_parameters has but for the last layer", () => {
  const block = (name: string) =>
    ["conv1", "conv2"].flatMap((conv) =>
      ["0.weight", "1.weight", "1.bias"].map((end) => `${name}.${conv}.${end}`)
    );
  assertEquals(trunk(resnet([1, 1], { stem: "cifar", widths: [4, 8] })), [
    ...["conv1.0.weight", "conv1.1.weight", "conv1.1.bias"],
    ...block("layer0.0"),
    ...block("layer1.0"),
  ]);
  const fast = trunk(fastResnet({ widths: [4] }));
  assertEquals([fast[0], fast.at(-1)], ["stem.0.weight", "stages.0.conv2.1.bias"]); // the head is not the last node
});

Deno.test("trunk: of two linear layers the first one; everything where there is none", () => {
  const x = flatten(conv(input([2, 2, 3]), { name: "conv", filters: 2, kernelSize: 1 }), { name: "flatten" });
  const hidden = linear(x, { name: "head.0", features: 3 });
  const model = defineModel(linear(hidden, { name: "head.1", features: 2 }), { name: "two" });
  assertEquals(trunk(model), ["conv.weight", "conv.bias", "head.0.weight", "head.0.bias"]);
  assertEquals(trunk(defineModel(x, { name: "none" })), ["conv.weight", "conv.bias"]);
});
