/** Words for a shell, held against what a shell makes of them. */
import { assertEquals } from "@std/assert";
import { taskCommand } from "../../../runtime/system/package.ts";
import { shellFlags, shellWord } from "../../../runtime/system/shell.ts";
import { parseFlags } from "../../../scripts/cli/task.ts";
import { granted } from "../../needs.ts";

/** Names of folders that a shell, left alone with them, would make something else of. */
const NAMES = [
  ...[
    "my run",
    "it's",
    'a"b',
    "a$HOME",
    "a`id`",
    "a\\b",
    "a\\",
    "a*",
    "a?",
    "[a]",
    "{a,b}",
    "a;b",
    "a&b",
    "a|b",
  ],
  ...[
    "a>b",
    "a(b)",
    "~",
    "~root",
    "=ls",
    "a=b",
    "!a",
    "a!b",
    "#a",
    "-x",
    "--force",
    "Läufe/1",
    "a\tb",
    "a\nb",
    "'",
    "''",
  ],
];

/** What a shell hands to a program as its arguments. */
async function wordsOf(shell: string, words: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(shell, { args: ["-c", `printf '%s\\0' ${words}`] }).output();
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

Deno.test("shellWord: what is plain stays as it is", () => {
  for (const text of ["runs/fast-20261125-093000", "/a/b.c", "jsr:@resnet/deno@0.1.0/cli", "1e-3"]) {
    assertEquals(shellWord(text), text);
  }
  assertEquals(shellWord(""), "''");
});

Deno.test({
  name: "shellWord: one word of a shell, whatever it holds",
  ignore: !granted("run"),
  async fn(): Promise<void> {
    for (const shell of ["sh", "bash"]) {
      assertEquals(await wordsOf(shell, NAMES.map(shellWord).join(" ")), NAMES, shell);
    }
  },
});

Deno.test({
  name: "shellFlags: a task gets the values that were meant, those that look like flags too",
  ignore: !granted("run"),
  async fn(): Promise<void> {
    const task = {
      name: "x",
      summary: "",
      flags: { run: { type: "string", help: "" }, init: { type: "string", help: "" } },
    } as const;
    for (const run of NAMES) {
      const words = await wordsOf("sh", shellFlags({ run, init: run }));
      assertEquals({ ...parseFlags(task, words) }, { run, init: run });
    }
  },
});

Deno.test("taskCommand: flags are quoted, fixed words are not", () => {
  const started = {
    main: "file:///p/scripts/train.ts",
    here: "file:///p/runtime/system/package.ts",
    folder: "/p",
  };
  assertEquals(taskCommand("train", { resume: "it's" }, started), `deno task train --resume 'it'\\''s'`);
  assertEquals(taskCommand("setup --gpu", {}, started), "deno task setup --gpu");
});
