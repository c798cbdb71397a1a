/** What docs/architecture.svg shows: the rooms with their folders and files by level, and what imports what. */
import type { Import } from "../../tests/import_graph.ts";
import { matches, placeOf, roomOf, type Rules } from "../../tests/room_rules.ts";

/** What each room is for. */
const CAPTIONS: Readonly<Record<string, string>> = {
  runtime: "TensorFlow's C API, ops and jit",
  layers: "the model as data, and its readers",
  pipeline: "from images to trained weights",
  scripts: "the tasks: flags in, lines out",
};

/** A box of the picture: a folder, or a file that is in none. */
export interface Box {
  readonly name: string;
  /** The files of a folder, one group for itself and one for each folder in it, which begins with that one's name. */
  readonly groups: readonly (readonly string[])[];
  /** How many files there are; 0 for a file. */
  readonly count: number;
  /** Whether it is or has a front door. */
  readonly hasDoor: boolean;
  /** Whether everyone may import its files. */
  readonly isOpen: boolean;
  /** Other rooms that it imports from, but for what everyone may import. */
  readonly uses: readonly string[];
}

/** By file its imports. */
export type Graph = ReadonlyMap<string, readonly Import[]>;

/** By importer what is imported. */
type Edges = ReadonlyMap<string, ReadonlySet<string>>;

/** The edges that do not follow from others: `a > c` does where `a > b` and `b > c` are. */
export function reduced(edges: Edges): [from: string, to: string][] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...edges.get(from) ?? []].some((next) =>
      next === to || (!seen.has(next) && reaches(next, to, seen.add(next)))
    );
  return [...edges].flatMap(([from, below]) => {
    const others = [...below];
    return others.filter((to) => !others.some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]);
  });
}

/** Names by level, the lowest first: each stands one above the highest that it may import. */
export function levels(order: Edges): string[][] {
  const level = (name: string): number => 1 + Math.max(-1, ...[...order.get(name)!].map(level));
  return Object.values(Object.groupBy(order.keys(), level)).map((names) => names!);
}

/** The imports as edges between what `nameOf` calls the files; it does not name those that are left out. */
function edgesBetween(graph: Graph, nameOf: (file: string) => string | undefined): Edges {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of [...graph.values()].flat()) {
    const [importer, imported] = [nameOf(from), nameOf(to)];
    if (importer === undefined || imported === undefined || importer === imported) continue;
    edges.set(importer, (edges.get(importer) ?? new Set()).add(imported));
  }
  return edges;
}

/** The boxes of a room, by what its order calls them. */
function boxesOf(room: string, graph: Graph, rules: Rules): Map<string, Box> {
  const order = rules.order.get(room)!;
  const isOpen = (file: string): boolean =>
    rules.open.some(({ file: pattern, by }) => by === "*" && matches(pattern, file));
  const boxOf = (name: string, files: readonly string[]): Box => {
    const folder = `${room}/${name}/`;
    const isFolder = files[0].startsWith(folder);
    const listed = isFolder || name === "*.ts" ? files.filter((file) => file !== `${folder}mod.ts`) : [];
    const paths = listed.map((file) => file.replace(/\.ts$/, "").split("/").slice(isFolder ? 2 : 1));
    const groups = Map.groupBy(paths, (path) => path.slice(0, -1).map((part) => `${part}/`).join(""));
    const imported = files.flatMap((file) => graph.get(file)!).map(({ to }) => to);
    const used = new Set(imported.filter((file) => !isOpen(file)).map(roomOf));
    return {
      name: isFolder ? `${name}/` : name,
      groups: [...groups].sort(([a], [b]) => a < b ? -1 : 1)
        .map(([inner, paths]) => [...(inner === "" ? [] : [inner]), ...paths.map((path) => path.at(-1)!)]),
      count: listed.length === 0 ? 0 : files.length,
      hasDoor: files.some((file) => file === `${room}/mod.ts` || file === `${folder}mod.ts`),
      isOpen: files.every(isOpen),
      uses: [...rules.order.keys()].filter((other) => other !== room && used.has(other)),
    };
  };
  const files = [...graph.keys()].filter((file) => roomOf(file) === room);
  return new Map(
    [...Map.groupBy(files, (file) => placeOf(file, order))].map((
      [name, files],
    ) => [name, boxOf(name, files)]),
  );
}

/** A room: its boxes, and the imports between them that do not follow from others. */
export interface Room {
  readonly name: string;
  readonly caption: string;
  /** How many files it has. */
  readonly files: number;
  readonly boxes: ReadonlyMap<string, Box>;
  /** Names of the boxes by level, the lowest first. */
  readonly rows: readonly (readonly string[])[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

/** All that the picture shows. */
export interface House {
  /** In their order. */
  readonly rooms: readonly Room[];
  /** The imports between rooms that do not follow from others. */
  readonly edges: readonly (readonly [from: string, to: string])[];
  /** Where one comes in from outside, and the rooms that it leads to, in their order. */
  readonly entrances: readonly { readonly name: string; readonly to: readonly string[] }[];
}

function readRoom(name: string, graph: Graph, rules: Rules): Room {
  const order = rules.order.get(name)!;
  const boxes = boxesOf(name, graph, rules);
  const within = edgesBetween(graph, (file) => roomOf(file) === name ? placeOf(file, order) : undefined);
  return {
    name,
    caption: CAPTIONS[name] ?? "",
    files: [...graph.keys()].filter((file) => roomOf(file) === name).length,
    boxes,
    rows: levels(order).map((names) => names.filter((name) => boxes.has(name))),
    edges: reduced(within),
  };
}

/** The rooms of the rules with the files of the graph. */
export function readHouse(graph: Graph, rules: Rules): House {
  const names = [...rules.order.get("rooms")!.keys()];
  const isRoom = (name: string): boolean => rules.order.has(name);
  const rooms = names.filter(isRoom);
  const between = edgesBetween(graph, roomOf);
  const files = names.filter((name) => !isRoom(name)).map((name) => {
    return { name, to: names.filter((room) => between.get(name)?.has(room)) };
  });
  return {
    rooms: rooms.map((name) => readRoom(name, graph, rules)),
    edges: reduced(between).filter(([from]) => isRoom(from)),
    entrances: [...files, { name: "deno task", to: rooms.slice(-1) }],
  };
}
