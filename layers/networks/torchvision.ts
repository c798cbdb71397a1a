/** torchvision's names for a ResNet. */
import { mapNodes, type Model } from "../model.ts";
import type { Node } from "../nodes/node.ts";

/**
 * A network of `resnet` with the names of torchvision's `ResNet`, so that weights published for it load by name:
 * `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.bn1`, `layer1.0.downsample.0`, `fc`. The tutorial calls the same modules
 * `conv1.0`, `conv1.1`, `layer0.0.conv1.0`, `layer0.0.conv1.1`, `layer0.0.downsample.0`, `fc`.
 */
export function withTorchvisionNames(model: Model): Model {
  return mapNodes(model, (node) => {
    const name = torchvisionName(node);
    return node.op === "relu" && node.cfg.block === "ResidualBlock"
      ? { ...node, name, cfg: { block: "BasicBlock" } }
      : { ...node, name };
  });
}

/** timm's names of what comes behind the last convolution of a deep stem. */
const BEHIND_STEM: Readonly<Record<string, string>> = { "stem.7": "bn1", "stem.8": "relu" };

/**
 * torchvision's name of a layer that has the tutorial's: the layers of its `conv1 = Sequential(conv, batchNorm, relu)` are
 * modules of their own there. A deep stem, which torchvision does not have, is called as in timm.
 */
export function torchvisionName({ op, name }: Node): string {
  if (name.startsWith("stem.")) return BEHIND_STEM[name] ?? name.replace("stem", "conv1");
  const kind = op === "conv" ? "conv" : op === "batchNorm" ? "bn" : "relu";
  return name
    .replace(/^layer(\d+)/, (_, stage) => `layer${Number(stage) + 1}`)
    .replace(/conv(\d)\.\d$/, (_, index) => `${kind}${index}`);
}
