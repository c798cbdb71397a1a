/** The order of the rooms and their folders, read from docs/architecture.md. */

/** The page, from the project's root. */
export const PAGE = "docs/architecture.md";

/** What the page says. */
export interface Rules {
  /** By room, and by `rooms` for the rooms themselves: by name the names that it may import. */
  readonly order: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
  /** Files that may be imported past a front door, and by which; `*` is any text. */
  readonly open: readonly { readonly file: string; readonly by: string }[];
  /** What must not load what. */
  readonly without: readonly { readonly file: string; readonly other: string }[];
}

/** The rules of a page. */
export function parseRules(page: string): Rules {
  const [, lines] = page.match(/```text\n([^]*?)```/)!;
  const order = new Map<string, Map<string, Set<string>>>();
  for (const line of lines.trimEnd().split("\n")) {
    const [room, chain] = line.split(": ");
    const names = order.get(room) ?? new Map<string, Set<string>>();
    order.set(room, names);
    chain.split(" < ").map((level) => level.split(", ")).forEach((level, i, levels) => {
      for (const name of level) names.set(name, new Set([...names.get(name) ?? [], ...levels[i - 1] ?? []]));
    });
  }
  for (const names of order.values()) {
    for (const below of names.values()) {
      // A set's loop goes on with what is added in it.
      for (const name of below) for (const further of names.get(name)!) below.add(further);
    }
  }
  const table = (heading: string) => {
    const section = page.split("\n## ").find((section) => section.startsWith(`${heading}\n`))!;
    return [...section.matchAll(/^\| `(.*?)` *\| `(.*?)` *\|/gm)];
  };
  return {
    order,
    open: table("Past the front doors").map(([, file, by]) => ({ file, by })),
    without: table("Loaded without").map(([, file, other]) => ({ file, other })),
  };
}

/** Whether a path is one that the page names. */
export function matches(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(path);
}

/** `pipeline` of `pipeline/data/cifar/load.ts`; of a file in no room its name. */
export const roomOf = (file: string): string => file.split("/")[0];

/** What a room's order calls a file: its folder, or its own name, or `*.ts` where that is there. */
export function placeOf(file: string, names: ReadonlyMap<string, unknown>): string {
  const [, place] = file.split("/");
  return !names.has(place) && names.has("*.ts") && place.endsWith(".ts") ? "*.ts" : place;
}
