/** Every door through which a name of a file or folder comes in: what cannot be is one line, and costs nothing. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { inFolder } from "../in_folder.ts";
import { granted } from "../needs.ts";
import { runScript } from "../scripts/run_script.ts";

const LONG = "x".repeat(300);

/**
 * What is typed in a folder that has the file `file`, the link `loop` to itself, the empty folder `empty` and nothing
 * else, and the line that comes. `LONG` in it is a name of 300 characters, which no file system takes.
 */
const CASES: readonly (readonly [typed: string, line: string])[] = [
  ["curve --run LONG", "Cannot read LONG/run.json: file name too long; name the folder of a run"],
  [
    "curve --run loop",
    "Cannot read loop/run.json: too many levels of symbolic links; name the folder of a run",
  ],
  ["curve --run file", "Cannot read file/run.json: not a directory; name the folder of a run"],
  ["test-accuracy --run LONG", "Cannot read LONG/run.json: file name too long; name the folder of a run"],
  ["train --resume LONG", "Cannot read LONG/run.json: file name too long; name the folder of a run"],
  [
    "train --run LONG --data empty",
    "Cannot look into LONG: file name too long; choose another folder with --run",
  ],
  [
    "train --run loop --data empty",
    "Cannot look into loop: too many levels of symbolic links; choose another folder",
  ],
  ["train --recipe LONG.json", "Cannot read LONG.json: file name too long; give the name of a recipe"],
  ["train --recipe file/a.json", "Cannot read file/a.json: not a directory; give the name of a recipe"],
  [
    "summary --recipe loop/a.json",
    "Cannot read loop/a.json: too many levels of symbolic links; give the name",
  ],
  ["fetch-data --source LONG", 'Cannot use --source "LONG": file name too long; choose another source'],
  [
    "fetch-data --source file/a",
    'Cannot use --source "file/a": no such file or folder; expected auto, toronto',
  ],
  [
    "fetch-data --source loop",
    'Cannot use --source "loop": too many levels of symbolic links; choose another',
  ],
  [
    "fetch-data --data LONG",
    "Cannot fetch CIFAR-10 into LONG: file name too long; make room, or choose another",
  ],
  ["load --data LONG", "Cannot read LONG/data_batch_1.bin: file name too long; check the folder"],
  ["load --data file", "Cannot read file/data_batch_1.bin: not a directory; check the folder"],
  [
    "train --data emtpy",
    "Cannot use --data emtpy: no such folder; did you mean empty? or fetch the data set into it",
  ],
  [
    "train --data file",
    "Cannot fetch CIFAR-10 into file: not a directory; make room, or choose another folder",
  ],
  ["setup --from LONG", "Cannot install from LONG: found no "],
];

const ignore = !granted("read", "write", "run", "env", "net") || Deno.build.os === "windows";

/** Whether no folder is closed to this user: root's rights. */
function mayLookAnywhere(): boolean {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.chmodSync(dir, 0o000);
    Deno.statSync(join(dir, "file"));
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  } finally {
    Deno.chmodSync(dir, 0o700);
    Deno.removeSync(dir);
  }
  return true;
}

/** Runs a task with its flags in a folder, and checks that what comes is this one line. */
async function assertLine(
  dir: string,
  typed: string,
  line: string,
  env: Record<string, string> = {},
): Promise<void> {
  const [task, ...args] = typed.replace("LONG", LONG).split(" ");
  const { code, stdout, stderr } = await runScript(`${task}.ts`, args, env, dir);
  assertEquals([stdout, stderr.trimEnd().split("\n").length], ["", 1], stderr);
  assertEquals([0, 1, 2].indexOf(code) > 0, true, `${code}`);
  assertEquals(stderr.length < 500, true, stderr);
  const found = stderr.replace(/x{9,}…?x*/, "LONG").replace(/^error: /, "");
  // A long text is cut in its middle, which may take the beginning of what follows the name.
  assertEquals(found.slice(0, line.length), line, typed);
}

Deno.test({
  name: "doors: a name that is too long, a link that leads nowhere, a file for a folder",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(join(dir, "file"), "");
      await Deno.symlink("loop", join(dir, "loop"));
      await Deno.mkdir(join(dir, "empty"));
      for (const [typed, line] of CASES) await assertLine(dir, typed, line);
      assertEquals([...Deno.readDirSync(join(dir, "empty"))], [], "nothing was fetched on the way");
    }),
});

Deno.test({
  name: "doors: the folder of TensorFlow",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(join(dir, "file"), "");
      const setup = (variable: string, value: string, line: string) =>
        assertLine(dir, "setup", line, {
          RESNET_TENSORFLOW_DIR: "",
          [variable]: value.replace("LONG", LONG),
        });
      await setup(
        "RESNET_TENSORFLOW_DIR",
        join(dir, "LONG"),
        `Cannot use RESNET_TENSORFLOW_DIR=${join(dir, "LONG")}: found no `,
      );
      await setup(
        "RESNET_DENO_CACHE",
        join(dir, "LONG"),
        `Cannot look for TensorFlow in ${join(dir, "LONG")}: file name too`,
      );
    }),
});

Deno.test({
  name: "doors: runs is a file",
  ignore,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(join(dir, "runs"), "");
      for (const task of ["curve", "test-accuracy"]) {
        await assertLine(dir, task, "Cannot look into runs: not a directory; name a run with --run DIR");
      }
    }),
});

Deno.test({
  name: "doors: a folder that one may not look into",
  ignore: ignore || mayLookAnywhere(),
  fn: () =>
    inFolder(async (dir) => {
      await Deno.mkdir(join(dir, "runs"), { mode: 0o000 });
      await assertLine(dir, "curve", "Cannot look into runs: permission denied; name a run with --run DIR");
      await assertLine(
        dir,
        "curve --run runs",
        "Cannot read runs/run.json: permission denied; name the folder",
      );
      await assertLine(
        dir,
        "load --data runs",
        "Cannot read runs/data_batch_1.bin: permission denied; check the",
      );
      await assertLine(
        dir,
        "train --run runs",
        "Cannot look into runs: permission denied; choose another folder",
      );
      await Deno.chmod(join(dir, "runs"), 0o700);
    }),
});
