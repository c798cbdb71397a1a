/** `deno task docs`: the pages of the public API, made of the docstrings by `deno doc --html`. */
import { basename, fromFileUrl, join } from "@std/path";
import { UserError } from "../../runtime/system/errors.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { runTask } from "../../scripts/cli/task.ts";
import { printLine } from "../../scripts/cli/terminal.ts";

/** Where the pages go, from the project's root. */
const FOLDER = "site";

const task = {
  name: "docs",
  summary: `Builds the pages of the public API in ${FOLDER}/, from the docstrings.`,
  flags: {},
} as const;

/**
 * Types of TensorFlow.js that public functions take and give. The pages link to its own documentation for them: with the
 * whole of it they would be three times as many, most of them not about this package.
 */
const TFJS_TYPES = ["Scalar", "Tensor", "Tensor1D", "Tensor2D", "Tensor3D", "Tensor4D"];
const TFJS_PAGE = "https://js.tensorflow.org/api/latest/#class:Tensor";

/** What stands in for TensorFlow.js. */
const TFJS = TFJS_TYPES.map((name) =>
  `/** Of TensorFlow.js: ${TFJS_PAGE} */\nexport declare class ${name} {}\n`
).join("\n");

/**
 * Builds the pages in a folder, in the place of what is in it.
 * @returns How many files they are.
 * @throws {UserError} If `deno doc` fails.
 */
export async function buildPages(folder: string): Promise<number> {
  const root = fromFileUrl(packageFile(""));
  const { name, exports, imports } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const temporary = await Deno.makeTempDir();
  try {
    const write = async (file: string, text: string): Promise<string> => {
      await Deno.writeTextFile(join(temporary, file), text);
      return join(temporary, file);
    };
    const tfjs = await write("tfjs.ts", TFJS);
    const importMap = await write(
      "imports.json",
      JSON.stringify({ imports: { ...imports, "@tensorflow/tfjs": tfjs } }),
    );
    const links = Object.fromEntries(TFJS_TYPES.map((type) => [`tf.${type}`, TFJS_PAGE]));
    const redirects = await write("redirects.json", JSON.stringify({ ".": links }));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "doc",
        "--html",
        `--name=${name}`,
        `--output=${folder}`,
        `--import-map=${importMap}`,
        `--symbol-redirect-map=${redirects}`,
        ...Object.values<string>(exports),
      ],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) {
      throw new UserError(`Cannot build the pages: ${new TextDecoder().decode(stderr).trim()}`);
    }
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
  const files = filesIn(folder);
  const pages = new Map<string, string>();
  for (const path of files.filter((path) => path.endsWith(".html"))) {
    pages.set(path, mended(await Deno.readTextFile(path), name, Object.keys(exports)));
  }
  const symbolOf = (path: string): string => basename(path, ".html");
  const parameters = new Map(
    [...pages].map(([path, page]) => [symbolOf(path), parametersOn(page)] as const)
      .filter(([, names]) => names.length > 0),
  );
  for (const [path, page] of pages) {
    const own = symbolOf(path);
    const whole = named(page, own, parameters);
    await Deno.writeTextFile(path, parameters.has(own) ? linked(whole) : whole);
  }
  return files.length;
}

/**
 * A page as a reader wants it: import statements with the package's name, where `deno doc` has only an entry's ("." or
 * "reports"); one name for TensorFlow.js, which files import by two; no links to the sources, which have paths of this
 * machine.
 */
function mended(page: string, name: string, entries: readonly string[]): string {
  return page
    .replaceAll(/ from &quot;([^&]*)&quot;/g, (statement, entry: string) => {
      if (entry === ".") return ` from &quot;${name}&quot;`;
      return entries.includes(`./${entry}`) ? ` from &quot;${name}/${entry}&quot;` : statement;
    })
    .replaceAll(/\btfjs\.(?=[A-Z])/g, "tf.")
    .replaceAll(/<a\s+class="sourceButton"[^]*?<\/a>/g, "");
}

/** The names of a function's parameters, as its page describes them. */
function parametersOn(page: string): string[] {
  return [...page.matchAll(/id="function_\w+_0_parameter_(\w+)"/g)].map(([, name]) => name);
}

/**
 * A page whose signatures have these names for parameters that are taken apart where they are declared: `deno doc` calls
 * them "arg_2". A signature follows the link to its function, but on the function's own page.
 */
function named(page: string, own: string, parameters: ReadonlyMap<string, readonly string[]>): string {
  let current = own;
  const places = /href="[^"]*~(?:\/|&#x2F;)([\w.]+)\.html"|(<span class="italic">)arg_(\d)(?=<)/g;
  return page.replaceAll(places, (place, link?: string, before?: string, index?: string) => {
    if (link !== undefined && parameters.has(link)) current = link;
    if (index === undefined) return place;
    return `${before}${parameters.get(current)?.[Number(index)] ?? `arg_${index}`}`;
  });
}

/** A function's page with links to TensorFlow.js where a file that imports it as `tfjs` has none. */
function linked(page: string): string {
  const link = `<a href="${TFJS_PAGE}" class="link td-ref">$1</a>`;
  return page.replaceAll(/<span class="td-ref">(tf\.[A-Z]\w*)<\/span>/g, link);
}

/** The paths of all files in a folder and those in it. */
export function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(join(folder, name)) : [join(folder, name)]
  );
}

/** Runs the task. */
export async function main(args: readonly string[]): Promise<void> {
  await runTask(task, async () => {
    const folder = fromFileUrl(packageFile(FOLDER));
    const files = await buildPages(folder);
    printLine(`${files} files; begin with ${join(folder, "index.html")}`);
  }, args);
}

if (import.meta.main) await main(Deno.args);
