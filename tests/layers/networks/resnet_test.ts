/** The two families of residual networks, layer by layer. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Model } from "../../../layers/model.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { batchNorm, conv, relu } from "../../../layers/nodes/nodes.ts";

/** Shapes by name. */
function shapes(model: Model): Record<string, readonly number[]> {
  return Object.fromEntries(model.nodes.map(({ name, shape }) => [name, shape]));
}

function ops(model: Model): string[] {
  return model.nodes.map(({ op }) => op);
}

Deno.test("resnet: the tutorial's ResNet-34, with the sizes that its comments give", () => {
  const model = resnet([3, 4, 6, 3]);
  const at = shapes(model);
  assertEquals(model.name, "ResNet-34");
  assertEquals(model.initScheme, "pytorch");
  assertEquals(at["input"], [224, 224, 3]);
  assertEquals(at["conv1.2"], [112, 112, 64]);
  assertEquals(at["maxpool"], [56, 56, 64]);
  assertEquals(at["layer0.2"], [56, 56, 64]);
  assertEquals(at["layer1.3"], [28, 28, 128]);
  assertEquals(at["layer2.5"], [14, 14, 256]);
  assertEquals(at["layer3.2"], [7, 7, 512]);
  assertEquals(at["avgpool"], [1, 1, 512]);
  assertEquals(at["fc"], [10]);
  assertEquals(ops(model).filter((op) => op === "conv").length, 33 + 3); // three projections
  assertEquals(model.nodes.find(({ op }) => op === "avgPool")?.cfg, { kernelSize: 7, stride: 1 });
});

Deno.test("resnet: another image size gets global average pooling", () => {
  const model = resnet([1, 2], { widths: [4, 6], inputSize: 32, numClasses: 5 });
  assertEquals(shapes(model)["layer1.1"], [4, 4, 6]);
  assertEquals(ops(model).slice(-3), ["globalAvgPool", "flatten", "linear"]);
  assertEquals(model.output.shape, [5]);
});

Deno.test("resnet: the CIFAR networks of He et al.", () => {
  const model = resnet([3, 3, 3], { stem: "cifar" });
  const at = shapes(model);
  assertEquals(model.name, "ResNet-20");
  assertEquals(model.initScheme, "heNormal");
  assertEquals(at["conv1.2"], [32, 32, 16]);
  assertEquals(at["layer0.2"], [32, 32, 16]);
  assertEquals(at["layer1.2"], [16, 16, 32]);
  assertEquals(at["layer2.2"], [8, 8, 64]);
  assertEquals(ops(model).filter((op) => op === "padShortcut").length, 2);
  assertEquals(ops(model).filter((op) => op === "maxPool").length, 0);
  assertEquals(model.nodes.every((node) => node.op !== "conv" || !node.cfg.bias), true);
  assertEquals(resnet([18, 18, 18], { stem: "cifar" }).name, "ResNet-110");
});

Deno.test("resnet: settings override those of the family", () => {
  const model = resnet([1, 1], {
    stem: "cifar",
    widths: [8, 8],
    inputSize: 16,
    numClasses: 3,
    shortcut: "projection",
    bias: true,
    dropout: 0.2,
  });
  assertEquals(model.input.shape, [16, 16, 3]);
  assertEquals(ops(model).includes("padShortcut"), false);
  assertEquals(model.nodes.every((node) => node.op !== "conv" || node.cfg.bias), true);
  assertEquals(ops(model).slice(-3), ["flatten", "dropout", "linear"]);
  assertEquals(model.nodes.find(({ op }) => op === "dropout")?.cfg, { rate: 0.2 });
  assertEquals(model.output.shape, [3]);
});

Deno.test("resnet: pre-activation begins behind the stem and ends in batch norm and relu", () => {
  const { nodes, name } = resnet([2, 1], { stem: "cifar", widths: [4, 8], block: "preActivation" });
  assertEquals(name, "ResNet-8");
  const norms = nodes.filter(({ op }) => op === "batchNorm").map(({ name }) => name);
  assertEquals(norms, [
    "conv1.1",
    "layer0.0.bn2",
    ...["layer0.1.bn1", "layer0.1.bn2"],
    ...["layer1.0.bn1", "layer1.0.bn2"],
    "bn",
  ]);
  assertEquals(nodes.slice(-5).map(({ name }) => name), ["bn", "relu", "avgpool", "flatten", "fc"]);
  const fifty = resnet([3, 4, 6, 3], { block: "preActivationBottleneck" });
  assertEquals(fifty.name, "ResNet-50");
  assertEquals(shapes(fifty)["relu"], [7, 7, 2048]);
});

Deno.test("resnet: a block of one's own", () => {
  const plain = resnet([2, 1], {
    widths: [4, 8],
    block: (x, { name, filters, stride, bias }) => {
      const y = conv(x, { name: `${name}.conv`, filters, kernelSize: 3, stride, padding: 1, bias });
      return relu(batchNorm(y, { name: `${name}.bn` }), { name });
    },
  });
  assertEquals(ops(plain).includes("add"), false);
  assertEquals(shapes(plain)["layer1.0"], [28, 28, 8]);
});

Deno.test("resnet: depths and widths must fit each other", () => {
  const message = (make: () => Model): string => assertThrows(make, RangeError).message;
  assertEquals(
    message(() => resnet([3, 3, 3])),
    "resnet: each stage needs a width, found 3 depths [3, 3, 3] and 4 widths [64, 128, 256, 512]",
  );
  assertEquals(message(() => resnet([], { widths: [] })), "resnet: there must be a stage, found no depths");
  assertEquals(
    message(() => resnet([3, 0, 3], { stem: "cifar" })),
    "resnet: depth of stage 1 must be a whole number from 1 up, found 0",
  );
  assertEquals(
    message(() => resnet([1, 1, 1], { stem: "cifar", numClasses: 0 })),
    'linear "fc": features must be a whole number from 1 up, found 0',
  );
});
