import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  install,
  installFrom,
  type InstallSource,
  removeInstalled,
} from "../../../runtime/install/install.ts";
import { locate } from "../../../runtime/install/locate.ts";
import { findPip } from "../../../runtime/install/pip.ts";
import { type Distribution, installName } from "../../../runtime/install/platform.ts";
import { readStamp } from "../../../runtime/install/stamp.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { codeArgs } from "../../child.ts";
import { withoutLocks } from "../../without_locks.ts";
import {
  canInstall,
  inTemporary,
  listing,
  makePackages,
  makeProgram,
  names,
  recorder,
} from "../made_packages.ts";

const NAME = installName(Deno.build.os, Deno.build.arch);
const WHEEL = "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl";
const realPip = canInstall ? await findPip().catch(() => undefined) : undefined;

function distribution(sha256: string): Distribution {
  return {
    gpu: false,
    requirements: [{ name: "tensorflow-cpu", version: "2.21.0", sha256 }],
    pipPlatforms: ["manylinux_2_27_x86_64"],
    downloadBytes: 1e6,
    unpackedBytes: 2e6,
    keptBytes: 1e6,
  };
}

/** An install from a wheel of a few bytes by the real pip, which is kept from asking its index. */
async function realSource(folder: string): Promise<InstallSource & { sha256: string }> {
  await makePackages(join(folder, "packages"));
  await Deno.mkdir(join(folder, "wheels"));
  const wheel = join(folder, "wheels", WHEEL);
  const { success } = await new Deno.Command("python3", {
    args: ["-m", "zipfile", "-c", wheel, "tensorflow", "tensorflow_cpu-2.21.0.dist-info"],
    cwd: join(folder, "packages"),
  }).output();
  assert(success, "made a wheel");
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(wheel))).toHex();
  const pip = await makeProgram(
    folder,
    "pip",
    `PIP_NO_INDEX=1 PIP_FIND_LINKS='${join(folder, "wheels")}' exec ${realPip?.join(" ")} "$@"`,
  );
  return { cache: join(folder, "cache"), distribution: distribution(sha256), pips: [[pip]], sha256 };
}

/** An install by a pip that is a shell script. */
async function scriptSource(folder: string, script: string): Promise<InstallSource> {
  const pip = await makeProgram(folder, "pip", `[ "$1" = --version ] && exit 0\n${script}`);
  return { cache: join(folder, "cache"), distribution: distribution("0".repeat(64)), pips: [[pip]] };
}

Deno.test({
  name: "install with the real pip: says what it does, keeps the libraries and licences, stamps",
  ignore: realPip === undefined,
  fn: () =>
    inTemporary(async (folder) => {
      const source = await realSource(folder);
      const progress = recorder();
      const located = await install({ gpu: false, progress }, source);
      const place = join(source.cache, NAME);
      assertEquals(located, { directory: join(place, "tensorflow"), version: "2.21.0", source: "cache" });
      assertEquals(progress.lines, [
        `Installing TensorFlow 2.21.0 from PyPI through pip into ${source.cache}: ` +
        "1.0 MB to download, 2.0 MB unpacked, 1.0 MB kept",
        "Downloading TensorFlow",
      ]);
      assertEquals(listing(source.cache), ["install.lock", NAME]);
      assertEquals(listing(place), ["install.json", "tensorflow", "tensorflow_cpu-2.21.0.dist-info"]);
      assertEquals(listing(located.directory), ["THIRD_PARTY_NOTICES.txt", names.cc, names.framework].sort());
      assertEquals(await Deno.readTextFile(join(located.directory, names.cc)), "the C API");
      const stamp = await readStamp(place);
      assertEquals({ ...stamp, date: "" }, {
        version: "2.21.0",
        gpu: false,
        source: "tensorflow-cpu 2.21.0 of PyPI",
        sha256: source.sha256,
        date: "",
        files: { [`tensorflow/${names.cc}`]: 9, [`tensorflow/${names.framework}`]: 13 },
      });
      assertMatch(stamp?.date ?? "", /^\d{4}-\d\d-\d\dT/);

      const again = recorder();
      assertEquals(await install({ gpu: false, progress: again }, { ...source, pips: [] }), located);
      assertEquals(again.lines, [], "what is there is taken, without pip");
    }),
});

