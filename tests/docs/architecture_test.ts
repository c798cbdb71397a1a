/** docs/architecture.svg is what the imports say, and docs/architecture.md names what there is. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { drawArchitecture, PICTURE } from "../../docs/architecture/draw.ts";
import { layOut, type PlacedBox } from "../../docs/architecture/layout.ts";
import { levels, readHouse, reduced } from "../../docs/architecture/rooms.ts";
import { importGraph, importsOf } from "../import_graph.ts";
import { granted } from "../needs.ts";
import { PAGE, parseRules } from "../room_rules.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

Deno.test({
  name: "docs/architecture.svg: drawn from the imports as they are",
  ignore: !granted("read"),
  fn(): void {
    const isSame = Deno.readTextFileSync(join(ROOT, PICTURE)) === drawArchitecture(ROOT);
    assert(isSame, `${PICTURE} is not of these files and imports: deno run -A docs/architecture/draw.ts`);
  },
});

Deno.test({
  name: "docs/architecture.md: every path and name is there",
  ignore: !granted("read"),
  fn(): void {
    const page = Deno.readTextFileSync(join(ROOT, PAGE));
    const { order } = parseRules(page);
    const rooms = [...order.get("rooms")!.keys()];
    const files = [...importGraph(ROOT, [...rooms, "docs", "tests", "std"]).keys()];
    const sources = new Map(files.map((file) => [file, Deno.readTextFileSync(join(ROOT, file))]));
    const declares = (source: string, name: string): boolean =>
      new RegExp(`^(export )?(async )?(function\\*?|const|class|interface|type) ${name}\\b`, "m").test(
        source,
      );

    const spans = [...page.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
    const paths = spans.filter((span) => /^([\w*-]+\/)*[\w*-]+\.ts$|^[\w-]+\/([\w*-]+\/)*\*?$/.test(span));
    assert(paths.length > 40, `${paths.length} paths`);
    for (const path of paths) {
      const pattern = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll("*", ".*")}`);
      assert(files.some((file) => pattern.test(file)), `${PAGE} names ${path}: there is no such file`);
    }
    for (const [room, names] of order) {
      for (const name of room === "rooms" ? [] : names.keys()) {
        const found = name === "*.ts" || files.some((file) => `${file}/`.startsWith(`${room}/${name}/`));
        assert(found, `${PAGE} gives ${room}/${name} a place: there is no such file or folder`);
      }
    }

    const pairs = [...page.matchAll(/`([\w/.-]+\.ts)`: (`\w+`(?:, `\w+`(?!:))*)/g)]
      .flatMap(([, file, names]) => [...names.matchAll(/\w+/g)].map(([name]) => ({ file, name })));
    assert(pairs.length > 40, `${pairs.length} names of files`);
    for (const { file, name } of pairs) {
      assert(declares(sources.get(file)!, name), `${PAGE} says ${file}: ${name}; it declares no ${name}`);
    }
    for (const name of spans.filter((span) => /^[a-z]+([A-Z][a-z]+)+$/.test(span))) {
      const isDeclared = sources.values().some((source) => declares(source, name));
      assert(isDeclared, `${PAGE} names ${name}: no file declares it`);
    }
  },
});

Deno.test("reduced: an edge that follows from others is left out", () => {
  const edges = { d: ["c", "b", "a"], c: ["b"], b: ["a"], e: ["a", "c"] };
  assertEquals(reduced(new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)]))), [
    ["d", "c"],
    ["c", "b"],
    ["b", "a"],
    ["e", "c"],
  ]);
});

/** Two rooms: `house/roof` passes `house/kitchen` on its way to `house/hall/coat.ts`. */
const PAGE_OF_TWO = `
\`\`\`text
rooms: cellar < house < mod.ts
cellar: wood < coal, wine < mod.ts
house: hall < kitchen < roof
house: door.ts < roof
\`\`\`

## Past the front doors

| file            | imported by | why |
| --------------- | ----------- | --- |
| \`cellar/wood/*\` | \`*\`         |     |

## Loaded without
`;

