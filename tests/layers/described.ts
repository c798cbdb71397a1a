/** Every kind of network described, drawn, counted and written to bytes: what a process without any permission can do. */
import { encodeLayersModel } from "../../layers/formats/layers_model.ts";
import { encodeOnnx } from "../../layers/formats/onnx.ts";
import { toPyTorch } from "../../layers/formats/pytorch.ts";
import { encodeSafetensors } from "../../layers/formats/safetensors.ts";
import { fastResnet } from "../../layers/networks/fast_resnet.ts";
import { type BlockName, resnet } from "../../layers/networks/resnet.ts";
import { customLayer } from "../../layers/nodes/custom.ts";
import { defineModel } from "../../layers/model.ts";
import { forwardMultiplyAdds } from "../../layers/readers/flops.ts";
import { initArrays } from "../../layers/readers/init.ts";
import { parameterCount } from "../../layers/readers/parameters.ts";
import { summary } from "../../layers/readers/summary.ts";

const blocks: BlockName[] = ["basic", "bottleneck", "preActivation", "preActivationBottleneck"];
const own = customLayer({ kind: "Own", run: ([x]) => x });
const small = resnet([1], { stem: "cifar", widths: [4], dropout: 0.5 });
const models = [
  small,
  ...blocks.map((block) => resnet([1, 1], { widths: [4, 8], block, naming: "torchvision" })),
  fastResnet({ celuAlpha: 0.3 }),
  defineModel(own(small.output, { name: "own" }), { name: "with a layer of one's own" }),
];
for (const model of models) {
  const arrays = initArrays(model, 1);
  const bytes = encodeSafetensors(toPyTorch(model, arrays));
  const exported = model.nodes.some(({ op }) => op === "custom")
    ? []
    : [encodeOnnx(model, arrays), ...Object.values(encodeLayersModel(model, arrays))];
  const lengths = [bytes, ...exported].map(({ length }) => length);
  const parts = [summary(model).length, parameterCount(model), forwardMultiplyAdds(model), ...lengths];
  if (parts.some((part) => !(part > 0))) throw new Error(`${model.name}: ${parts}`);
}
console.log(`${models.length} networks`);
