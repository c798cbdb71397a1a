/** Shapes that the constructors work out, and what they refuse. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Node } from "../../../layers/nodes/node.ts";
import {
  add,
  avgPool,
  batchNorm,
  celu,
  conv,
  dropout,
  flatten,
  globalAvgPool,
  input,
  linear,
  maxPool,
  padShortcut,
  relu,
  scale,
} from "../../../layers/nodes/nodes.ts";

const map = input([56, 56, 64]);
const row = flatten(input([1, 1, 512]), { name: "flatten" });

Deno.test("conv: sizes are floor((n + 2 padding - kernelSize) / stride) + 1", () => {
  const sizes = [
    [7, 2, 3, 224, 112],
    [3, 1, 1, 56, 56],
    [3, 2, 1, 56, 28],
    [3, 2, 1, 7, 4],
    [1, 2, 0, 7, 4],
    [
      2,
      1,
      0,
      32,
      31,
    ],
  ];
  for (const [kernelSize, stride, padding, before, after] of sizes) {
    const { shape } = conv(input([before, before, 3]), {
      name: "c",
      filters: 8,
      kernelSize,
      stride,
      padding,
    });
    assertEquals(shape, [after, after, 8], `${kernelSize} ${stride} ${padding} ${before}`);
  }
  // Height and width are not mixed up: PyTorch gives 4 x 5 for 7 x 9 (golden/conv2d.json).
  assertEquals(
    conv(input([7, 9, 4]), { name: "c", filters: 5, kernelSize: 3, stride: 2, padding: 1 }).shape,
    [4, 5, 5],
  );
});

Deno.test("conv: the node is plain data with every default resolved", () => {
  const x = input([8, 8, 3], "images");
  assertEquals(conv(x, { name: "conv1.0", filters: 4, kernelSize: 3 }), {
    op: "conv",
    inputs: [x],
    cfg: { filters: 4, kernelSize: 3, stride: 1, padding: 0, groups: 1, bias: true },
    name: "conv1.0",
    shape: [6, 6, 4],
  });
  assertEquals(x, { op: "input", inputs: [], cfg: {}, name: "images", shape: [8, 8, 3] });
});

Deno.test("the other layers: shapes and defaults", () => {
  assertEquals(batchNorm(map, { name: "n" }).cfg, { epsilon: 1e-5, momentum: 0.1 });
  assertEquals(batchNorm(map, { name: "n" }).shape, [56, 56, 64]);
  assertEquals(relu(row, { name: "r" }).shape, [512]);
  assertEquals(
    maxPool(input([112, 112, 64]), { name: "p", kernelSize: 3, stride: 2, padding: 1 }).shape,
    [56, 56, 64],
  );
  assertEquals(maxPool(input([31, 31, 8]), { name: "p", kernelSize: 2 }).shape, [15, 15, 8]);
  assertEquals(avgPool(input([7, 9, 8]), { name: "p", kernelSize: 7, stride: 1 }).shape, [1, 3, 8]);
  assertEquals(avgPool(input([8, 6, 8]), { name: "p", kernelSize: 2 }).shape, [4, 3, 8]);
  assertEquals(globalAvgPool(input([7, 9, 8]), { name: "p" }).shape, [1, 1, 8]);
  assertEquals(flatten(input([2, 3, 5]), { name: "f" }).shape, [30]);
  assertEquals(linear(row, { name: "fc", features: 10 }).shape, [10]);
  assertEquals(add(map, relu(map, { name: "r" }), { name: "a" }).shape, [56, 56, 64]);
  assertEquals(dropout(row, { name: "d", rate: 0.5 }).shape, [512]);
  assertEquals(scale(row, { name: "s", factor: 0.125 }).shape, [512]);
});

Deno.test("padShortcut: half of the zeros on each side, the odd one after", () => {
  const node = padShortcut(input([7, 8, 3]), { name: "s", filters: 8, stride: 2 });
  assertEquals(node.shape, [4, 4, 8]);
  assertEquals(node.cfg, { stride: 2, channelsBefore: 2, channelsAfter: 3 });
  assertEquals(padShortcut(map, { name: "s", filters: 64, stride: 1 }).cfg, {
    stride: 1,
    channelsBefore: 0,
    channelsAfter: 0,
  });
});

/** A constructor call, the class of what it throws, and the message. */
type Refusal = [make: () => Node, error: typeof TypeError | typeof RangeError, message: string];

