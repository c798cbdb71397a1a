/** Which runs are taken together, what their figures come to, and what their picture shows. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  type ComparedRun,
  comparisonSpec,
  drawComparison,
  groupRuns,
} from "../../../pipeline/reports/comparison.ts";
import { type EpochMetrics, readMetrics, readRunInfo, type RunInfo } from "../../../pipeline/runs/folder.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { granted } from "../../needs.ts";

const { fast, resnet20 } = recipes;

function run(name: string, changed: Partial<RunInfo>, validations: readonly (number | null)[]): ComparedRun {
  const info: RunInfo = {
    ...{ recipe: fast, seed: 0, precision: "float32", versions: {}, started: "2026-11-25T09:30:07.899Z" },
    cpu: { model: "a processor", instructions: "AVX-512", cores: 2 },
    ...changed,
  };
  const metrics = validations.map((validationAccuracy, i): EpochMetrics => ({
    ...{ epoch: i + 1, step: i + 1, seconds: 10 * (i + 1), imagesPerSecond: 1, learningRate: 1 },
    ...{ loss: 1 / (i + 1), lastLoss: 1, validationAccuracy },
  }));
  return { name, info, metrics };
}

const tested = (accuracy: number) => ({ accuracy, correct: 0, images: 1, loss: 0 });
const warmer = {
  ...fast,
  training: { ...fast.training, schedule: { ...fast.training.schedule, rate: 0.5 } },
};

Deno.test("groupRuns: by all but the seed and the machine; labels say what is different", () => {
  const groups = groupRuns([
    run("a", { seed: 1, test: tested(0.5) }, [0.25, 0.5]),
    run("b", { recipe: resnet20 }, []),
    run("c", { seed: 2, device: "gpu", data: "d", threads: 1, test: tested(0.75) }, [0.25, 0.75]),
    run("d", { recipe: warmer }, [null]),
    run("e", { limit: 100 }, [0.5]),
    run("f", { limit: 100, init: "w" }, [0.5]),
    run("g", { recipe: { ...fast, about: "in other words" }, seed: 3 }, []),
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
    run("a", { recipe, digest: "x", data: "d/x" }, [0.25, 0.75, 0.625]),
    run("b", { recipe, digest: "y", data: "d/y" }, [0.25]),
    run("c", { recipe, digest: "x", data: "moved", seed: 1 }, [0.25, null]),
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
      Promise.all(seeds.map(async (seed): Promise<ComparedRun> => {
        const dir = fromFileUrl(new URL(`../../../docs/results/${folder}/seed${seed}`, import.meta.url));
        return { name: dir, info: await readRunInfo(dir), metrics: await readMetrics(dir) };
      }));
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

/** Every list of values in a spec, outermost first. */
function values(spec: unknown): unknown[] {
  if (typeof spec !== "object" || spec === null) return [];
  return Object.entries(spec).flatMap(([key, value]) => key === "values" ? [value] : values(value));
}

Deno.test("comparisonSpec: every epoch of every run, the mean of the tests; what was not measured is not there", async () => {
  const groups = groupRuns([
    run("a", { seed: 1, test: tested(0.5) }, [0.25, 0.5]),
    run("b", { seed: 2, test: tested(0.75) }, [null]),
    run("c", { recipe: resnet20 }, [null]),
  ]);
  const lines = [
    { of: "fast", run: "a", epoch: 1, loss: 1, validation: 0.25 },
    { of: "fast", run: "a", epoch: 2, loss: 0.5, validation: 0.5 },
    { of: "fast", run: "b", epoch: 1, loss: 1 },
    { of: "resnet20", run: "c", epoch: 1, loss: 1 },
  ];
  const validated = lines.slice(0, 2);
  assertEquals(values(comparisonSpec(groups)), [
    ...[lines, lines, validated, validated],
    [{ of: "fast", test: 0.625 }],
  ]);
  const svg = await drawComparison(groups);
  for (const text of ["fast", "resnet20", "training loss (nats)", "accuracy"]) {
    assert(svg.includes(`>${text}</text>`), text);
  }
});
