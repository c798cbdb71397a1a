/** The table against torchsummary's own, line by line. */
import { assertEquals } from "@std/assert";
import { defineModel } from "../../../layers/model.ts";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { input, padShortcut, relu } from "../../../layers/nodes/nodes.ts";
import { summary } from "../../../layers/readers/summary.ts";
import { granted } from "../../needs.ts";

Deno.test({
  name: "summary: the tutorial's network gives torchsummary's text (tests/data/torch_reference.py)",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const theirs = await Deno.readTextFile(new URL("../../data/torchsummary_resnet34.txt", import.meta.url));
    const [ours, expected] = [summary(resnet([3, 4, 6, 3])).split("\n"), theirs.trimEnd().split("\n")];
    for (const [i, line] of expected.entries()) assertEquals(ours[i], line, `line ${i + 1}`);
    assertEquals(ours.length, expected.length);
  },
});

Deno.test("summary: the tutorial's first lines, as its page shows them", () => {
  assertEquals(summary(resnet([3, 4, 6, 3])).split("\n").slice(0, 14), [
    "----------------------------------------------------------------",
    "        Layer (type)               Output Shape         Param #",
    "================================================================",
    "            Conv2d-1         [-1, 64, 112, 112]           9,472",
    "       BatchNorm2d-2         [-1, 64, 112, 112]             128",
    "              ReLU-3         [-1, 64, 112, 112]               0",
    "         MaxPool2d-4           [-1, 64, 56, 56]               0",
    "            Conv2d-5           [-1, 64, 56, 56]          36,928",
    "       BatchNorm2d-6           [-1, 64, 56, 56]             128",
    "              ReLU-7           [-1, 64, 56, 56]               0",
    "            Conv2d-8           [-1, 64, 56, 56]          36,928",
    "       BatchNorm2d-9           [-1, 64, 56, 56]             128",
    "             ReLU-10           [-1, 64, 56, 56]               0",
    "    ResidualBlock-11           [-1, 64, 56, 56]               0",
  ]);
});

Deno.test("summary: rows of the other networks", () => {
  const types = (text: string): string[] => text.match(/[A-Za-z0-9]+-\d+(?= )/g) ?? [];
  const cifar = types(summary(resnet([1, 1], { stem: "cifar", widths: [4, 8], dropout: 0.1 })));
  assertEquals(cifar.slice(9), [
    "ResidualBlock-10",
    "Conv2d-11",
    "BatchNorm2d-12",
    "ReLU-13",
    "Conv2d-14",
    "BatchNorm2d-15",
    "PadShortcut-16",
    "ReLU-17",
    "ResidualBlock-18",
    "AdaptiveAvgPool2d-19",
    "Dropout-20",
    "Linear-21",
  ]);
  const fast = types(summary(fastResnet({ widths: [4] })));
  assertEquals(fast.slice(-4), ["ReLU-9", "ResidualBlock-10", "MaxPool2d-11", "Linear-12"]);
});

Deno.test("summary: sizes are rounded as Python rounds them, halves to even", () => {
  // 8 bytes a number: 16384 numbers are 0.125 MB, 49152 are 0.375 MB.
  const sizes = (channels: number): string | undefined => {
    const model = defineModel(relu(input([128, 128, channels]), { name: "r" }), { name: "net" });
    return summary(model).match(/Forward.*/)?.[0];
  };
  assertEquals(sizes(1), "Forward/backward pass size (MB): 0.12");
  assertEquals(sizes(3), "Forward/backward pass size (MB): 0.38");
  assertEquals(sizes(2), "Forward/backward pass size (MB): 0.25");
});

Deno.test("summary: channels come first, height before width", () => {
  const node = padShortcut(input([2, 3, 4]), { name: "s", filters: 5, stride: 1 });
  assertEquals(
    summary(defineModel(node, { name: "net" })).split("\n")[3],
    "       PadShortcut-1              [-1, 5, 2, 3]               0",
  );
});
