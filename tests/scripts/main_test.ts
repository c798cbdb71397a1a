/** The command-line entry: which task it runs, what it says when it cannot, and that it runs from a server too. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { packageFile } from "../../runtime/system/package.ts";
import { CHILD_PERMISSIONS } from "../child.ts";
import { canLoadTensorFlow, granted } from "../needs.ts";
import { helpOf, type Outcome, runScript } from "./run_script.ts";

/** What `deno info --json` says of a module. */
interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { code?: { specifier?: string }; isDynamic?: boolean }[];
}

const ENTRY = fromFileUrl(packageFile("scripts/main.ts"));
const read = async (path: string) => JSON.parse(await Deno.readTextFile(packageFile(path)));

Deno.test({
  name:
    "main: every task of deno.json is listed, with the summary of its own help; each help names the entry",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const { tasks } = await read("deno.json");
    const names = Object.keys(tasks).filter((name) =>
      tasks[name].command === `deno run -A scripts/${name}.ts`
    );
    assertEquals(Object.keys(tasks).filter((name) => !names.includes(name)), ["docs", "test", "specs", "ok"]);

    const [none, asked] = await Promise.all([runScript("main.ts"), runScript("main.ts", ["--help"])]);
    assertEquals([none, asked.code, asked.stderr], [asked, 0, ""]);
    assertStringIncludes(asked.stdout, `\nUsage: deno run -A ${ENTRY} TASK [flags]\n`);
    const rows = [...asked.stdout.matchAll(/^ {2}(\S+) {2,}(.*)$/gm)];
    const listed = Object.fromEntries(rows.map(([, name, summary]) => [name, summary]));

    const summaries = names.map(async (name) => [name, (await helpOf(`scripts/${name}.ts`)).split("\n")[0]]);
    assertEquals(listed, Object.fromEntries(await Promise.all(summaries)));
    const { code, stdout } = await runScript("main.ts", ["curve", "--help"]);
    const help = await helpOf("scripts/curve.ts");
    assertEquals([code, stdout], [0, help.replaceAll("deno task", `deno run -A ${ENTRY}`) + "\n"]);
  },
});

Deno.test({
  name:
    "main: an unknown task is wrong usage, with the nearest name; a task's own errors and codes pass through",
  ignore: !granted("run", "read", "env"),
  async fn(): Promise<void> {
    const see = `see "deno run -A ${ENTRY}`;
    const cases: [args: string[], message: string][] = [
      [["trian"], `Unknown task trian: did you mean train? ${see} --help"`],
      [["banana", "--help"], `Unknown task banana: ${see} --help"`],
      [["toString"], `Unknown task toString: ${see} --help"`],
      [["--recipe", "fast"], `Unknown task --recipe: ${see} --help"`],
      [["train", "--epoch", "3"], `Unknown flag --epoch: did you mean --epochs? ${see} train --help"`],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => runScript("main.ts", args)));
    for (const [i, outcome] of outcomes.entries()) {
      assertEquals(outcome, { code: 2, stdout: "", stderr: `error: ${cases[i][1]}\n` });
    }
    const dir = await Deno.makeTempDir();
    try {
      const path = join(dir, "data_batch_1.bin");
      assertEquals(await runScript("main.ts", ["load", "--data", dir]), {
        code: 1,
        stdout: "",
        stderr: `error: Cannot read ${path}: no such file; ` +
          `run "deno run -A ${ENTRY} fetch-data --data ${dir}" to fetch it\n`,
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "main: before it knows the task it loads no package and no task",
  ignore: !granted("run", "read"),
  async fn(): Promise<void> {
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", ENTRY] }).output();
    const { modules, roots }: { modules: Module[]; roots: [string] } = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    const dependencies = new Map(
      modules.map(({ specifier, dependencies = [] }) => [specifier, dependencies]),
    );
    const loaded = new Set(roots);
    // A set's loop goes on with what is added in it.
    for (const specifier of loaded) {
      for (const { code, isDynamic } of dependencies.get(specifier) ?? []) {
        if (code?.specifier !== undefined && !isDynamic) loaded.add(code.specifier);
      }
    }
    assert(loaded.has(packageFile("scripts/cli/task.ts").href));
    assertEquals([...loaded].filter((specifier) => specifier.startsWith("npm:")), []);
    assertEquals([...loaded].filter((specifier) => /scripts\/[^/]*$/.test(specifier)), roots);
  },
});

/** Serves the package; `entry` is what `deno run -A` takes to start it from there, `run` does so. */
async function onServer(
  test: (entry: string, run: (...args: string[]) => Promise<Outcome>) => Promise<void>,
): Promise<void> {
  const config = await read("deno.json");
  const imports = { ...config.imports };
  for (const name of ["cli", "path"]) imports[`@std/${name}`] = `./std/${name}/mod.ts`; // without JSR
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    if (path === "deno.json") return Response.json({ ...config, imports });
    return new Response(await Deno.readFile(packageFile(path)), {
      headers: { "content-type": path.endsWith(".json") ? "application/json" : "text/typescript" },
    });
  });
  const at = (path: string): string => `http://127.0.0.1:${server.addr.port}/${path}`;
  const dir = await Deno.makeTempDir();
  try {
    // A cache of its own for what comes from this server; the npm packages are those that are there already.
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
    await Deno.symlink(npmCache, join(dir, "npm"));
    const flags = [`--import-map=${at("deno.json")}`, at("scripts/main.ts")];
    await test(flags.join(" "), async (...args) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", ...CHILD_PERMISSIONS, "--quiet", "--no-lock", ...flags, ...args],
        cwd: dir,
        // Deno asks for a newer Deno once a day and cache, whatever the permissions.
        env: { DENO_DIR: dir, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", RESNET_DEBUG: "" },
      }).output();
      const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test({
  name: "main: the package runs from a server, and names its entry there",
  ignore: !granted("run", "read", "write", "env", "net"),
  fn: () =>
    onServer(async (entry, run) => {
      const table = await runScript("summary.ts", ["--recipe", "resnet20"]);
      const stderr = `Train: deno run -A ${entry} train --recipe resnet20\n`;
      assertEquals(await run("summary", "--recipe", "resnet20"), { ...table, stderr });
      assertEquals(await run("load"), {
        code: 1,
        stdout: "",
        stderr: `error: Cannot read data/data_batch_1.bin: no such file; ` +
          `run "deno run -A ${entry} fetch-data" to fetch it\n`,
      });
    }),
});
