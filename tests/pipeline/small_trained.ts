/** A network for tests that has weights, and pictures that go with it. */
import { join } from "@std/path";
import { init, type Model, resnet } from "../../layers/mod.ts";
import type { TrainedModel } from "../../pipeline/inference/predict.ts";
import { saveModel } from "../../pipeline/runs/model_file.ts";

/** Takes images of 8 x 8. */
export const smallNetwork = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 3 });

/** The network with weights as drawn; they are the caller's to dispose. */
export function smallTrained(model: Model = smallNetwork): TrainedModel {
  return {
    model,
    variables: init(model, 5),
    imageShape: [8, 8, 3],
    transforms: [{ kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] }],
    classes: ["ant", "bee", 'c,"o\nw'],
  };
}

/** The network and the file that it was written to; its weights are the caller's to dispose. */
export async function savedTrained(dir: string): Promise<{ model: string; trained: TrainedModel }> {
  const trained = smallTrained();
  const model = join(dir, "model.safetensors");
  await saveModel(model, trained.model, trained.variables, trained);
  return { model, trained };
}
