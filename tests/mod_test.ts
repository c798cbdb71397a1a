/** The project as a library: what `mod.ts` gives is enough to train a network on arrays in memory. */
import { assert, assertEquals } from "@std/assert";
import * as library from "../mod.ts";
import { madeData } from "./made_data.ts";
import { canLoadTensorFlow } from "./needs.ts";

Deno.test("mod.ts exports the names that scripts may rely on", () => {
  const names =
    "pipe loadCifar resize normalize split augment residualBlock resnet init apply summary train evaluate " +
    "saveCheckpoint loadCheckpoint recipes jit tf";
  assertEquals(names.split(" ").filter((name) => !(name in library)), []);
});

Deno.test({
  name: "a network of one's own is trained on arrays in memory, with no file",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const { images, labels, imageShape, classes } = madeData({ images: 480, size: 8 }).train;
    const { createDataset, evaluate, normalize, pipe, recipes, resnet, split, tf, train } = library;

    await tf.ready();
    const data = pipe(
      { train: createDataset({ images, labels, imageShape, classes }) },
      normalize({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }),
      split(0.25, { seed: 42 }),
    );
    const model = resnet([1, 1], {
      stem: "cifar",
      inputSize: 8,
      widths: [8, 16],
      numClasses: classes.length,
    });
    const recipe = { ...recipes.resnet20, epochs: 8, batchSize: 32 };
    const { variables, velocities } = await train(model, data, recipe);
    const { accuracy } = evaluate(model, variables, data.validation!);
    tf.dispose([variables.params, variables.batchStats, velocities]);

    assert(accuracy >= 0.8, `accuracy is ${accuracy}`);
  },
});