const GRAPH = new Map(
  Object.entries({
    "cellar/wood/oak.ts": [],
    "cellar/wood/split/log.ts": [],
    "cellar/coal/a.ts": ["../wood/oak.ts"],
    "cellar/wine/red.ts": ["../wood/oak.ts"],
    "cellar/mod.ts": ["./coal/a.ts", "./wine/red.ts", "./wood/oak.ts"],
    "house/hall/coat.ts": ["../../cellar/wood/oak.ts"],
    "house/kitchen/stove.ts": ["../../cellar/mod.ts"],
    "house/kitchen/mod.ts": ["./stove.ts"],
    "house/door.ts": [],
    "house/roof/a.ts": ["../hall/coat.ts", "../door.ts"],
    "mod.ts": ["./house/kitchen/mod.ts", "./cellar/mod.ts"],
  }).map(([file, to]) => [file, importsOf(file, to.map((path) => `import "${path}";`).join("\n"))]),
);

Deno.test("readHouse: rooms by level, what a box says, which imports are drawn", () => {
  const { rooms: [cellar, house], edges, entrances } = readHouse(GRAPH, parseRules(PAGE_OF_TWO));
  assertEquals(cellar.rows, [["wood"], ["coal", "wine"], ["mod.ts"]]);
  assertEquals(house.rows, [["hall", "door.ts"], ["kitchen"], ["roof"]]);
  assertEquals(cellar.edges, [["coal", "wood"], ["wine", "wood"], ["mod.ts", "coal"], ["mod.ts", "wine"]]);
  assertEquals(house.edges, [["roof", "hall"], ["roof", "door.ts"]]);
  assertEquals([cellar.files, house.files], [5, 5]);
  assertEquals(cellar.boxes.get("wood"), {
    name: "wood/",
    groups: [["oak"], ["split/", "log"]],
    count: 2,
    hasDoor: false,
    isOpen: true,
    uses: [],
  });
  assertEquals(house.boxes.get("kitchen"), {
    name: "kitchen/",
    groups: [["stove"]],
    count: 2,
    hasDoor: true,
    isOpen: false,
    uses: ["cellar"],
  });
  assertEquals(house.boxes.get("hall")!.uses, [], "what is open to everyone is not said");
  assertEquals(edges, [["house", "cellar"]]);
  assertEquals(entrances, [{ name: "mod.ts", to: ["cellar", "house"] }, {
    name: "deno task",
    to: ["house"],
  }]);
});

Deno.test("levels: one above the highest below", () => {
  const { order } = parseRules(PAGE_OF_TWO);
  assertEquals(levels(order.get("rooms")!), [["cellar"], ["house"], ["mod.ts"]]);
});

Deno.test({
  name: "layOut: boxes lie in their rooms, beside each other and beside the arrows that pass",
  ignore: !granted("read"),
  fn(): void {
    const rules = parseRules(Deno.readTextFileSync(join(ROOT, PAGE)));
    const house = readHouse(importGraph(ROOT, [...rules.order.get("rooms")!.keys()]), rules);
    const { width, height, rooms } = layOut(house);
    for (const room of rooms) {
      assert(room.x >= 0 && room.x + room.width <= width && room.y + room.height <= height, room.name);
      const overlap = (a: PlacedBox, b: PlacedBox): boolean =>
        a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
      for (const [i, box] of room.boxes.entries()) {
        const isInside = box.x > room.x && box.x + box.width < room.x + room.width &&
          box.y > room.y && box.y + box.height < room.y + room.height;
        assert(isInside, `${room.name}/${box.name} is in its room`);
        for (const other of room.boxes.slice(i + 1)) {
          assert(!overlap(box, other), `${room.name}: ${box.name} and ${other.name} overlap`);
        }
        for (const [from, to] of room.arrows) {
          assertEquals(from.x, to.x, "arrows in a room point straight down");
          const passes = box.x < from.x && from.x < box.x + box.width && from.y < box.y &&
            box.y + box.height < to.y;
          assert(!passes, `${room.name}: an arrow runs through ${box.name}`);
        }
      }
    }
  },
});