Deno.test({
  name: "install with the real pip refuses a wheel with another hash, and leaves nothing",
  ignore: realPip === undefined,
  fn: () =>
    inTemporary(async (folder) => {
      const { sha256, ...source } = await realSource(folder);
      const wrong = { ...source, distribution: distribution("0".repeat(64)) };
      const error = await assertRejects(
        () => install({ gpu: false, progress: recorder() }, wrong),
        UserError,
      );
      assertMatch(error.message, new RegExp(`has not the pinned SHA-256 \\(Got +${sha256}\\)`));
      assertEquals(listing(source.cache), ["install.lock"]);
    }),
});

Deno.test({
  name: "install twice at once: one downloads, the other waits and takes what it made",
  ignore: realPip === undefined,
  fn: () =>
    inTemporary(async (folder) => {
      const source = await realSource(folder);
      const progresses = [recorder(), recorder()];
      const [a, b] = await Promise.all(
        progresses.map((progress) => install({ gpu: false, progress }, source)),
      );
      assertEquals(a, b);
      const lines = progresses.flatMap(({ lines }) => lines);
      assertEquals(lines.filter((line) => line === "Downloading TensorFlow").length, 1);
      assert(lines.includes(`Waiting for another process that is installing into ${source.cache}`));
    }),
});

Deno.test({
  name: "a pip that fails leaves nothing, and its reason is the error",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const failures = [
        ["[Errno 28] No space left on device", "no space left on the disk"],
        ["[Errno 13] Permission denied: '/x'", "the cache folder cannot be written"],
        ["Failed to establish a new connection", "the network failed"],
        ["No matching distribution found", "pip's package index does not have it"],
        ["a surprise", "pip failed (a surprise)"],
      ];
      for (const [said, explained] of failures) {
        const partial =
          `mkdir -p "$TMPDIR/../packages/tensorflow"; echo half > "$TMPDIR/../packages/tensorflow/${names.cc}"`;
        const source = await scriptSource(folder, `${partial}; echo "ERROR: ${said}" >&2; exit 1`);
        await assertRejects(
          () => install({ gpu: false, progress: recorder() }, source),
          UserError,
          explained,
        );
        assertEquals(listing(source.cache), ["install.lock"]);
      }
    }),
});

Deno.test({
  name: "install says what is missing: pip, space, a folder that can be written",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const progress = recorder();
      const source = await scriptSource(folder, "exit 0");
      await assertRejects(
        () => install({ gpu: false, progress }, { ...source, pips: [[join(folder, "none")]] }),
        UserError,
        `Cannot install TensorFlow: found no pip (${
          join(folder, "none")
        }: no such program); install Python 3`,
      );
      const huge = { ...source.distribution, unpackedBytes: 1e18 };
      await assertRejects(
        () => install({ gpu: false, progress }, { ...source, distribution: huge }),
        UserError,
        "of free space, 1000000000.00 GB are needed meanwhile; free some, or set RESNET_DENO_CACHE",
      );
      assertEquals(progress.lines, [], "nothing was begun");
      const file = join(folder, "a-file");
      await Deno.writeTextFile(file, "");
      const error = await assertRejects(
        () => install({ gpu: false, progress }, { ...source, cache: join(file, "cache") }),
        UserError,
        `Cannot install into ${join(file, "cache")}: `,
      );
      assertMatch(error.message, /; set RESNET_DENO_CACHE to a folder that can be written/);
    }),
});

/** Runs `install` with a pip that is a shell script, in a process of its own. */
async function installElsewhere(folder: string, script: string): Promise<Deno.CommandOutput> {
  const { cache, distribution, pips } = await scriptSource(folder, script);
  return await new Deno.Command(Deno.execPath(), {
    args: codeArgs(
      `import { install } from "./runtime/install/install.ts"; import { silent } from "./runtime/system/progress.ts";
       try { await install({ gpu: false, progress: silent }, ${
        JSON.stringify({ cache, distribution, pips })
      }); }
       catch (error) { console.log(error.message); Deno.exit(error.exitCode); }`,
    ),
  }).output();
}

Deno.test({
  name: "a killed install leaves no good name, and the next one cleans up",
  ignore: realPip === undefined,
  fn: () =>
    inTemporary(async (folder) => {
      const { signal } = await installElsewhere(folder, "kill -9 $PPID");
      assertEquals(signal, "SIGKILL");
      const cache = join(folder, "cache");
      const left = listing(cache);
      assertEquals(left.map((name) => name.slice(0, 9)), [".staging-", "install.l"]);
      const options = { gpu: false, progress: recorder() };
      const { os, arch } = Deno.build;
      assertEquals(await locate(options, { cache, env: () => undefined, pythons: [], os, arch }), undefined);
      await install(options, await realSource(folder));
      assertEquals(listing(cache), ["install.lock", NAME]);
    }),
});

