/**
 * TensorFlow.js's core with its specs, from the npm package in Deno's cache: `dist` has them as ES modules whose imports
 * leave `.js` out, as bundlers take them.
 */
import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { jasmineModule } from "./jasmine.ts";

/** A file of tfjs-node, which depends on the package. */
const TFJS_NODE = import.meta.resolve("@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js");

/** The folder of the modules. */
const DIST = new URL(".", pathToFileURL(createRequire(TFJS_NODE).resolve("@tensorflow/tfjs-core"))).href;

/** The random numbers of TensorFlow.js, as a module with the name that is used. */
const SEEDRANDOM = `data:text/javascript,export const { alea } = require("seedrandom");`;

/** URL of a module, by its path in `dist`. */
export const coreModule = (path: string): string => `${DIST}${path}`;

/** The spec files, by their paths in `dist`, in the order of the package's own list of them. */
export function specFiles(): string[] {
  const list = Deno.readTextFileSync(new URL(coreModule("tests.js")));
  return [...list.matchAll(/^import '\.\/(.+)';/gm)].map(([, path]) => `${path}.js`);
}

/**
 * Lets the modules of `dist` be imported.
 * @param replaced Modules to take in the place of others, by the URLs of those.
 */
export function loadCore(replaced: Readonly<Record<string, string>> = {}): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!context.parentURL?.startsWith(DIST)) return nextResolve(specifier, context);
      // They take what its exports are once it has run; Deno's module of it has the names that stand in its source.
      if (specifier === "seedrandom") return { url: SEEDRANDOM, format: "module", shortCircuit: true };
      if (!specifier.startsWith(".")) return nextResolve(specifier, context);
      const { href } = new URL(specifier, context.parentURL);
      const url = [href, `${href}.js`, `${href}/index.js`].find(isFile) ?? href;
      return { url: replaced[url] ?? url, format: "module", shortCircuit: true };
    },
  });
  // They call `require` too, for what is Node's and for Jasmine.
  const require = createRequire(new URL("../package.json", DIST));
  const requireOrJasmine = (name: string): unknown =>
    name.startsWith("jasmine-core/") ? jasmineModule : require(name);
  Object.assign(globalThis, { require: Object.assign(requireOrJasmine, require) });
}

function isFile(url: string): boolean {
  try {
    return Deno.statSync(new URL(url)).isFile;
  } catch {
    return false;
  }
}
