/** `deno task recipe`: the list, a recipe as a person would write it, and back. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { loadRecipe } from "../../pipeline/training/recipe_file.ts";
import { recipes } from "../../pipeline/training/recipes.ts";
import { recipeText } from "../../scripts/recipe.ts";
import { granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

Deno.test({
  name: "every recipe that comes with the project, printed and read back, is the same",
  ignore: !granted("read", "write"),
  async fn(): Promise<void> {
    const dir = await Deno.makeTempDir();
    try {
      for (const [name, recipe] of Object.entries(recipes)) {
        const path = join(dir, "my.json");
        await Deno.writeTextFile(path, recipeText(recipe) + "\n");
        assertEquals(await loadRecipe(path), recipe, name);
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("recipeText: lists of plain values, and lists of those, in one line; everything else as JSON is indented", () => {
  const value = {
    name: "a [ b ] c",
    none: [],
    sizes: [3, 4.5, -6],
    words: ["a, b", "[ a ]", "{ }", '"', "\n"],
    knots: [[0, 0.5], [1, 0]],
    one: [[1]],
    mixed: [1, {}],
    steps: [{ kind: "normalize", mean: [0.5, 0.5], std: [0.25, 0.25] }],
    deep: { deeper: { list: [true, null], nothing: {} } },
  };
  const text = recipeText(value);
  assertEquals(JSON.parse(text), value);
  assertEquals(
    text,
    `{
  "name": "a [ b ] c",
  "none": [],
  "sizes": [3, 4.5, -6],
  "words": ["a, b", "[ a ]", "{ }", "\\"", "\\n"],
  "knots": [[0, 0.5], [1, 0]],
  "one": [[1]],
  "mixed": [
    1,
    {}
  ],
  "steps": [
    {
      "kind": "normalize",
      "mean": [0.5, 0.5],
      "std": [0.25, 0.25]
    }
  ],
  "deep": {
    "deeper": {
      "list": [true, null],
      "nothing": {}
    }
  }
}`,
  );
});

Deno.test({
  name: "recipe lists the recipes, prints one, and says what is wrong with a name or a file in one line",
  ignore: !granted("run", "read", "write", "env"),
  async fn(): Promise<void> {
    const dir = await Deno.makeTempDir();
    try {
      const [mine, wrong] = [join(dir, "mine.json"), join(dir, "wrong.json")];
      await Deno.writeTextFile(mine, '{ "extends": "resnet20", "training": { "epochs": 3 } }');
      await Deno.writeTextFile(wrong, '{ "extends": "resnet20", "training": { "epoch": 3 } }');
      const cases = [[], ["fast"], [mine], ["resnet21"], [wrong], ["fast", "accurate"]];
      const [list, fast, own, unknown, refused, two] = await Promise.all(
        cases.map((args) => runScript("recipe.ts", args)),
      );
      const width = Math.max(...Object.keys(recipes).map((name) => name.length));
      const rows = Object.values(recipes).map(({ name, about }) => `${name.padEnd(width)}  ${about}`);
      const start = "Start your own: deno task recipe fast > my.json\n";
      assertEquals(list, { code: 0, stdout: ["recipe", ...rows, ""].join("\n"), stderr: start });
      const train = (recipe: string) => `Train: deno task train --recipe ${recipe}\n`;
      assertEquals(fast, { code: 0, stdout: recipeText(recipes.fast) + "\n", stderr: train("fast") });
      assertEquals([own.code, own.stderr], [0, train(mine)]);
      assertEquals(JSON.parse(own.stdout), await loadRecipe(mine));
      for (const line of own.stdout.split("\n")) assert(line.length <= 110, line);

      const failures: [typeof unknown, code: number, begin: string][] = [
        [unknown, 2, 'error: Unknown recipe "resnet21": did you mean resnet20? there are fast, accurate, '],
        [
          refused,
          1,
          `error: Cannot use the recipe ${wrong}: training.epoch is not a field: did you mean "epochs"? `,
        ],
        [two, 2, 'error: Unexpected argument "accurate": recipe takes one NAME|FILE.json, see '],
      ];
      for (const [{ code, stdout, stderr }, expected, begin] of failures) {
        assertEquals([code, stdout, stderr.split("\n").length], [expected, "", 2], stderr);
        assertEquals(stderr.slice(0, begin.length), begin);
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
