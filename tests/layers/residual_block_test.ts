/** What a residual block is made of. */
import { assertEquals, assertThrows } from "@std/assert";
import { defineModel } from "../../layers/model.ts";
import type { Node } from "../../layers/node.ts";
import { input } from "../../layers/nodes.ts";
import { residualBlock, type ResidualBlockCfg } from "../../layers/residual_block.ts";

const x = input([8, 8, 4]);

/** The block's nodes in the order in which they run, each as "op name < its inputs". */
function wiring(cfg: Omit<ResidualBlockCfg, "name">): string[] {
  const { nodes } = defineModel(residualBlock(x, { name: "b", ...cfg }), { name: "block" });
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
  assertEquals(settings["b.conv1.0"], { filters: 6, kernelSize: 3, stride: 2, padding: 1, bias: false });
  assertEquals(settings["b.conv2.0"], { filters: 6, kernelSize: 3, stride: 1, padding: 1, bias: false });
  assertEquals(settings["b.downsample.0"], {
    filters: 6,
    kernelSize: 1,
    stride: 2,
    padding: 0,
    bias: false,
  });
  assertEquals(settings["b.relu"], { block: true });
  assertEquals(settings["b.conv1.2"], { block: false });
  assertEquals(nodes.at(-1)!.shape, [4, 4, 6]);
});

Deno.test("residualBlock: option A cannot drop channels", () => {
  assertEquals(
    assertThrows(() => residualBlock(x, { name: "b", filters: 2, shortcut: "padding" }), TypeError).message,
    'padShortcut "b.downsample": cannot pad [8, 8, 4] from input "input" to 2 channels',
  );
});
