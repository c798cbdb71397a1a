import { assertEquals, assertThrows } from "@std/assert";
import { defineModel, type Model } from "../../../layers/model.ts";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { add, conv, flatten, input, linear } from "../../../layers/nodes/nodes.ts";
import { apply } from "../../../layers/readers/apply.ts";
import { parameters } from "../../../layers/readers/parameters.ts";
import { trunk, trunkAndHead } from "../../../layers/readers/trunk.ts";
import { init } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../../runtime/harness.ts";

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

tidyTest(
  "trunkAndHead: one behind the other they are the network, bit for bit; the head has what trunk leaves",
  () => {
    const models = [
      resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], dropout: 0.5 }),
      fastResnet({ inputSize: 8, widths: [4, 6] }),
    ];
    for (const model of models) {
      const { trunk: body, head } = trunkAndHead(model);
      const names = (part: Model): string[] => parameters(part).map(({ name }) => name);
      assertEquals([...names(body), ...names(head)], names(model));
      const learnt = names(head);
      assertEquals(
        trunk(model),
        parameters(model).filter(({ name, collection }) => collection === "params" && !learnt.includes(name))
          .map(({ name }) => name),
      );
      const { params, batchStats } = init(model, 1);
      const has = ([name]: [string, tf.Tensor]): boolean => learnt.includes(name);
      const rest = Object.fromEntries(Object.entries(params).filter((entry) => !has(entry)));
      const own = Object.fromEntries(Object.entries(params).filter(has));
      const x = tf.randomUniform<tf.Rank.R4>([3, 8, 8, 3], -1, 1, "float32", 2);
      const [map] = apply(body, { params: rest, batchStats }, x, { train: false });
      const [logits] = apply(head, { params: own, batchStats: {} }, map, { train: false });
      assertEquals(
        logits.arraySync(),
        apply(model, { params, batchStats }, x, { train: false })[0].arraySync(),
      );
    }
  },
);

Deno.test("trunkAndHead: refuses a network without a last linear layer of one map", () => {
  const x = input([2, 2, 3]);
  const map = conv(x, { name: "conv", filters: 3, kernelSize: 1 });
  const none = "has no linear layer that is computed from one map";
  assertThrows(
    () => trunkAndHead(defineModel(map, { name: "maps" })),
    TypeError,
    `trunkAndHead: maps ${none}`,
  );
  const [one, other] = [map, x].map((node, i) =>
    linear(flatten(node, { name: `flatten.${i}` }), { name: `fc.${i}`, features: 4 })
  );
  const sum = linear(add(one, other, { name: "sum" }), { name: "fc", features: 2 });
  assertThrows(() => trunkAndHead(defineModel(sum, { name: "two" })), TypeError, `trunkAndHead: two ${none}`);
  const past = defineModel(add(other, one, { name: "sum" }), { name: "past" });
  assertThrows(() => trunkAndHead(past), TypeError, "past has 2 inputs");
});
