/** Which runs are taken together, and what their figures come to. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { groupRuns, readComparedRun } from "../../../pipeline/runs/groups.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { granted } from "../../needs.ts";
import { comparedRun, tested } from "../compared_runs.ts";

const { fast, resnet20 } = recipes;

const warmer = {
  ...fast,
  training: { ...fast.training, schedule: { ...fast.training.schedule, rate: 0.5 } },
};

Deno.test("groupRuns: by all but the seed and the machine; labels say what is different", () => {
  const groups = groupRuns([
    comparedRun("a", { seed: 1, test: tested(0.5) }, [0.25, 0.5]),
    comparedRun("b", { recipe: resnet20 }, []),
    comparedRun("c", { seed: 2, device: "gpu", data: "d", threads: 1, test: tested(0.75) }, [0.25, 0.75]),
    comparedRun("d", { recipe: warmer }, [null]),
    comparedRun("e", { limit: 100 }, [0.5]),
    comparedRun("f", { limit: 100, init: "w" }, [0.5]),
    comparedRun("g", { recipe: { ...fast, about: "in other words" }, seed: 3 }, []),
  ]);
  assertEquals(groups.map(({ label, runs }) => [label, runs.map(({ name }) => name)]), [
    ["fast", ["a", "c", "g"]],
    ["resnet20", ["b"]],
    ["fast, training.schedule.rate 0.5", ["d"]],
    ["fast, limit 100", ["e"]],
    ["fast, limit 100 (f)", ["f"]],
  ]);
  const [{ mean, deviation }] = groups;
  // Two have figures: 0.5 and 0.75 are each 0.125 from their mean, and 2 * 0.125 ^ 2 is divided by 1.
  assertEquals(mean, { loss: 0.5, validation: 0.625, test: 0.625, testTta: undefined, seconds: 20 });
  assertAlmostEquals(deviation.test!, Math.sqrt(2) * 0.125, 1e-12);
  assertEquals([deviation.loss, deviation.testTta, groups[2].deviation.loss], [0, undefined, undefined]);
});

Deno.test("groupRuns: the best epoch where it is kept; other pictures are another group", () => {
  const recipe = recipes.photos;
  const groups = groupRuns([
    comparedRun("a", { recipe, digest: "x", data: "d/x" }, [0.25, 0.75, 0.625]),
    comparedRun("b", { recipe, digest: "y", data: "d/y" }, [0.25]),
    comparedRun("c", { recipe, digest: "x", data: "moved", seed: 1 }, [0.25, null]),
  ]);
  assertEquals(groups.map(({ label, mean }) => [label, mean.validation]), [
    ["photos", (0.75 + 0.25) / 2],
    ["photos, data d/y", 0.25],
  ]);
});

Deno.test({
  name: "groupRuns: the figures that docs/results/README.md has of five seeds",
  ignore: !granted("read"),
  async fn() {
    const runs = (folder: string, seeds: readonly number[]) =>
      Promise.all(
        seeds.map((seed) =>
          readComparedRun(
            fromFileUrl(new URL(`../../../docs/results/${folder}/seed${seed}`, import.meta.url)),
          )
        ),
      );
    const [{ label, mean, deviation }, ...others] = groupRuns(await runs("accurate", [0, 1, 2, 3, 4]));
    const percent = (share = NaN) => (100 * share).toFixed(2);
    assertEquals([label, others], ["accurate", []]);
    assertEquals([percent(mean.testTta), percent(deviation.testTta)], ["94.11", "0.15"]);
    assertEquals([percent(mean.test), percent(deviation.test)], ["93.45", "0.18"]);
    // Of pictures the best epoch's, which was not the last.
    const [photos] = groupRuns(await runs("photos/same-students", [0, 1, 2]));
    const { validation } = photos.mean;
    assertEquals([percent(validation), percent(photos.deviation.validation)], ["98.06", "0.24"]);
  },
});
