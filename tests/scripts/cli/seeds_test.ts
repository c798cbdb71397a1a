/** Which seeds a text names, where their runs are kept, and in which order they are trained. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import type { SessionEnd } from "../../../pipeline/runs/events.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { seedFolders, seedsIn, trainSeeds } from "../../../scripts/cli/seeds.ts";
import { folderTest } from "../../in_folder.ts";
import { Recorder } from "../../pipeline/recorder.ts";

Deno.test("seedsIn: ranges with both ends, single ones, both", () => {
  assertEquals(seedsIn("0..4"), [0, 1, 2, 3, 4]);
  assertEquals(seedsIn("0,3,7"), [0, 3, 7]);
  assertEquals(seedsIn("7, 1..2 ,2147483647"), [7, 1, 2, 2147483647]);
  assertEquals([seedsIn("3..3"), seedsIn("5")], [[3], [5]]);
  assertEquals(seedsIn("1..1000").length, 1000);
});

Deno.test("seedsIn: anything else is refused, with the part that is wrong", () => {
  const cases: [text: string, problem: string][] = [
    ["a", '"a" is no whole number and no range of them'],
    ["0..", '"0.." is no whole number and no range of them'],
    ["0...2", '"0...2" is no whole number and no range of them'],
    ["1,,2", '"" is no whole number and no range of them'],
    ["1,-2", '"-2" is no whole number and no range of them'],
    ["0,1.5", '"1.5" is no whole number and no range of them'],
    ["4..0", "4..0 goes down"],
    ["0..2,1", "1 is in it twice"],
    ["2147483648", "seeds are below 2147483648"],
    ["0..1000", "that is more than 1000"],
    ["0..999,1000", "that is more than 1000"],
  ];
  for (const [text, problem] of cases) {
    const { message } = assertThrows(() => seedsIn(text), UsageError);
    assertEquals(message, `Cannot use --seeds "${text}": ${problem}; give seeds such as 0..4 or 0,3,7`);
  }
});

folderTest(
  "seedFolders: in runs/ by recipe, time and seed, or a number behind the folder; one that holds a run is told at once",
  async (root) => {
    const given = { run: undefined, force: false };
    const dirOf = await seedFolders([0, 12], given, recipes.fast);
    const name = /^runs[/\\]fast-\d{8}-\d{6}-s(\d+)$/;
    assertEquals([dirOf(0), dirOf(12)].map((dir) => dir.match(name)?.[1]), ["0", "12"]);
    assertEquals(dirOf(0).slice(0, -1), dirOf(1).slice(0, -1), "of one time");

    const run = join(root, "a");
    assertEquals((await seedFolders([3], { ...given, run: `${run}/` }, recipes.fast))(3), `${run}-3`);
    await Deno.mkdir(`${run}-3`);
    await Deno.writeTextFile(join(`${run}-3`, "run.json"), "{}");
    await assertRejects(
      () => seedFolders([1, 3], { run, force: false }, recipes.fast),
      UsageError,
      `Cannot start a run in ${run}-3: it holds one; `,
    );
    assertEquals((await seedFolders([1, 3], { run, force: true }, recipes.fast))(3), `${run}-3`);
  },
);

/** Trains the seeds 5, 6, 7 as `train` says; `stop` stops them. */
function trained(train: (seed: number, stop: () => void) => Partial<SessionEnd>) {
  const [progress, stop] = [new Recorder(), new AbortController()];
  const begun: [number, string][] = [];
  const ended = trainSeeds({
    ...{ seeds: [5, 6, 7], progress, signal: stop.signal },
    dirOf: (seed) => `dir-${seed}`,
    commandFor: (seeds) => `train ${seeds}`,
    train(seed, dir) {
      begun.push([seed, dir]);
      const stopAll = () => stop.abort();
      return new Promise((done) => done({ dir, step: 4, totalSteps: 4, ...train(seed, stopAll) }));
    },
  });
  return { begun, progress, ended };
}

Deno.test("trainSeeds: told to stop, the one under way stops, none is begun, and both are said", async () => {
  const inside = trained((seed, stop) => seed === 6 ? (stop(), { step: 2 }) : {});
  assertEquals(await inside.ended, {
    ...{ dir: "dir-6", step: 2, totalSteps: 4 },
    left: ["Done: seeds 5", "Not begun: seeds 7; train them with: train 7"],
  });
  assertEquals(inside.begun, [[5, "dir-5"], [6, "dir-6"]]);
  assertEquals(inside.progress.messages, ["Seed 5, 1 of 3", "Seed 6, 2 of 3"]);

  const atEnd = trained((_, stop) => (stop(), {}));
  assertEquals((await atEnd.ended).left, [
    "Done: seeds 5",
    "Not begun: seeds 6,7; train them with: train 6,7",
  ]);

  const first = trained((_, stop) => (stop(), { step: 0 }));
  assertEquals((await first.ended).left, ["Not begun: seeds 6,7; train them with: train 6,7"]);

  const last = trained((seed, stop) => seed === 7 ? (stop(), { step: 3 }) : {});
  assertEquals((await last.ended).left, ["Done: seeds 5,6"]);
});

Deno.test("trainSeeds: an error of one ends them all, and what is done and left is noted", async () => {
  const notes: string[] = [];
  const { error } = console;
  console.error = (line: string) => void notes.push(line);
  try {
    const { ended, begun } = trained((seed) => {
      if (seed === 6) throw new UserError("the loss is NaN");
      return {};
    });
    await assertRejects(() => ended, UserError, "the loss is NaN");
    assertEquals(begun.map(([seed]) => seed), [5, 6]);
  } finally {
    console.error = error;
  }
  assertEquals(notes, ["Done: seeds 5", "Not begun: seeds 7; train them with: train 7"]);
});
