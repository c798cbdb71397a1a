/** The documentation of the API: its examples, its front page, and the pages that `deno task docs` builds. */
import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { buildPages, filesIn } from "../../docs/api/build.ts";
import * as library from "../../mod.ts";
import { granted } from "../needs.ts";

const ROOT = new URL("../../", import.meta.url);

/** A name with what `deno doc` knows of it: several declarations where it is overloaded. */
interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly jsDoc?: { readonly tags?: readonly { readonly kind: string; readonly doc?: string }[] };
    readonly def: { readonly elements?: readonly Documented[] };
  }[];
}

/** What a module exports, and what its own comment says. */
interface Module {
  readonly module_doc: { readonly doc: string };
  readonly symbols: readonly Documented[];
}

/** The public modules by their paths from the root. */
async function documented(): Promise<ReadonlyMap<string, Module>> {
  const paths = ["mod.ts", "pipeline/reports/mod.ts"];
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...paths],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const { nodes }: { nodes: Record<string, Module> } = JSON.parse(new TextDecoder().decode(stdout));
  return new Map(paths.map((path) => [path, nodes[new URL(path, ROOT).href]]));
}

const isOf = ({ declarations }: Documented, ...kinds: readonly string[]): boolean =>
  declarations.some(({ kind }) => kinds.includes(kind));

/** The functions among some names, and in namespaces, but for those of TensorFlow.js. */
function functionsOf(symbols: readonly Documented[], prefix = ""): Documented[] {
  return symbols.flatMap((symbol) => {
    const named = { ...symbol, name: prefix + symbol.name };
    if (isOf(symbol, "function")) return [named];
    if (!isOf(symbol, "namespace") || symbol.name === "tf") return [];
    return functionsOf(symbol.declarations.flatMap(({ def }) => def.elements ?? []), `${named.name}.`);
  });
}

/** Whether an example is among a function's tags that `deno test --doc` runs. */
function hasExample({ declarations }: Documented): boolean {
  const tags = declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
  return tags.some(({ kind, doc }) => kind === "example" && /^```ts$/m.test(doc ?? ""));
}

Deno.test({
  name: "the API: every function has an example that runs, and mod.ts links to all that it exports but types",
  ignore: !granted("read", "run"),
  async fn(): Promise<void> {
    const modules = await documented();
    const functions = [...modules.values()].flatMap(({ symbols }) => functionsOf(symbols));
    const names = functions.map(({ name }) => name);
    for (const name of ["jit", "ops.conv2d", "random.dropout", "tree.map", "drawCurve"]) {
      assert(names.includes(name), `${name} is looked at`);
    }
    assertEquals(functions.filter((symbol) => !hasExample(symbol)).map(({ name }) => name), []);

    const { module_doc: { doc }, symbols } = modules.get("mod.ts")!;
    const linked = new Set([...doc.matchAll(/\{@linkcode (\w+)\}/g)].map(([, name]) => name));
    const exported = symbols.filter((symbol) => isOf(symbol, "function", "variable", "class", "namespace"));
    assertEquals([...linked].sort(), exported.map(({ name }) => name).sort());
  },
});

/** What the last column of a page's tables has in backquotes and looks like a name, or a call of one. */
function namesInTables(page: string): string[] {
  return page.split("\n").filter((line) => line.startsWith("| ")).flatMap((line) => {
    const last = line.split(" | ").at(-1)!;
    return [...last.matchAll(/`([a-z]\w+(?:\.\w+)*)[`(]/g)].map(([, name]) => name);
  });
}

/** Whether something is exported under a name such as "ops.conv2d". */
function isExported(name: string): boolean {
  return name.split(".").reduce<unknown>((value, key) => Object(value)[key], library) !== undefined;
}

Deno.test({
  name: "docs/from-*.md: what their tables say is here is exported",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    for (const from of ["pytorch", "keras", "tfjs"]) {
      const names = namesInTables(await Deno.readTextFile(new URL(`docs/from-${from}.md`, ROOT)));
      assert(names.length > 10, `docs/from-${from}.md has a table`);
      const others = names.filter((name) => !/^(settings\.|name\.\d|metrics\.jsonl)/.test(name)); // no exports
      assertEquals(others.filter((name) => !isExported(name)), [], `docs/from-${from}.md`);
    }
  },
});

/** The addresses that a page links to, but for other sites'. */
function linksOf(page: string): string[] {
  return [...page.replaceAll("&#x2F;", "/").matchAll(/\s(?:href|src)="([^"#]+)/g)]
    .map(([, address]) => address)
    .filter((address) => !address.startsWith("https:"));
}

Deno.test({
  name: "deno task docs: pages of this package's names, with no dead link and no path of this machine",
  ignore: !granted("read", "write", "run"),
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    try {
      await buildPages(folder);
      const files = filesIn(folder);
      assert(files.length < 1000, `${files.length} files: those of TensorFlow.js are not among them`);
      const pages = files.filter((path) => path.endsWith(".html"));
      const there = new Set(files.flatMap((path) => [path, dirname(path)]));
      for (const path of pages) {
        const page = await Deno.readTextFile(path);
        const dead = linksOf(page).filter((link) => !there.has(join(dirname(path), link).replace(/\/$/, "")));
        assertEquals(dead, [], path);
        assert(
          !page.includes(fromFileUrl(ROOT)) && !page.includes("file:///"),
          `${path} has a path of this machine`,
        );
      }
      const conv2d = await Deno.readTextFile(join(folder, "~", "ops.conv2d.html"));
      assert(conv2d.includes("import { ops } from &quot;@resnet/deno&quot;;"), "by the package's name");
      const tensor =
        '<a href="https://js.tensorflow.org/api/latest/#class:Tensor" class="link td-ref">tf.Tensor4D</a>';
      assert(conv2d.includes(tensor), "types of TensorFlow.js lead to its documentation");
      assert(/"italic">window</.test(conv2d), "a parameter that is taken apart has its name");
      const curve = await Deno.readTextFile(join(folder, "reports", "~", "drawCurve.html"));
      assert(curve.includes("import { drawCurve } from &quot;@resnet/deno/reports&quot;;"));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