Deno.test("shapes that do not fit fail where the node is made, with the layer and both shapes", () => {
  const refusals: Refusal[] = [
    [
      () => add(conv(map, { name: "c", filters: 128, kernelSize: 2, stride: 2 }), map, { name: "layer1.0" }),
      TypeError,
      'add "layer1.0": shapes [28, 28, 128] and [56, 56, 64] differ',
    ],
    [
      () => conv(row, { name: "c", filters: 8, kernelSize: 3 }),
      TypeError,
      'conv "c": needs [h, w, c], found [512] from flatten "flatten"',
    ],
    [
      () => batchNorm(row, { name: "n" }),
      TypeError,
      'batchNorm "n": needs [h, w, c], found [512] from flatten "flatten"',
    ],
    [
      () => flatten(row, { name: "f" }),
      TypeError,
      'flatten "f": needs [h, w, c], found [512] from flatten "flatten"',
    ],
    [
      () => linear(map, { name: "fc", features: 10 }),
      TypeError,
      'linear "fc": needs [features], found [56, 56, 64] from input "input"; put flatten in between',
    ],
    [
      () => conv(input([2, 9, 3]), { name: "c", filters: 8, kernelSize: 5, padding: 1 }),
      TypeError,
      'conv "c": a 5x5 window with padding 1 does not fit into [2, 9, 3]',
    ],
    [
      () => avgPool(input([4, 4, 512]), { name: "avgpool", kernelSize: 7 }),
      TypeError,
      'avgPool "avgpool": a 7x7 window with padding 0 does not fit into [4, 4, 512]',
    ],
    [
      () => padShortcut(map, { name: "s", filters: 32, stride: 2 }),
      TypeError,
      'padShortcut "s": cannot pad [56, 56, 64] from input "input" to 32 channels',
    ],
  ];
  for (const [make, error, message] of refusals) assertEquals(assertThrows(make, error).message, message);
});

Deno.test("settings out of range are refused, with the setting and its value", () => {
  const refusals: Refusal[] = [
    [
      () => input([0, 32, 3]),
      RangeError,
      'input "input": height must be a whole number from 1 up, found 0',
    ],
    [
      () => conv(map, { name: "c", filters: 1.5, kernelSize: 3 }),
      RangeError,
      'conv "c": filters must be a whole number from 1 up, found 1.5',
    ],
    [
      () => conv(map, { name: "c", filters: 8, kernelSize: 3, stride: 0 }),
      RangeError,
      'conv "c": stride must be a whole number from 1 up, found 0',
    ],
    [
      () => conv(map, { name: "c", filters: 8, kernelSize: 3, padding: -1 }),
      RangeError,
      'conv "c": padding must be a whole number from 0 up, found -1',
    ],
    [
      () => maxPool(map, { name: "p", kernelSize: 3, padding: 2 }),
      RangeError,
      'maxPool "p": padding may be at most half of kernelSize 3, found 2',
    ],
    [
      () => batchNorm(map, { name: "n", epsilon: 0 }),
      RangeError,
      'batchNorm "n": epsilon must be above 0, found 0',
    ],
    [
      () => batchNorm(map, { name: "n", momentum: 1.1 }),
      RangeError,
      'batchNorm "n": momentum must be from 0 to 1, found 1.1',
    ],
    [
      () => linear(row, { name: "fc", features: NaN }),
      RangeError,
      'linear "fc": features must be a whole number from 1 up, found NaN',
    ],
    [
      () => celu(row, { name: "a", alpha: 0 }),
      RangeError,
      'celu "a": alpha must be above 0, found 0',
    ],
    [
      () => dropout(row, { name: "d", rate: 1 }),
      RangeError,
      'dropout "d": rate must be from 0 to below 1, found 1',
    ],
    [
      () => scale(row, { name: "s", factor: Infinity }),
      RangeError,
      'scale "s": factor must be finite, found Infinity',
    ],
  ];
  for (const [make, error, message] of refusals) assertEquals(assertThrows(make, error).message, message);
});
