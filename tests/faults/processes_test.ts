/** Several processes at once: each has a folder of its own, and a folder one process. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { folderTest, inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { type Ended, FILES, names, outcome, Training } from "../scripts/training.ts";
import { makeRunFolder } from "../../pipeline/runs/folder.ts";
import { shortRun } from "./short_run.ts";

function test(name: string, fn: (root: string) => Promise<void>): void {
  Deno.test({ name, ignore: !canLoadTensorFlow, fn: () => inFolder(fn) });
}

/** The line of a process that was kept out, of the process that has the folder. */
function refusal(dir: string, pid: number): RegExp {
  return new RegExp(
    `^error: Cannot use the run ${dir}: process ${pid} trains there since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z; ` +
      `wait for its end, stop it with "kill ${pid}", or choose another folder$`,
  );
}

folderTest("makeRunFolder: of any number that ask for one name at once, each gets a folder", async (root) => {
  const runs = join(root, "runs");
  const dirs = await Promise.all(
    Array.from({ length: 20 }, () => makeRunFolder(runs, "fast-20261125-093000")),
  );
  const expected = ["", ...Array.from({ length: 19 }, (_, i) => `-${i + 2}`)];
  assertEquals(dirs.sort(), expected.map((end) => join(runs, `fast-20261125-093000${end}`)).sort());
  assertEquals(names(runs).length, 20);
});

for (const count of [2, 5]) {
  test(`${count} processes in the default folder: as many runs, each whole`, async (root) => {
    const flags = await shortRun(root);
    const before = Deno.cwd();
    Deno.chdir(root); // where a process begins to run
    const all = Array.from({ length: count }, (_, seed) => new Training("--seed", `${seed}`, ...flags));
    Deno.chdir(before);
    for (const { code, stderr } of await Promise.all(all.map((one) => one.end()))) {
      assertEquals(code, 0, stderr.join("\n"));
    }
    const dirs = names(join(root, "runs"));
    assertEquals(dirs.length, count);
    const weights = new Set<string>();
    for (const dir of dirs) {
      assertMatch(dir, /^short-\d{8}-\d{6}(-\d)?$/);
      assertEquals(names(join(root, "runs", dir)), FILES);
      const result = await outcome(join(root, "runs", dir));
      assertEquals([result.notes.step, result.metrics.length], ["24", 12]);
      weights.add(result.weights.join());
    }
    assertEquals(weights.size, count, "each seed has its run");
  });

  test(`${count} processes that name one folder, new or to be gone on with: one has it`, async (root) => {
    const flags = await shortRun(root);
    const [whole, dir] = [join(root, "whole"), join(root, "run")];
    const oneOf = async (...args: string[]): Promise<Ended> => {
      const all = Array.from({ length: count }, () => new Training(...args));
      const ended = await Promise.all(all.map((one) => one.end()));
      const good = ended.flatMap(({ code }, i) => code === 0 ? [i] : []);
      // Whoever comes when the first is through goes on with a run that has ended, or finds that there is one.
      for (const { code, stdout, stderr } of ended) {
        if (code === 0) continue;
        assertEquals([stdout, stderr.length], [[], 1], stderr.join("\n"));
        const holds = stderr[0].startsWith(`error: Cannot start a run in ${dir}: it holds one; `);
        assert(holds || all.some(({ pid }) => refusal(dir, pid).test(stderr[0])), stderr[0]);
      }
      const alone = !args.includes("--force") && !args.includes("--resume");
      assert(alone ? good.length === 1 : good.length >= 1, `${good.length} have it`);
      return ended[good[0]];
    };
    await new Training("--run", whole, ...flags).end();
    await oneOf("--run", dir, ...flags);
    assertEquals(await outcome(dir), await outcome(whole));
    await oneOf("--run", dir, "--force", ...flags);
    assertEquals(await outcome(dir), await outcome(whole));

    const { code } = await new Training("--run", dir, "--force", ...flags).signal(
      /^Epoch \[2\/12\]/,
      "SIGTERM",
    );
    assertEquals(code, 143);
    await oneOf("--resume", dir);
    assertEquals(await outcome(dir), await outcome(whole));
    assertEquals(names(dir), FILES);
  });
}

test("a folder in use: whoever comes, with --force too, gets one line and changes nothing", async (root) => {
  const flags = await shortRun(root);
  const dir = join(root, "run");
  const owner = new Training("--run", dir, ...flags, "--epochs", "4000");
  assertEquals(await owner.line(/^Epoch \[1\//), false);
  const later = [
    ["--run", dir, ...flags],
    ["--run", dir, "--force", ...flags],
    ["--resume", dir],
  ].map((args) => new Training(...args).end());
  for (const { code, stdout, stderr } of await Promise.all(later)) {
    assertEquals([code, stdout, stderr.length], [1, [], 1], stderr.join("\n"));
    assertMatch(stderr[0], refusal(dir, owner.pid));
  }
  const { code, stdout } = await owner.signal(/^Epoch \[3\//, "SIGTERM");
  assertEquals(code, 143, "it went on undisturbed");
  const [, step] = stdout.at(-1)!.match(/^Stopped at step (\d+) of 8000/) ?? [];
  assertEquals((await outcome(dir)).notes.step, step);
  assertEquals(names(dir), FILES);

  // Killed, it owns nothing.
  await new Training("--resume", dir).signal(/^Training: /, "SIGKILL");
  assertNotEquals(names(dir), FILES);
  const { code: after } = await new Training("--run", dir, "--force", ...flags).end();
  assertEquals([after, names(dir)], [0, FILES]);
});
