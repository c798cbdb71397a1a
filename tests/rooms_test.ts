/** The rooms and their folders import each other in the order of docs/architecture.md, through the front doors. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { type Import, importGraph } from "./import_graph.ts";
import { granted } from "./needs.ts";
import { matches, PAGE, parseRules, placeOf, roomOf, type Rules } from "./room_rules.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

type Graph = ReadonlyMap<string, readonly Import[]>;

/** What is wrong with one import, and what to do; nothing if it may be. */
function fault({ from, to }: Import, { order, open }: Rules): string | undefined {
  const rooms = order.get("rooms")!;
  const [room, other] = [roomOf(from), roomOf(to)];
  if (!rooms.has(other)) return `${other} is no room: name it in ${PAGE}, or move the file into one`;
  const isDoor = to.endsWith("/mod.ts");
  if (room !== other) {
    if (!rooms.get(room)!.has(other)) {
      return `${room} stands before ${other}: move what is needed to ${room} or a room before it`;
    }
    if (isDoor || open.some(({ file, by }) => matches(file, to) && matches(by, from))) return undefined;
    return `it is behind a front door of another room: import what ${other}'s or its folder's mod.ts gives, ` +
      `or name the exception in ${PAGE}`;
  }
  const names = order.get(room)!;
  const [place, below] = [from, to].map((file) => placeOf(file, names));
  for (const name of [place, below]) {
    if (!names.has(name)) return `${room}/${name} has no place: give it one in ${PAGE}`;
  }
  if (isDoor && from !== `${room}/mod.ts`) {
    return `a front door is for other rooms: import the file behind it`;
  }
  if (place === below || names.get(place)!.has(below)) return undefined;
  return names.get(below)!.has(place)
    ? `${place} stands before ${below}: move what is needed to ${place} or before it`
    : `${place} and ${below} stand side by side: move what both need to what stands before them`;
}

