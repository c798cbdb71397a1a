/** Writes that fail: of a run's files at every one in turn, of its folder, of what it prints. Nothing but a line is lost. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { RUN_FILES } from "../../pipeline/runs/folder.ts";
import type { SessionEvent, SessionOptions } from "../../pipeline/runs/events.ts";
import { runSession } from "../../pipeline/runs/session.ts";
import type { Recipe } from "../../pipeline/training/recipe.ts";
import { recipes } from "../../pipeline/training/recipes.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { madeData } from "../made_data.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { leakTest } from "../runtime/harness.ts";

const PROGRAM = fromFileUrl(new URL("../scripts/made_train.ts", import.meta.url));

/** One step an epoch, of 27 images; 3 to validate. */
const data = madeData({ images: 30, testImages: 10, classes: 10, size: 32 });
const recipe: Recipe = {
  ...recipes.fast,
  network: { kind: "fast", cfg: { widths: [4] } },
  training: { ...recipes.fast.training, epochs: 2, batchSize: 27, whiten: false },
};

/** What becomes of a session. */
async function session(dir: string, options: SessionOptions = {}) {
  const told: SessionEvent[] = [];
  const settings = options.resume ? {} : { recipe, precision: "float32" } as const;
  const ended = await runSession(data, settings, {
    dir,
    ...options,
    onEvent(event) {
      told.push(event);
      options.onEvent?.(event);
    },
  }).then(() => undefined, (error: Error) => error);
  const problems = told.flatMap((event) => event.kind === "unsaved" ? [event.problem] : []);
  return { kinds: told.map(({ kind }) => kind).join(" "), problems, ended };
}

/** A run that nothing disturbs: its weights. */
async function undisturbed(root: string): Promise<Uint8Array> {
  const dir = join(root, "whole");
  assertEquals((await session(dir)).ended, undefined);
  return await weights(dir);
}

const weights = (dir: string): Promise<Uint8Array> => Deno.readFile(join(dir, RUN_FILES.weights));
const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
const FILES = Object.values(RUN_FILES).sort();

/** What a write of a file does, in this order. */
const PARTS = ["open", "write", "sync", "rename"] as const;

/** Runs `work` on a disk that refuses what `fails` says, given how many times each part was asked for before. */
async function onDisk<T>(
  fails: (part: typeof PARTS[number], before: number) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  const { open, rename } = Deno;
  const { write, sync } = Deno.FsFile.prototype;
  const asked = new Map<string, number>();
  const locks = new Set<Deno.FsFile>(); // who owns the folder is nothing of the run's
  const ask = (part: typeof PARTS[number]): void => {
    const before = asked.get(part) ?? 0;
    asked.set(part, before + 1);
    if (fails(part, before)) throw new Error("No space left on device (os error 28)");
  };
  Deno.open = async (...args) => {
    const isLock = String(args[0]).endsWith(".lock");
    if (!isLock) ask("open");
    const file = await open(...args);
    if (isLock) locks.add(file);
    return file;
  };
  Deno.FsFile.prototype.write = async function (bytes) {
    if (!locks.has(this)) ask("write");
    // Of what is refused, a part is on the disk.
    return await write.call(this, bytes);
  };
  Deno.FsFile.prototype.sync = async function () {
    ask("sync");
    await sync.call(this);
  };
  Deno.rename = async (...args) => {
    ask("rename");
    await rename(...args);
  };
  try {
    return await work();
  } finally {
    Object.assign(Deno, { open, rename });
    Object.assign(Deno.FsFile.prototype, { write, sync });
  }
}

/** The writes of a run, in their order: `run.json`, twice metrics, checkpoint and weights, `run.json` with the results. */
const WRITES = 8;

leakTest(
  "a disk that fails at every write in turn: the run ends in the same weights, or says what to do",
  () =>
    inFolder(async (root) => {
      const expected = await undisturbed(root);
      for (let number = 0; number < WRITES; number++) {
        for (const failing of PARTS) {
          const dir = join(root, `${failing}-${number}`);
          const { kinds, problems, ended } = await onDisk(
            (part, before) => part === failing && before === number,
            () => session(dir),
          );
          const full = "no space left on device";
          if (number === 0) {
            assertEquals(
              ended?.message,
              `Cannot write the run ${dir}: ${full}; choose another folder with --run`,
            );
            assertEquals(names(dir), []);
            continue;
          }
          assertEquals(await weights(dir), expected, dir);
          assertEquals(names(dir), FILES);
          if (number === WRITES - 1) {
            assertEquals(
              ended?.message,
              `Cannot write the test results to ${
                join(dir, RUN_FILES.info)
              }: ${full}; the weights of epoch 2 are in ` +
                `${dir}, "deno task test-accuracy --run ${dir}" measures again`,
            );
            assertEquals(kinds, "start epoch epoch trained tested");
            continue;
          }
          const epoch = number <= 3 ? 1 : 2;
          const resume = `"deno task train --resume ${dir}"`;
          assertEquals([problems, ended], [[
            `Cannot save epoch ${epoch} in ${dir}: ${full}; ` +
            (number === 3 || number === 6
              ? `its checkpoint stands there, and ${resume} goes on from it`
              : epoch === 1
              ? `nothing to go on from stands there yet, ${resume} begins again`
              : `epoch 1 stands there whole, and ${resume} goes on from it`) +
            "; training goes on, and saves again after the next epoch and at its end",
          ], undefined]);
          assertEquals(
            kinds,
            epoch === 1
              ? "start unsaved epoch epoch trained tested"
              : "start epoch unsaved epoch trained tested",
          );
        }
      }
    }),
);

