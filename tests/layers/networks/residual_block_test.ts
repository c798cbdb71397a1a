/** What a residual block is made of. */
import { assertEquals, assertThrows } from "@std/assert";
import { defineModel } from "../../../layers/model.ts";
import {
  type Block,
  bottleneckBlock,
  preActivationBlock,
  preActivationBottleneck,
  residualBlock,
  type ResidualBlockCfg,
} from "../../../layers/networks/residual_block.ts";
import type { Node } from "../../../layers/nodes/node.ts";
import { input } from "../../../layers/nodes/nodes.ts";

const x = input([8, 8, 4]);

/** The block's nodes in the order in which they run, each as "op name < its inputs". */
function wiring(cfg: Omit<ResidualBlockCfg, "name">, block: Block = residualBlock): string[] {
  const { nodes } = defineModel(block(x, { name: "b", ...cfg }), { name: "block" });
  return nodes.slice(1).map((node) => {
    const inputs: readonly Node[] = node.inputs;
    return `${node.op} ${node.name} < ${inputs.map(({ name }) => name).join(", ")}`;
  });
}

const main = [
  "conv b.conv1.0 < input",
  "batchNorm b.conv1.1 < b.conv1.0",
  "relu b.conv1.2 < b.conv1.1",
  "conv b.conv2.0 < b.conv1.2",
  "batchNorm b.conv2.1 < b.conv2.0",
];

Deno.test("residualBlock: an identity shortcut where the shape stays", () => {
  assertEquals(wiring({ filters: 4 }), [...main, "add b < b.conv2.1, input", "relu b.relu < b"]);
  assertEquals(wiring({ filters: 4, shortcut: "padding" }), wiring({ filters: 4 }));
});

Deno.test("residualBlock: a projection where the stride or the channels change", () => {
  const projected = [
    ...main,
    "conv b.downsample.0 < input",
    "batchNorm b.downsample.1 < b.downsample.0",
    "add b < b.conv2.1, b.downsample.1",
    "relu b.relu < b",
  ];
  assertEquals(wiring({ filters: 4, stride: 2 }), projected);
  assertEquals(wiring({ filters: 6 }), projected);
});

Deno.test("residualBlock: a padded identity for option A", () => {
  assertEquals(wiring({ filters: 8, stride: 2, shortcut: "padding" }), [
    ...main,
    "padShortcut b.downsample < input",
    "add b < b.conv2.1, b.downsample",
    "relu b.relu < b",
  ]);
});

Deno.test("residualBlock: settings of the layers", () => {
  const { nodes } = defineModel(residualBlock(x, { name: "b", filters: 6, stride: 2, bias: false }), {
    name: "block",
  });
  const settings = Object.fromEntries(nodes.map(({ name, cfg }) => [name, cfg]));
  assertEquals(settings["b.conv1.0"], {
    filters: 6,
    kernelSize: 3,
    stride: 2,
    padding: 1,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.conv2.0"], {
    filters: 6,
    kernelSize: 3,
    stride: 1,
    padding: 1,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.downsample.0"], {
    filters: 6,
    kernelSize: 1,
    stride: 2,
    padding: 0,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.relu"], { block: "ResidualBlock" });
  assertEquals(settings["b.conv1.2"], { block: "" });
  assertEquals(nodes.at(-1)!.shape, [4, 4, 6]);
});

Deno.test("residualBlock: option A cannot drop channels", () => {
  assertEquals(
    assertThrows(() => residualBlock(x, { name: "b", filters: 2, shortcut: "padding" }), TypeError).message,
    'padShortcut "b.downsample": cannot pad [8, 8, 4] from input "input" to 2 channels',
  );
});

const bottleneck = [
  "conv b.conv1.0 < input",
  "batchNorm b.conv1.1 < b.conv1.0",
  "relu b.conv1.2 < b.conv1.1",
  "conv b.conv2.0 < b.conv1.2",
  "batchNorm b.conv2.1 < b.conv2.0",
  "relu b.conv2.2 < b.conv2.1",
  "conv b.conv3.0 < b.conv2.2",
  "batchNorm b.conv3.1 < b.conv3.0",
];

Deno.test("bottleneckBlock: four times the channels come out; the identity where that is what went in", () => {
  assertEquals(wiring({ filters: 1 }, bottleneckBlock), [
    ...bottleneck,
    "add b < b.conv3.1, input",
    "relu b.relu < b",
  ]);
  assertEquals(wiring({ filters: 4 }, bottleneckBlock), [
    ...bottleneck,
    "conv b.downsample.0 < input",
    "batchNorm b.downsample.1 < b.downsample.0",
    "add b < b.conv3.1, b.downsample.1",
    "relu b.relu < b",
  ]);
});

Deno.test("bottleneckBlock: kernels of 1, 3 and 1, the stride in the middle", () => {
  const { nodes } = defineModel(bottleneckBlock(x, { name: "b", filters: 3, stride: 2, bias: false }), {
    name: "block",
  });
  const settings = Object.fromEntries(nodes.map(({ name, cfg }) => [name, cfg]));
  assertEquals(settings["b.conv1.0"], {
    filters: 3,
    kernelSize: 1,
    stride: 1,
    padding: 0,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.conv2.0"], {
    filters: 3,
    kernelSize: 3,
    stride: 2,
    padding: 1,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.conv3.0"], {
    filters: 12,
    kernelSize: 1,
    stride: 1,
    padding: 0,
    groups: 1,
    bias: false,
  });
  assertEquals(settings["b.downsample.0"], { ...settings["b.conv3.0"], stride: 2 });
  assertEquals(nodes.at(-1)!.shape, [4, 4, 12]);
});

const activated = [
  "batchNorm b.bn1 < input",
  "relu b.relu1 < b.bn1",
  "conv b.conv1 < b.relu1",
  "batchNorm b.bn2 < b.conv1",
  "relu b.relu2 < b.bn2",
  "conv b.conv2 < b.relu2",
];

Deno.test("preActivationBlock: the identity goes around everything, a projection starts behind the first relu", () => {
  assertEquals(wiring({ filters: 4 }, preActivationBlock), [...activated, "add b < b.conv2, input"]);
  assertEquals(wiring({ filters: 6, stride: 2 }, preActivationBlock), [
    ...activated,
    "conv b.downsample.0 < b.relu1",
    "add b < b.conv2, b.downsample.0",
  ]);
  assertEquals(wiring({ filters: 6, stride: 2, shortcut: "padding" }, preActivationBlock), [
    ...activated,
    "padShortcut b.downsample < b.relu1",
    "add b < b.conv2, b.downsample",
  ]);
});

Deno.test("preActivationBlock: behind the stem it has no activation of its own", () => {
  assertEquals(wiring({ filters: 4, activated: true }, preActivationBlock), [
    "conv b.conv1 < input",
    ...activated.slice(3),
    "add b < b.conv2, input",
  ]);
});

Deno.test("preActivationBottleneck: each of three convolutions behind batch norm and relu", () => {
  assertEquals(wiring({ filters: 1 }, preActivationBottleneck), [
    ...activated,
    "batchNorm b.bn3 < b.conv2",
    "relu b.relu3 < b.bn3",
    "conv b.conv3 < b.relu3",
    "add b < b.conv3, input",
  ]);
  const out = preActivationBottleneck(x, { name: "b", filters: 3, stride: 2 });
  assertEquals(out.shape, [4, 4, 12]);
});