/** The files of a way from a file back to itself, if there is one. */
function circle(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { to } of graph.get(file) ?? []) {
      const found = visit(to, [...way, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

/** A way by which one file loads another that matches with itself, if there is one. */
function loads(graph: Graph, file: string, pattern: string, seen = new Set<string>()): string[] | undefined {
  if (matches(pattern, file)) return [file];
  if (seen.has(file)) return undefined;
  seen.add(file);
  for (const { to, isType, isLate } of graph.get(file) ?? []) {
    const way = isType || isLate ? undefined : loads(graph, to, pattern, seen);
    if (way) return [file, ...way];
  }
  return undefined;
}

/** Everything that is wrong, a line each: the file, the import, the rule, and what to do. */
function faults(graph: Graph, rules: Rules): string[] {
  const imports = [...graph.values()].flat();
  const found = imports.map((one) => [one, fault(one, rules)] as const).filter(([, fault]) => fault)
    .map(([{ from, to }, fault]) => `${from} imports ${to}: ${fault}`);
  const round = circle(graph);
  if (round) found.push(`${round.join(" imports ")}: a circle; move what both need to a file of its own`);
  for (const { file, by } of rules.open) {
    if (
      !imports.some(({ from, to }) => roomOf(from) !== roomOf(to) && matches(file, to) && matches(by, from))
    ) {
      found.push(`${PAGE}: nothing of ${by} imports ${file} any more; take the exception out`);
    }
  }
  for (const { file, other } of rules.without) {
    const way = [...graph.keys()].filter((path) => matches(file, path)).map((path) =>
      loads(graph, path, other)
    ).find((way) => way);
    if (way) {
      found.push(
        `${way.join(" imports ")}: ${file} must load nothing of ${other}; import types only, or less`,
      );
    }
  }
  return found;
}

Deno.test({
  name: "rooms: every import is in the order of docs/architecture.md and through the front doors",
  ignore: !granted("read"),
  fn(): void {
    const rules = parseRules(Deno.readTextFileSync(join(ROOT, PAGE)));
    const graph = importGraph(ROOT, [...rules.order.get("rooms")!.keys()]);
    assertEquals(faults(graph, rules), []);
  },
});

/** A page of two rooms, for the tests of the rules themselves. */
const MADE = parseRules(`
## The order

\`\`\`text
rooms: cellar < house < mod.ts
cellar: wood < coal, wine < mod.ts
house: hall < kitchen < roof
house: hall < stairs
house: kitchen < *.ts
\`\`\`

## Past the front doors

| file            | imported by | why |
| --------------- | ----------- | --- |
| \`cellar/wood/*\` | \`*\`         |     |

## Loaded without

| file            | loads nothing of | why |
| --------------- | ---------------- | --- |
| \`house/hall/*\`  | \`cellar/coal/*\`  |     |
`);

/** Imports as "from > to", of types only as "from : to", late ones as "from ~ to". One that the rules allow is always there. */
function made(...imports: string[]): Graph {
  const all = ["house/hall/door.ts > cellar/wood/oak.ts", ...imports].map((line): Import => {
    const [from, how, to] = line.split(" ");
    return { from, to, isType: how === ":", isLate: how === "~" };
  });
  return Map.groupBy(all, ({ from }) => from);
}

Deno.test("rooms: what is allowed", () => {
  const graph = made(
    "cellar/coal/a.ts > cellar/wood/oak.ts",
    "cellar/mod.ts > cellar/wine/mod.ts",
    "cellar/wine/mod.ts > cellar/wine/red.ts",
    "house/roof/a.ts > house/hall/door.ts",
    "house/hall/deep/a.ts > house/hall/door.ts",
    "house/roof/a.ts > cellar/mod.ts",
    "house/hall/door.ts : cellar/coal/mod.ts",
    "house/hall/window.ts ~ cellar/coal/mod.ts",
    "house/plan.ts > house/kitchen/stove.ts",
    "mod.ts > house/roof/mod.ts",
  );
  assertEquals(faults(graph, MADE), []);
});

Deno.test("rooms: each rule, broken, is said with the file, the import and what to do", () => {
  const behind =
    "it is behind a front door of another room: import what cellar's or its folder's mod.ts gives, " +
    "or name the exception in docs/architecture.md";
  const cases: [imports: string[], fault: string][] = [
    [
      ["cellar/coal/a.ts > house/roof/mod.ts"],
      "cellar/coal/a.ts imports house/roof/mod.ts: cellar stands before house: " +
      "move what is needed to cellar or a room before it",
    ],
    [
      ["house/roof/a.ts > mod.ts"],
      "house/roof/a.ts imports mod.ts: house stands before mod.ts: move what is needed to house or a room before it",
    ],
    [["house/roof/a.ts > cellar/wine/red.ts"], `house/roof/a.ts imports cellar/wine/red.ts: ${behind}`],
    [["mod.ts > cellar/wine/red.ts"], `mod.ts imports cellar/wine/red.ts: ${behind}`],
    [
      ["house/roof/a.ts > garden/mod.ts"],
      "house/roof/a.ts imports garden/mod.ts: garden is no room: " +
      "name it in docs/architecture.md, or move the file into one",
    ],
    [
      ["house/hall/door.ts > house/roof/a.ts"],
      "house/hall/door.ts imports house/roof/a.ts: hall stands before roof: move what is needed to hall or before it",
    ],
    [
      ["cellar/coal/a.ts : cellar/wine/red.ts"],
      "cellar/coal/a.ts imports cellar/wine/red.ts: coal and wine stand side by side: " +
      "move what both need to what stands before them",
    ],
    [
      ["house/stairs/a.ts > house/kitchen/stove.ts"],
      "house/stairs/a.ts imports house/kitchen/stove.ts: stairs and kitchen stand side by side: " +
      "move what both need to what stands before them",
    ],
    [
      ["house/roof/a.ts > house/kitchen/mod.ts"],
      "house/roof/a.ts imports house/kitchen/mod.ts: a front door is for other rooms: import the file behind it",
    ],
    [
      ["house/attic/a.ts > house/hall/door.ts"],
      "house/attic/a.ts imports house/hall/door.ts: house/attic has no place: give it one in docs/architecture.md",
    ],
    [
      ["cellar/coal/a.ts > cellar/loose.ts"],
      "cellar/coal/a.ts imports cellar/loose.ts: cellar/loose.ts has no place: give it one in docs/architecture.md",
    ],
    [
      [
        "house/roof/a.ts > house/roof/b.ts",
        "house/roof/b.ts > house/roof/c.ts",
        "house/roof/c.ts : house/roof/b.ts",
      ],
      "house/roof/b.ts imports house/roof/c.ts imports house/roof/b.ts: a circle; " +
      "move what both need to a file of its own",
    ],
    [
      ["house/hall/door.ts > cellar/coal/mod.ts"],
      "house/hall/door.ts imports cellar/coal/mod.ts: house/hall/* must load nothing of cellar/coal/*; " +
      "import types only, or less",
    ],
  ];
  for (const [imports, fault] of cases) assertEquals(faults(made(...imports), MADE), [fault]);
  assertEquals(faults(new Map(), MADE), [
    "docs/architecture.md: nothing of * imports cellar/wood/* any more; take the exception out",
  ]);
});
