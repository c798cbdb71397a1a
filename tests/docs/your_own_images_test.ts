/** The guide's seven commands run as they stand in it, one after the other, and print what it shows. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { packageFile } from "../../runtime/system/package.ts";
import { shellWord } from "../../runtime/system/shell.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { madeData } from "../made_data.ts";
import { canLoadTensorFlow, granted } from "../needs.ts";
import { png, writeFiles } from "../pipeline/data/made_pictures.ts";
import { helpOf } from "../scripts/run_script.ts";

const GUIDE = new URL("../../docs/your-own-images.md", import.meta.url);

/** What is typed, and what is shown to come. */
interface Step {
  readonly command: string;
  readonly shown: string;
}

/** The commands that have their output below them. */
function stepsOf(guide: string): Step[] {
  const blocks = guide.matchAll(/^```sh\n(.*)\n```\n\n```\n([^]*?)^```$/gm);
  return [...blocks].map(([, command, shown]) => ({ command, shown }));
}

/** A command of the guide for a shell: the task's program, with what tests may do. */
function shellLine(command: string): string {
  return command.replace(
    /^deno task (\S+)/,
    (_, task) =>
      [Deno.execPath(), ...runArgs(fromFileUrl(packageFile(`scripts/${task}.ts`)))].map(shellWord).join(" "),
  );
}

/** Starts a command in a folder, both of its outputs in one, as on a terminal. */
function start(line: string, cwd: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", `exec 2>&1; exec ${line}`],
    cwd,
    env: {
      ...{ RESNET_DEBUG: "", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", npm_command: "" },
      npm_config_registry: "http://127.0.0.1:9/",
    },
    stdin: "null",
    stdout: "piped",
  }).spawn();
}

/** What a command prints to its end, which is a good one. */
async function printed(line: string, cwd: string): Promise<string> {
  const { code, stdout } = await start(line, cwd).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, `${line}\n${text}`);
  return text;
}

/** Lines of progress, which a terminal shows as bars. */
const PROGRESS = /^(Reading pictures|Training|Testing|Looking at images): /;

/**
 * What is the same in every run: the lines without their numbers, the folder before a path, and what differs from one
 * machine to the next; those of one form are one, as there may be more or fewer of them.
 */
function shapes(text: string): string[] {
  const lines = text.trimEnd().split("\n").filter((line) => line !== "..." && !PROGRESS.test(line));
  const formed = lines.map((line) =>
    line.replace(/deno run -A \S+\/main\.ts/, "deno task")
      .replace(/^\/\S*\/photos\//, "photos/")
      .replace(/(\d steps), .*/, "$1, ON A MACHINE")
      .replaceAll(/\d+([.,]\d+)*(e[+-]\d+)?/g, "N")
      .replaceAll("N min N s", "N s")
      .replaceAll(/N [kM]B/g, "SIZE")
      .replaceAll(/ +/g, " ")
  );
  return [...new Set(formed)];
}

/** Three classes with the names of the guide's first ones, 66 x 66 pixels; and the files that it asks about. */
function photos(): Record<string, Uint8Array> {
  const size = 66;
  const { train: { images, labels } } = madeData({ images: 60, classes: 3, size });
  const length = size * size * 3;
  const file = (index: number): Uint8Array =>
    png({
      width: size,
      height: size,
      pixels: new Uint8Array(images.subarray(index * length, (index + 1) * length)),
    });
  const names = ["two", "five", "seven", "eight", "zero"];
  return Object.fromEntries([
    ...Array.from(labels, (label, i) => [`photos/${label}/${i}.png`, file(i)]),
    ...names.map((name, i) => [`new/${name}.jpg`, file(i)]),
  ]);
}

/** Asks a service what the guide's `curl` does; where there is no curl, as that would. */
async function ask(command: string, address: string, cwd: string): Promise<string> {
  const [, file] = command.match(/^curl --data-binary @(\S+) localhost:8000\/predict$/)!;
  const line = command.replace("localhost:8000", address);
  try {
    await new Deno.Command("curl", { args: ["--version"], stdout: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const body = await Deno.readFile(join(cwd, file));
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return await (await fetch(`http://${address}/predict`, { method: "POST", body, headers })).text();
  }
  return await printed(`${line} --silent --show-error`, cwd);
}

/** Serves, has the next command ask, and ends it as a person would: what both printed. */
async function serveAndAsk(serve: Step, asking: Step, cwd: string): Promise<[string, string]> {
  const process = start(`${shellLine(serve.command)} --port 0`, cwd);
  let said = "";
  let answer = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    const address = /^Ask: .* http:\/\/(\S+)\/predict\n/m.exec(said)?.[1];
    if (address === undefined || answer !== "") continue;
    try {
      answer = await ask(asking.command, address, cwd);
    } finally {
      process.kill("SIGTERM");
    }
  }
  assertEquals((await process.status).code, 0, said);
  return [said.replace("SIGTERM: answering what has come\n", ""), answer];
}

Deno.test({
  name: "docs/your-own-images.md: seven commands from a folder of photos to a page, and what they print",
  ignore: !canLoadTensorFlow || !granted("net"),
  fn: () =>
    inFolder(async (dir) => {
      const steps = stepsOf(await Deno.readTextFile(GUIDE));
      assertEquals(steps.map(({ command }) => command.match(/^(deno task )?(\S+)/)![2]), [
        ...["train", "report", "predict", "predict", "serve", "curl", "export"],
      ]);
      writeFiles(dir, photos());
      const outputs: string[] = [];
      const [train, report, predict, explain, serve, asking, page] = steps;
      // Two epochs say as much as forty of what is printed.
      outputs.push(await printed(`${shellLine(train.command)} --epochs 2`, dir));
      for (const { command } of [report, predict, explain]) {
        outputs.push(await printed(shellLine(command), dir));
      }
      outputs.push(...await serveAndAsk(serve, asking, dir));
      outputs.push(await printed(shellLine(page.command), dir));
      steps.forEach(({ command, shown }, i) => assertEquals(shapes(outputs[i]), shapes(shown), command));
      for (
        const path of ["runs/photos/report.html", "maps/new/seven.jpg.cam.png", "runs/photos/model.html"]
      ) {
        assert((await Deno.stat(join(dir, path))).size > 10_000, path);
      }
    }),
});

Deno.test({
  name: "docs/your-own-images.md: the tasks have the flags that it names",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const guide = (await Deno.readTextFile(GUIDE)).replaceAll("\n", " ");
    const commands = [...guide.matchAll(/`deno task ([\w-]+)([^`]*)`/g)];
    assert(commands.length > 3);
    const helps: string[] = [];
    for (const [command, task, rest] of commands) {
      const help = await helpOf(`scripts/${task}.ts`);
      helps.push(help);
      for (const [flag] of rest.matchAll(/--[\w-]+/g)) assert(help.includes(`  ${flag} `), command);
    }
    const alone = [...guide.matchAll(/`(--[\w-]+)[^`]*`/g)].map(([, flag]) => flag);
    const all = [...helps, await helpOf("scripts/serve.ts"), await helpOf("scripts/predict.ts")].join("\n");
    for (const flag of alone) assert(all.includes(`  ${flag} `), flag);
  },
});
