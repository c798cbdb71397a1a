/** `train --lr-find`: looks for a learning rate, and draws what it found. */
import { join } from "@std/path";
import type { Data } from "../../pipeline/data/mod.ts";
import { loadStart, type RunSettings, setUp } from "../../pipeline/runs/mod.ts";
import { proposedRate, RATE_STEPS, type RatePoint, rateRange } from "../../pipeline/training/mod.ts";
import { choosePrecision } from "../../runtime/mod.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { printLine } from "./terminal.ts";

/** The settings that the images are asked for with. */
type Asked = Pick<RunSettings, "recipe" | "seed"> & Partial<RunSettings>;

/**
 * Tests which learning rates the settings stand, draws the losses into `runs/RECIPE-lr-find.svg` and proposes one. Nothing
 * else is written.
 * @param data Gives the images.
 * @param commandFor What a person types to train with a rate.
 * @throws {UsageError} If the settings do not fit the images.
 */
export async function findRate(
  settings: Asked,
  data: (settings: Asked) => Promise<Data>,
  commandFor: (lr: number) => string,
  progress: Progress,
): Promise<void> {
  const { recipe: { name } } = settings;
  const points = await testRates(settings, await data(settings), progress);
  const proposed = proposedRate(points);

  // What draws is large, and loaded only here.
  const { drawRateRange } = await import("../../pipeline/reports/rate_range.ts");
  const svg = await drawRateRange(points, { title: `${name}: loss by learning rate`, proposed });
  const path = join("runs", `${name}-lr-find.svg`);
  await explainFileErrors(`Cannot write ${path}`, "go to a folder that may be written", async () => {
    await Deno.mkdir("runs", { recursive: true });
    await writeFileAtomic(path, svg);
  });
  printLine(`Wrote ${path}: ${points.length} steps`);
  printLine(
    proposed === undefined
      ? "No learning rate is proposed: the loss falls at none of them; try around another --lr"
      : `Learning rate ${proposed}; train with: ${commandFor(proposed)}`,
  );
}

/** The losses by rate, from a thousandth of the recipe's to a hundred times it. */
async function testRates(settings: Asked, loaded: Data, progress: Progress): Promise<RatePoint[]> {
  const { recipe, seed, limit, init } = settings;
  const precision = choosePrecision(settings.precision ?? recipe.training.precision);
  const { model, training, prepared } = setUp({ recipe, limit, precision, skipTest: true }, loaded);
  const start = init === undefined ? undefined : await loadStart(init, model, seed, progress);
  const bar = progress.start("Raising the rate", RATE_STEPS, "steps");
  let done = 0;
  try {
    return await rateRange(model, prepared, training, {
      ...{ seed, variables: start?.variables },
      onStep: ({ rate, smoothed }) =>
        bar.update(++done, `rate ${rate.toPrecision(2)}, loss ${smoothed.toFixed(4)}`),
    });
  } finally {
    bar.stop();
  }
}
