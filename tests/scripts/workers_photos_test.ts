/** `deno task train --workers` on a folder of pictures: patience, minutes, the best epoch, accuracy by class. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { readMetrics, readRunInfo } from "../../pipeline/runs/folder.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { writeFiles } from "../pipeline/data/made_pictures.ts";
import { pictures } from "./made_photos.ts";
import { Training } from "./training.ts";

/** At the rate 0 the weights stay as they are: epochs differ by the statistics only. */
const RECIPE = {
  extends: "resnet20",
  network: { depths: [1, 1, 1], cfg: { widths: [4, 4, 4] } },
  training: { epochs: 9, batchSize: 6, schedule: { rate: 0 } },
  testing: { batchSize: 2 },
};

Deno.test({
  name: "train by two workers on pictures: worker 0 says when it ends, and each image counts once",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      writeFiles(dir, {
        ...pictures("photos/train", 6),
        ...pictures("photos/val", 2, 50),
        ...pictures("photos/test", 3, 80),
        "one.json": new TextEncoder().encode(JSON.stringify(RECIPE)),
      });
      const [photos, one] = ["photos", "one.json"].map((name) => join(dir, name));
      const train = (name: string, ...more: string[]) =>
        new Training("--data", photos, "--recipe", one, "--run", join(dir, name), ...more).end();
      const two = ["--workers", "2", "--sync-batch-norm"];

      const patient = await train("patient", ...two, "--patience", "2");
      assertEquals(patient.code, 0, patient.stderr.join("\n"));
      const metrics = await readMetrics(join(dir, "patient"));
      const accuracies = metrics.map(({ validationAccuracy }) => validationAccuracy!);
      const best = accuracies.indexOf(Math.max(...accuracies)) + 1;
      assertEquals(metrics.length, Math.min(9, best + 2));
      assertEquals(metrics.map(({ step }) => step), metrics.map(({ epoch }) => 3 * epoch));
      assertMatch(
        patient.stdout.at(-5)!,
        new RegExp(`^Accuracy of the network on the 9 test images: .* % \\(the best epoch, ${best}\\)$`),
      );
      const info = await readRunInfo(join(dir, "patient"));
      assertEquals(info.byClass?.map(({ images }) => images), [3, 3, 3]);
      assertEquals(info.byClass?.reduce((sum, { correct }) => sum + correct, 0), info.test?.correct);
      // Gone on with, it is at its end already: measured again by one worker, and by two, it is the same.
      for (const more of [[], ["--workers", "2"]]) {
        const again = await new Training("--resume", join(dir, "patient"), ...more).end();
        assertEquals([again.code, again.stdout], [0, patient.stdout.slice(-5)], again.stderr.join("\n"));
        const { byClass, test } = await readRunInfo(join(dir, "patient"));
        assertEquals([byClass, { ...test, loss: 0 }], [info.byClass, { ...info.test, loss: 0 }]);
        assertEquals((await readMetrics(join(dir, "patient"))).length, metrics.length);
      }

      const short = await train("short", ...two, "--minutes", "0.1", "--epochs", "5000", "--cache", "0");
      assertEquals(short.code, 0, short.stderr.join("\n"));
      const { epochs, test, byClass } = await readRunInfo(join(dir, "short"));
      assert(short.stderr.some((line) => line.endsWith(`: ${epochs} of 5000 fit into 0.1 minutes`)));
      const all = await readMetrics(join(dir, "short"));
      assert(all.length <= epochs! && epochs! < 5000, `${all.length} of ${epochs}`);
      assertEquals([test?.images, byClass?.map(({ images }) => images)], [9, [3, 3, 3]]);
    }),
});