leakTest(
  "a disk that stays full: trained and tested to the end, then told; with room, gone on with",
  () =>
    inFolder(async (root) => {
      const expected = await undisturbed(root);
      for (const [writes, stands] of [[1, undefined], [2, undefined], [4, 1], [6, 2]] as const) {
        const dir = join(root, `${writes}`);
        const { kinds, problems, ended } = await onDisk((_, before) => before >= writes, () => session(dir));
        assert(ended instanceof UserError);
        const resume = `"deno task train --resume ${dir}"`;
        assertEquals(
          ended.message,
          `Cannot save epoch 2 in ${dir}: no space left on device; ` +
            (stands === undefined
              ? `nothing to go on from stands there yet, ${resume} begins again`
              : `${
                stands === 1 ? "epoch 1 stands there whole" : "its checkpoint stands there"
              }, and ${resume} goes on from it`),
        );
        assertEquals(problems.length, stands === undefined ? 2 : 1);
        assertEquals(kinds.replaceAll("unsaved ", ""), "start epoch epoch trained tested");
        assertEquals(names(dir).filter((name) => name.endsWith(".partial")), []);
        assertEquals((await session(dir, { resume: true })).ended, undefined);
        assertEquals(await weights(dir), expected, dir);
      }
    }),
);

leakTest(
  "told to stop while nothing can be written: what it says, and where it goes on from",
  () =>
    inFolder(async (root) => {
      const expected = await undisturbed(root);
      const dir = join(root, "run");
      const stop = new AbortController();
      const onEvent = ({ kind }: SessionEvent) => kind === "unsaved" && stop.abort();
      const error = await assertRejects(
        () =>
          onDisk(
            (_, before) => before >= 1,
            () => runSession(data, { recipe, precision: "float32" }, { dir, signal: stop.signal, onEvent }),
          ),
        UserError,
      );
      assertMatch(
        error.message,
        /^Cannot save epoch 1 in .*: no space left on device; nothing to go on from stands there yet, /,
      );
      assertEquals(names(dir), [RUN_FILES.info]);
      await session(dir, { resume: true });
      assertEquals(await weights(dir), expected);
    }),
);

leakTest(
  "a folder in whose place a file stands for an epoch: saved when it is back",
  () =>
    inFolder(async (root) => {
      const expected = await undisturbed(root);
      const [dir, away] = [join(root, "run"), join(root, "away")];
      const { problems, ended } = await session(dir, {
        onEvent(event) {
          if (event.kind === "start") {
            Deno.renameSync(dir, away);
            Deno.writeTextFileSync(dir, "");
          } else if (event.kind === "unsaved") {
            Deno.removeSync(dir);
            Deno.renameSync(away, dir);
          }
        },
      });
      assertEquals([problems.length, ended], [1, undefined]);
      assertMatch(
        problems[0],
        /^Cannot save epoch 1 in .*: (file exists|not a directory); nothing to go on from stands there yet, /,
      );
      assertEquals([await weights(dir), names(dir)], [expected, FILES]);
    }),
);

Deno.test({
  name: "what is printed is lost where it cannot be written, and ends nothing",
  ignore: !canLoadTensorFlow || Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (root) => {
      const train = async (name: string, redirected: string, ...more: string[]) => {
        const dir = join(root, name);
        const flags = ["--run", dir, "--epochs", "2", "--limit", "60", "--batch", "27", ...more];
        const { code, stderr } = await new Deno.Command("sh", {
          args: ["-c", `exec "$@" ${redirected}`, "sh", Deno.execPath(), ...runArgs(PROGRAM, ...flags)],
          env: { RESNET_DEBUG: "" },
          stdin: "null",
        }).output();
        return { dir, code, stderr: new TextDecoder().decode(stderr) };
      };
      const plain = await train("plain", "");
      const full = await train("full", "> /dev/full 2> /dev/full");
      assertEquals([plain.code, full.code], [0, 0], plain.stderr);
      assertEquals(names(full.dir), FILES);
      assertEquals(await weights(full.dir), await weights(plain.dir));
      // The exit code outlives the line that explains it.
      assertEquals((await train("full", "2> /dev/full")).code, 2);
    }),
});
