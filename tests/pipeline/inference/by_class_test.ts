/** How many images of each class a network finds. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { predict } from "../../../pipeline/inference/predict.ts";
import { tree } from "../../../runtime/mod.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

leakTest("evaluate by class: by hand from what is predicted; in all what evaluate counts without", () => {
  const { train } = madeData({ images: 40, size: 8 });
  const dataset = { ...train, indices: train.indices.slice(3, 30) };
  const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });
  const variables = init(model, 5);
  const found = predict({ ...dataset, model, variables }, dataset).map(([best]) => best.label);
  const whole = evaluate(model, variables, dataset);
  assertEquals(whole.byClass, undefined);
  for (const onDevice of [false, true]) {
    // 27 images in steps of 16: the last is filled up with what counts for no class.
    const options = { batchSize: 16, byClass: true, onDevice };
    const { byClass: results = [], ...rest } = evaluate(model, variables, dataset, options);
    assertEquals(results.length, 4);
    for (const [label, { name, correct, images }] of results.entries()) {
      const members = Array.from(dataset.indices, (index, i) => [train.labels[index], found[i]])
        .filter(([own]) => own === label);
      assertEquals(name, dataset.classes[label]);
      assertEquals([images, correct], [
        members.length,
        members.filter(([, guess]) => guess === label).length,
      ]);
    }
    assertEquals(results.reduce((sum, { images }) => sum + images, 0), whole.images);
    assertEquals(results.reduce((sum, { correct }) => sum + correct, 0), whole.correct);
    assertAlmostEquals(rest.loss, whole.loss, 1e-6 * whole.loss);
    assertEquals(rest, { ...whole, loss: rest.loss });
  }
  tree.dispose(variables);
});
