/** More of the family, held against PyTorch's (tests/data/family_reference.py); their logits are in network_test.ts. */
import { assertEquals, assertThrows } from "@std/assert";
import { toPyTorch } from "../../../layers/formats/pytorch.ts";
import type { Model } from "../../../layers/model.ts";
import { preActivationBlock, type ResidualBlockCfg } from "../../../layers/networks/residual_block.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import type { Node } from "../../../layers/nodes/node.ts";
import { apply } from "../../../layers/readers/apply.ts";
import { forwardMultiplyAdds } from "../../../layers/readers/flops.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { parameterCount } from "../../../layers/readers/parameters.ts";
import { init } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import counts from "../../data/family_parameters.json" with { type: "json" };
import stateDict from "../../data/state_dict_timm_resnet50d.json" with { type: "json" };
import { tidyTest } from "../../runtime/harness.ts";

const imagenet = { block: "bottleneck", naming: "torchvision", numClasses: 1000 } as const;
const [fifty, hundredOne] = [[3, 4, 6, 3], [3, 4, 23, 3]];

const family: Record<keyof typeof counts, { model: Model; name: string }> = {
  resnext50_32x4d: {
    model: resnet(fifty, { ...imagenet, groups: 32, widthPerGroup: 4 }),
    name: "ResNeXt-50 32x4d",
  },
  resnext101_32x8d: {
    model: resnet(hundredOne, { ...imagenet, groups: 32, widthPerGroup: 8 }),
    name: "ResNeXt-101 32x8d",
  },
  wide_resnet50_2: { model: resnet(fifty, { ...imagenet, widthPerGroup: 128 }), name: "Wide ResNet-50-2" },
  wide_resnet101_2: {
    model: resnet(hundredOne, { ...imagenet, widthPerGroup: 128 }),
    name: "Wide ResNet-101-2",
  },
  resnet50d: { model: resnet(fifty, { ...imagenet, stem: "deep", shortcut: "average" }), name: "ResNet-50" },
  wide_resnet28_10: {
    model: resnet([4, 4, 4], {
      stem: "cifar",
      block: "preActivation",
      shortcut: "projection",
      stemFilters: 16,
      widths: [160, 320, 640],
    }),
    name: "Wide ResNet-28-10",
  },
};

for (const [key, { model, name }] of Object.entries(family)) {
  Deno.test(`${name} has as many parameters as in PyTorch, and its name`, () => {
    assertEquals(parameterCount(model), counts[key as keyof typeof counts]);
    assertEquals(model.name, name);
  });
}

Deno.test("ResNet-50-D has the keys, order and shapes of timm's state_dict", () => {
  const { model } = family.resnet50d;
  const entries = toPyTorch(model, initArrays(model, 0));
  assertEquals(Object.entries(entries).map(([key, { shape }]) => [key, [...shape]]), stateDict);
});

Deno.test("multiply-adds of a convolution in groups are divided by them: ResNeXt-50 has 4.23e9, torchvision says", () => {
  assertEquals(Math.round(forwardMultiplyAdds(family.resnext50_32x4d.model) / 1e7), 423);
});

Deno.test("grey images that are not square, and grey ones of one size", () => {
  const model = resnet([1, 1], { inputSize: [48, 32], channels: 1, widths: [4, 6] });
  assertEquals([model.input.shape, model.output.shape], [[48, 32, 1], [10]]);
  assertEquals(resnet([1], { stem: "cifar", widths: [4], channels: 1 }).input.shape, [32, 32, 1]);
});

Deno.test("a block of one's own is counted by its sum, and keeps the last batch norm if it ends in one", () => {
  const wrapped = (x: Node, cfg: ResidualBlockCfg): Node => preActivationBlock(x, cfg);
  const [own, known] = [wrapped, "preActivation" as const].map((block) =>
    resnet([2, 2, 2], { stem: "cifar", block })
  );
  assertEquals(own.nodes.map(({ op, name }) => [op, name]), known.nodes.map(({ op, name }) => [op, name]));
  assertEquals([own.name, own.nodes.some(({ name }) => name === "bn")], ["ResNet-14", true]);
});

Deno.test("groups are refused where blocks have none", () => {
  assertThrows(
    () => resnet([1], { stem: "cifar", widths: [8], groups: 2 }),
    RangeError,
    'resnet: groups and widthPerGroup are for bottlenecks, found 2 and 64 with the block "basic"',
  );
});

tidyTest(
  "stochastic depth: rates grow with the depth, images are left out whole, the others are made up for",
  () => {
    const cfg = { stem: "cifar", widths: [4, 4], inputSize: 4, numClasses: 2, stochasticDepth: 0.5 } as const;
    const model = resnet([2, 2], cfg);
    const rates = model.nodes.flatMap((node) => node.op === "stochasticDepth" ? [node.cfg.rate] : []);
    assertEquals(rates, [0.125, 0.25, 0.375, 0.5]);

    // One block whose residual is all that reaches the sum: its map is zero, or twice what evaluation has.
    const one = resnet([1], { ...cfg, widths: [4] });
    const sum = one.nodes.find(({ op }) => op === "add")!;
    const [branch] = sum.inputs;
    const network = { ...one, output: branch, nodes: one.nodes.slice(0, one.nodes.indexOf(branch) + 1) };
    const images = 400;
    const x = tf.randomNormal<tf.Rank.R4>([1, 4, 4, 3], 0, 1, "float32", 7);
    const variables = init(network, 1);
    const seed = tf.tensor1d([3, 5], "int32");
    const repeated = tf.tile(x, [images, 1, 1, 1]);
    const [kept] = apply(network, variables, repeated, { train: true, seed });
    const each = tf.max(tf.abs(kept), [1, 2, 3]).dataSync();
    const whole = Math.max(...each);
    assertEquals([...each].every((value) => value === 0 || Math.abs(value - whole) < 1e-5 * whole), true);
    const share = each.filter((value) => value === 0).length / images;
    // Binomial: four standard deviations of 400 draws at 1/2 are 0.1.
    assertEquals(Math.abs(share - 0.5) < 0.1, true, `${share} left out`);
    const plain = { ...network, nodes: network.nodes.slice(0, -1), output: branch.inputs[0]! };
    const [full] = apply(plain, variables, repeated, { train: true, seed });
    const fullest = Math.max(...tf.max(tf.abs(full), [1, 2, 3]).dataSync());
    assertEquals(Math.abs(whole - 2 * fullest) < 1e-4 * whole, true, `${whole} of ${fullest}`);
  },
);
