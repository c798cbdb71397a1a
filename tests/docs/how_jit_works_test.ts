/** docs/how-jit-works.md: what it says of the sources is so. Its code runs by itself (`deno test --doc`). */
import { assert, assertEquals } from "@std/assert";
import { granted } from "../needs.ts";

const read = (path: string): Promise<string> => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test({
  name: "docs/how-jit-works.md: the toy is the file that its blocks import, the files and names are there",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const page = await read("docs/how-jit-works.md");
    const toy = await read("docs/jit/toy.ts");
    assert(page.includes(`\`\`\`ts\n${toy}\`\`\``), "the page shows docs/jit/toy.ts as it is");
    const lines = toy.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("/**"));
    assert(lines.length <= 26, `${lines.length} lines of code: the page says twenty`);

    const spans = [...page.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
    const paths = spans.filter((span) => /^\w+\/\S+\.ts$/.test(span) && !span.startsWith("jit/"));
    assert(paths.length >= 8, `${paths}`);
    const sources = await Promise.all([...new Set(paths)].map(read)); // throws if there is no such file
    const symbols = await read("runtime/binding/symbols.ts");
    const calls = spans.filter((span) => /^TFE?_\w+$/.test(span));
    assertEquals(calls.filter((name) => !symbols.includes(`${name}:`)), []);

    const members = spans.flatMap((span) => span.match(/^(?:Binding|Trace)\.(\w+)$/)?.[1] ?? []);
    assert(members.length >= 8, `${members}`);
    const isMember = (name: string): boolean =>
      sources.some((source) => new RegExp(`^  (get )?${name}\\(`, "m").test(source));
    assertEquals(members.filter((name) => !isMember(name)), []);
  },
});