Deno.test({
  name: "SIGTERM stops pip and cleans up, though what was started is a wrapper",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      // What the wrapper started outlives it and holds its standard error, until somebody writes into the pipe.
      const pipe = join(folder, "pipe");
      const { code, stdout } = await installElsewhere(
        folder,
        `mkfifo '${pipe}'; kill -TERM $PPID; cat '${pipe}'; exit 1`,
      );
      (await Deno.open(pipe, { read: true, write: true })).close();
      assertEquals(code, 1);
      assertEquals(
        new TextDecoder().decode(stdout),
        'Stopped installing TensorFlow: interrupted; run "deno task setup" again\n',
      );
      assertEquals(listing(join(folder, "cache")), ["install.lock"]);
    }),
});

Deno.test({
  name:
    "installFrom takes a folder of release 2.21, with NVIDIA's libraries beside it, and replaces what is there",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const cache = join(folder, "cache");
      const progress = recorder();
      const plain = await makePackages(join(folder, "plain"));
      const cuda = await makePackages(join(folder, "cuda"), {
        distribution: "tensorflow",
        version: "2.21.1",
        cuda: true,
      });
      const first = await installFrom(join(plain, "tensorflow"), { progress }, cache);
      assertEquals(first.version, "2.21.0");
      assertEquals((await readStamp(join(cache, NAME)))?.gpu, false);
      const second = await installFrom(cuda, { progress }, cache);
      assertEquals(second, {
        directory: join(cache, NAME, "tensorflow"),
        version: "2.21.1",
        source: "cache",
      });
      assertEquals((await readStamp(join(cache, NAME)))?.gpu, true);
      assertEquals(listing(join(cache, NAME)), [
        "install.json",
        "nvidia",
        "tensorflow",
        "tensorflow-2.21.1.dist-info",
      ]);
      assertEquals(await Deno.readTextFile(join(cache, NAME, "nvidia/cudnn/lib/libcudnn.so.9")), "cudnn");
      assertEquals(listing(cache), ["install.lock", NAME]);
      assertEquals(progress.lines.length, 2);

      const old = await makePackages(join(folder, "old"), { version: "2.16.2" });
      await assertRejects(
        () => installFrom(old, { progress }, cache),
        UserError,
        `Cannot install from ${old}: found 2.16.2, expected TensorFlow 2.21;`,
      );
      await assertRejects(
        () => installFrom(folder, { progress }, cache),
        UserError,
        `Cannot install from ${folder}: found no ${names.cc} there or in its folder tensorflow`,
      );
      await Deno.remove(join(plain, "tensorflow_cpu-2.21.0.dist-info"), { recursive: true });
      await assertRejects(
        () => installFrom(plain, { progress }, cache),
        UserError,
        "found no tensorflow-*.dist-info beside it that tells its version",
      );
      assertEquals((await readStamp(join(cache, NAME)))?.version, "2.21.1", "what was there is still there");
    }),
});

Deno.test({
  name: "an install where the file system has no locks: says so, and leaves alone what may be another's",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const cache = join(folder, "cache");
      const progress = recorder();
      const plain = await makePackages(join(folder, "plain"));
      await Deno.mkdir(join(cache, ".staging-another"), { recursive: true });
      await withoutLocks(() => installFrom(plain, { progress }, cache));
      assertEquals(listing(cache), [".staging-another", "install.lock", NAME].sort());
      assertEquals(progress.lines, [
        `The file system of ${cache} has no locks: start no second process that installs there before this one ends`,
        `Installing TensorFlow 2.21.0 from ${join(plain, "tensorflow")} into ${cache}`,
      ]);
    }),
});

Deno.test({
  name: "removeInstalled removes installs and leaves other files alone",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const cache = join(folder, "cache");
      const progress = recorder();
      await removeInstalled(progress, cache);
      assert(!listing(folder).includes("cache"), "nothing is made where there is nothing");
      await installFrom(await makePackages(join(folder, "plain")), { progress }, cache);
      await Deno.mkdir(join(cache, ".staging-killed", "pip"), { recursive: true });
      await Deno.mkdir(join(cache, "tensorflow-models"));
      await removeInstalled(progress, cache);
      assertEquals(listing(cache), ["install.lock", "tensorflow-models"]);
      assertEquals(progress.lines.at(-1), `Removed ${join(cache, NAME)}`);
    }),
});
