import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { distInfoVersion, locate, type Places } from "../../../runtime/install/locate.ts";
import { installName } from "../../../runtime/install/platform.ts";
import { writeStamp } from "../../../runtime/install/stamp.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { canInstall, inTemporary, makePackages, makeProgram, names, recorder } from "../made_packages.ts";

/** Places in a test's folder: an empty cache, and a Python that looks for packages in the given folders. */
async function places(
  folder: string,
  sites: string[] = [],
  env: Record<string, string> = {},
): Promise<Places> {
  const python = await makeProgram(folder, "python", `echo '${JSON.stringify(["", ...sites])}'`);
  return {
    cache: join(folder, "cache"),
    env: (name) => env[name],
    pythons: [join(folder, "no-such-python"), python],
    os: Deno.build.os,
    arch: Deno.build.arch,
  };
}

/** Puts a finished install into the cache, and returns its folder. */
async function makeInstall(cache: string, gpu: boolean): Promise<string> {
  const folder = await makePackages(join(cache, installName(Deno.build.os, Deno.build.arch)));
  const files = [`tensorflow/${names.cc}`, `tensorflow/${names.framework}`];
  await writeStamp(folder, { version: "2.21.0", gpu, source: "a test", date: "2026-01-01" }, files);
  return folder;
}

/** Writes other things into the stamp of an install. */
async function changeStamp(install: string, changes: object, mark = ""): Promise<void> {
  const path = join(install, "install.json");
  const stamp = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, mark + JSON.stringify({ ...stamp, ...changes }));
}

Deno.test("distInfoVersion knows TensorFlow's own packages only", () => {
  assertEquals(
    [
      "tensorflow-2.21.0.dist-info",
      "tensorflow_cpu-2.20.0rc1.dist-info",
      "tensorflow_estimator-2.15.0.dist-info",
      "tensorflow-2.21.0.data",
      "keras-3.0.0.dist-info",
    ].map(distInfoVersion),
    ["2.21.0", "2.20.0rc1", undefined, undefined, undefined],
  );
});

Deno.test({
  name: "locate takes the explicit folder, then the cache, then Python",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const site = await makePackages(join(folder, "site"), {
        distribution: "tensorflow",
        version: "2.21.3",
      });
      const own = await makePackages(join(folder, "own"));
      const cache = await makeInstall(join(folder, "cache"), false);
      const options = { gpu: false, progress: recorder() };

      for (const explicit of [own, join(own, "tensorflow")]) {
        assertEquals(
          await locate(options, await places(folder, [site], { RESNET_TENSORFLOW_DIR: explicit })),
          { directory: join(own, "tensorflow"), version: "2.21.0", source: "environment" },
        );
      }
      assertEquals(
        await locate(options, await places(folder, [site])),
        { directory: join(cache, "tensorflow"), version: "2.21.0", source: "cache" },
      );
      await Deno.remove(join(folder, "cache"), { recursive: true });
      assertEquals(
        await locate(options, await places(folder, [join(folder, "no-such-site"), site])),
        { directory: join(site, "tensorflow"), version: "2.21.3", source: "python" },
      );
      assertEquals(await locate(options, await places(folder)), undefined);
      assertEquals(options.progress.lines, []);
    }),
});

Deno.test({
  name: "locate names another version of Python's TensorFlow and goes on",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const old = await makePackages(join(folder, "old"), { distribution: "tensorflow", version: "2.15.1" });
      const site = await makePackages(join(folder, "site"));
      const progress = recorder();
      const found = await locate({ gpu: false, progress }, await places(folder, [old, site]));
      assertEquals(found?.directory, join(site, "tensorflow"));
      assertEquals(progress.lines, [`Skipping Python's TensorFlow 2.15.1 in ${old}: 2.21 is needed`]);
    }),
});

Deno.test({
  name: "locate for a GPU takes only what has CUDA's libraries",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const plain = await makePackages(join(folder, "plain"));
      const cuda = await makePackages(join(folder, "cuda"), { distribution: "tensorflow", cuda: true });
      const progress = recorder();
      const cpuCache = await makeInstall(join(folder, "cache"), false);
      const where = await places(folder, [plain, cuda]);
      assertEquals((await locate({ gpu: true, progress }, where))?.directory, join(cuda, "tensorflow"));
      assertEquals(progress.lines, [
        `Skipping Python's TensorFlow 2.21.0 in ${plain}: it has no CUDA libraries`,
      ]);
      await makeInstall(join(folder, "cache"), true);
      assertEquals((await locate({ gpu: true, progress }, where))?.directory, join(cpuCache, "tensorflow"));
    }),
});

