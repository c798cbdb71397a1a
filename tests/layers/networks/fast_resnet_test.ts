/** The network of the fast recipe, layer by layer. */
import { assertEquals, assertThrows } from "@std/assert";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { parameters } from "../../../layers/readers/parameters.ts";

Deno.test("fastResnet: layers in order, with their sizes", () => {
  const model = fastResnet({ widths: [16, 32] });
  assertEquals(model.name, "FastResNet-6");
  assertEquals(model.nodes.map(({ op, name, shape }) => `${op} ${name} ${shape.join("x")}`), [
    "input input 32x32x3",
    "conv stem.0 31x31x24",
    "relu stem.1 31x31x24",
    "conv stages.0.conv1.0 31x31x16",
    "maxPool stages.0.conv1.1 15x15x16",
    "batchNorm stages.0.conv1.2 15x15x16",
    "relu stages.0.conv1.3 15x15x16",
    "conv stages.0.conv2.0 15x15x16",
    "batchNorm stages.0.conv2.1 15x15x16",
    "relu stages.0.conv2.2 15x15x16",
    "add stages.0 15x15x16",
    "conv stages.1.conv1.0 15x15x32",
    "maxPool stages.1.conv1.1 7x7x32",
    "batchNorm stages.1.conv1.2 7x7x32",
    "relu stages.1.conv1.3 7x7x32",
    "conv stages.1.conv2.0 7x7x32",
    "batchNorm stages.1.conv2.1 7x7x32",
    "relu stages.1.conv2.2 7x7x32",
    "add stages.1 7x7x32",
    "maxPool pool 1x1x32",
    "flatten flatten 32",
    "linear fc 10",
    "scale scale 10",
  ]);
});

Deno.test("fastResnet: settings", () => {
  const model = fastResnet({
    inputSize: 16,
    numClasses: 4,
    stemFilters: 6,
    widths: [8, 8, 12],
    headScale: 1 / 9,
  });
  assertEquals(model.input.shape, [16, 16, 3]);
  assertEquals(model.output.cfg, { factor: 1 / 9 });
  const names = parameters(model).map(({ name, shape }) => `${name} ${shape.join("x")}`);
  assertEquals(names.slice(0, 3), [
    "stem.0.weight 2x2x3x6",
    "stem.0.bias 6",
    "stages.0.conv1.0.weight 3x3x6x8",
  ]);
  assertEquals(names.filter((name) => /conv\d\.0\.bias|fc\.bias/.test(name)), []);
  assertEquals(names.at(-1), "fc.weight 12x4");
});

Deno.test("fastResnet: every activation may be another, and nothing else changes", () => {
  const [plain, smooth] = [fastResnet({ widths: [16] }), fastResnet({ widths: [16], celuAlpha: 0.3 })];
  assertEquals(
    smooth.nodes.map(({ op, name, shape }) => [op, name, shape]),
    plain.nodes.map(({ op, name, shape }) => [op === "relu" ? "celu" : op, name, shape]),
  );
  const alphas = smooth.nodes.flatMap((node) => node.op === "celu" ? [node.cfg.alpha] : []);
  assertEquals(alphas, [0.3, 0.3, 0.3]);
});

Deno.test("fastResnet: images too small for the stages", () => {
  assertEquals(
    assertThrows(() => fastResnet({ inputSize: 4, widths: [8, 8, 8] }), TypeError).message,
    'maxPool "stages.1.conv1.1": a 2x2 window with padding 0 does not fit into [1, 1, 8]',
  );
});
