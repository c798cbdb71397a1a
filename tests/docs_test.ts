/** What the documents say about the code, held against the code. Their TypeScript runs by itself (`deno test --doc`). */
import { assert, assertEquals } from "@std/assert";
import { granted } from "./needs.ts";

const at = (path: string): URL => new URL(`../${path}`, import.meta.url);

Deno.test({
  name: "docs/from-pytorch.md: the lines that add a layer are those of the code, and fewer than 30",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const lesson = await Deno.readTextFile(at("docs/from-pytorch.md"));
    const diff = lesson.match(/```diff\n([^]*?)```/)![1].trimEnd().split("\n");
    let path = "";
    let source: string[] = [];
    const added: string[] = [];
    for (const line of diff) {
      if (line.startsWith("--- ")) {
        path = line.slice(4);
        source = (await Deno.readTextFile(at(path))).split("\n");
        continue;
      }
      assertEquals(line[0], "+", line);
      assert(source.includes(line.slice(1)), `${path} has the line: ${line.slice(1)}`);
      added.push(line);
    }
    assert(added.length > 0 && added.length < 30, `${added.length} lines`);
  },
});