Deno.test({
  name: "locate refuses a wrong explicit folder",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const options = { gpu: false, progress: recorder() };
      await assertRejects(
        async () => await locate(options, await places(folder, [], { RESNET_TENSORFLOW_DIR: folder })),
        UserError,
        `Cannot use RESNET_TENSORFLOW_DIR=${folder}: found no ${names.cc} there or in its folder tensorflow; set it`,
      );
      const old = await makePackages(join(folder, "old"), { version: "2.20.0" });
      await assertRejects(
        async () => await locate(options, await places(folder, [], { RESNET_TENSORFLOW_DIR: old })),
        UserError,
        `Cannot use RESNET_TENSORFLOW_DIR=${old}: found TensorFlow 2.20.0, not 2.21;`,
      );
      const bare = join(await makePackages(join(folder, "bare")), "tensorflow");
      await Deno.rename(bare, join(folder, "lone"));
      const found = await locate(
        options,
        await places(folder, [], { RESNET_TENSORFLOW_DIR: join(folder, "lone") }),
      );
      assertEquals(found?.version, "unknown");
    }),
});

Deno.test({
  name: "locate leaves a damaged install aside: no stamp, a bad one, a library of another size, no folder",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const where = await places(folder);
      const options = { gpu: false, progress: recorder() };
      const damages: ((install: string) => Promise<void>)[] = [
        (install) => Deno.remove(join(install, "install.json")),
        (install) => Deno.writeTextFile(join(install, "install.json"), '{"version": "2.21.0"'),
        (install) => Deno.writeTextFile(join(install, "install.json"), '{"version": "2.21.0"}'),
        (install) => changeStamp(install, { version: 2.21 }),
        (install) => changeStamp(install, { gpu: "false" }),
        (install) => changeStamp(install, { source: null }),
        (install) => changeStamp(install, { sha256: 1 }),
        (install) => changeStamp(install, { date: null }),
        (install) => changeStamp(install, { date: undefined }),
        (install) => changeStamp(install, { files: [] }),
        (install) => changeStamp(install, { files: { [`tensorflow/${names.cc}`]: "9" } }),
        (install) => Deno.truncate(join(install, "tensorflow", names.cc), 3),
        (install) => Deno.remove(join(install, "tensorflow", names.framework)),
        async (install) => {
          await Deno.rename(install, join(folder, "replaced"));
          await Deno.writeTextFile(install, "a file");
        },
      ];
      for (const damage of damages) {
        const install = await makeInstall(where.cache, false);
        assertEquals((await locate(options, where))?.source, "cache");
        await damage(install);
        assertEquals(await locate(options, where), undefined, String(damage));
      }
    }),
});

Deno.test({
  name: "locate takes a stamp with a byte order mark, and one that says more than this version reads",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const where = await places(folder);
      const install = await makeInstall(where.cache, false);
      await changeStamp(install, { more: true }, "\ufeff");
      assertEquals(await locate({ gpu: false, progress: recorder() }, where), {
        directory: join(install, "tensorflow"),
        version: "2.21.0",
        source: "cache",
      });
    }),
});

Deno.test({
  name: "locate asks the next Python when one does not print its paths",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const site = await makePackages(join(folder, "site"));
      const where = await places(folder, [site]);
      const prints = ["Python 2.7", '{"path": []}', `["${site}", 3]`, "null", ""];
      const others = await Promise.all(
        prints.map((text, i) => makeProgram(folder, `python${i}`, `echo '${text}'`)),
      );
      const found = await locate({ gpu: false, progress: recorder() }, {
        ...where,
        pythons: [...others, ...where.pythons],
      });
      assertEquals(found?.directory, join(site, "tensorflow"));
    }),
});

Deno.test({
  name: "locate takes the paths of a real Python that are texts",
  ignore: !canInstall ||
    await new Deno.Command("python3", { args: ["--version"] }).output().catch(() => null) === null,
  fn: () =>
    inTemporary(async (folder) => {
      const site = await makePackages(join(folder, "site"));
      const program =
        `import pathlib, sys; sys.path[:0] = [pathlib.Path("${site}"), None, "${site}"]; exec(sys.argv[1])`;
      const python = await makeProgram(folder, "real", `exec python3 -c '${program}' "$2"`);
      const found = await locate({ gpu: false, progress: recorder() }, {
        ...await places(folder),
        pythons: [python],
      });
      assertEquals(found?.directory, join(site, "tensorflow"));
    }),
});
