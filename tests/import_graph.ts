/** What imports what, read from the text of the source files. */
import { join } from "@std/path";

/** One import or re-export of a file by another. */
export interface Import {
  /** Path of the file that imports, from the project's root, with `/`. */
  readonly from: string;
  /** Path of the file that is imported. */
  readonly to: string;
  /** Whether it is of types only, so that nothing is loaded by it. */
  readonly isType: boolean;
  /** Whether it is loaded in the course of the work, by `import()`. */
  readonly isLate: boolean;
}

/** At the start of a line, so that examples in comments and programs in strings are not taken for imports. */
const STATIC = /^(?:import|export)\b(\s+type\b(?!\s*,))?(?:[^;"'`()=]*?\bfrom)?\s*"(\.[^"]*)"/gm;
/** Anywhere in a line that is no comment. */
const DYNAMIC = /^(?!\s*(?:\*|\/\/|\/\*)).*?\bimport\(\s*"(\.[^"]*)"/gm;

/** The imports of a file with the given text, of files of the project. */
export function importsOf(from: string, text: string): Import[] {
  const to = (specifier: string): string => new URL(specifier, `file:///${from}`).pathname.slice(1);
  return [
    ...[...text.matchAll(STATIC)].map(([, type, path]) => ({
      from,
      to: to(path),
      isType: type !== undefined,
      isLate: false,
    })),
    ...[...text.matchAll(DYNAMIC)].map(([, path]) => ({ from, to: to(path), isType: false, isLate: true })),
  ];
}

/**
 * The imports among TypeScript files: of each in the named files and folders, by file. Those that import nothing are
 * there too.
 */
export function importGraph(root: string, names: readonly string[]): Map<string, Import[]> {
  const files = names.flatMap((name) => name.endsWith(".ts") ? [name] : filesIn(root, name));
  const imports = (file: string): Import[] =>
    importsOf(file, Deno.readTextFileSync(join(root, file))).filter(({ to }) => to.endsWith(".ts"));
  return new Map(files.map((file) => [file, imports(file)]));
}

function filesIn(root: string, folder: string): string[] {
  const entries = [...Deno.readDirSync(join(root, folder))].sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesIn(root, path) : name.endsWith(".ts") ? [path] : [];
  });
}
