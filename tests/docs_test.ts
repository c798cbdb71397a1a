/** What the documents say about the code, held against the code. Their TypeScript runs by itself (`deno test --doc`). */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { buildModel } from "../pipeline/training/recipe.ts";
import { loadRecipe } from "../pipeline/training/recipe_file.ts";
import { importGraph } from "./import_graph.ts";
import { canLoadTensorFlow, granted } from "./needs.ts";
import { helpOf, runScript } from "./scripts/run_script.ts";

const at = (path: string): URL => new URL(`../${path}`, import.meta.url);

Deno.test({
  name: "docs/from-pytorch.md: the layer of one's own is the file that the tests hold against PyTorch",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const lesson = await Deno.readTextFile(at("docs/from-pytorch.md"));
    const file = await Deno.readTextFile(at("docs/examples/squeeze_excitation.ts"));
    const shown = file.replaceAll('"../../mod.ts"', '"../mod.ts"');
    assert(lesson.includes(`\`\`\`ts\n${shown}\`\`\``), "the lesson shows the file as it is");
    assert(file.split("\n").length <= 40, "in 40 lines");
  },
});

/** The cells of a table's rows, the first one being in backquotes. */
function rows(page: string): string[][] {
  return page.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

/** What a text has in backquotes, if it looks so. */
function quoted(text: string, look: RegExp): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span).filter((span) => look.test(span));
}

Deno.test({
  name:
    "README.md: the tasks as deno.json orders and describes them, each with its flags, as main.ts groups them",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const readme = await Deno.readTextFile(at("README.md"));
    const config: Readonly<Record<"tasks", Record<string, { description: string; command: string }>>> = JSON
      .parse(await Deno.readTextFile(at("deno.json")));
    const { tasks } = config;
    const section = readme.split("\n## ").find((text) => text.startsWith("Tasks\n"))!;
    const groups = [...section.matchAll(/^\*\*(.+)\*\*\n\n((?:(?:- `| {2}).*\n)+)/gm)].map((
      [, title, list],
    ) => ({
      title,
      items: list.split(/^- /m).slice(1).map((item) => {
        const [, name, about] = item.match(/^`([\w-]+)`: ([^]*)/)!;
        return { name, about: about.replaceAll(/\s+/g, " ") };
      }),
    }));
    const items = groups.flatMap(({ items }) => items);
    assertEquals(items.map(({ name }) => name), Object.keys(tasks));
    for (const { name, about } of items) {
      const { description, command } = tasks[name];
      assertEquals(about.slice(0, description.length + 1).trimEnd(), description);
      const [, file] = command.match(/^deno run -A (\S+\.ts)$/) ?? [];
      const help = file === undefined ? "" : await helpOf(file);
      const shown = [...help.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag]) => flag);
      assertEquals(quoted(about, /^--/).sort(), shown.filter((flag) => flag !== "--help").sort(), name);
    }

    const { stdout } = await runScript("main.ts");
    const listed = [...stdout.matchAll(/^(\w+):\n((?: {2}\S.*\n)+)/gm)].map(([, title, list]) => ({
      title,
      names: [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name),
    }));
    const isListed = (name: string): boolean => tasks[name].command === `deno run -A scripts/${name}.ts`;
    const expected = groups.map(({ title, items }) => ({
      title,
      names: items.map(({ name }) => name).filter(isListed),
    }));
    assertEquals(listed, expected);
  },
});

Deno.test({
  name: "README.md: the recipe of one's own is one",
  ignore: !granted("read", "write"),
  async fn(): Promise<void> {
    const readme = await Deno.readTextFile(at("README.md"));
    const shown = [...readme.matchAll(/```json\n([^]*?)```/g)].map(([, json]) => json);
    assert(shown.length > 0);
    const path = await Deno.makeTempFile({ suffix: ".json" });
    try {
      for (const json of shown) {
        await Deno.writeTextFile(path, json);
        buildModel((await loadRecipe(path)).network);
      }
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test({
  name: "README.md: every variable of the environment that the sources read under the project's name",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const readme = await Deno.readTextFile(at("README.md"));
    const rooms = ["runtime", "layers", "pipeline", "scripts"];
    const files = [...importGraph(fromFileUrl(at(".")), rooms).keys()];
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(at(file))));
    const read = texts.flatMap((text) => [...text.matchAll(/"(RESNET_[A-Z_]+)"/g)].map(([, name]) => name));
    const told = rows(readme).flatMap(([first]) => quoted(first, /^RESNET_/));
    assertEquals(told.sort(), [...new Set(read)].sort());
  },
});
