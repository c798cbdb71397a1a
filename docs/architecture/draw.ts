/**
 * Draws docs/architecture.svg: the rooms and their folders in the order of docs/architecture.md, the files in them, and
 * arrows that are their imports.
 *
 *     deno run -A docs/architecture/draw.ts
 */
import { fromFileUrl, join } from "@std/path";
import { importGraph } from "../../tests/import_graph.ts";
import { PAGE, parseRules } from "../../tests/room_rules.ts";
import {
  type Arrow,
  type Entrance,
  layOut,
  LEGEND_LINE,
  LINE,
  PAD,
  type PlacedBox,
  type PlacedRoom,
  SIGN,
  SIGN_STEP,
  TITLE,
} from "./layout.ts";
import { readHouse } from "./rooms.ts";

/** The picture, from the project's root. */
export const PICTURE = "docs/architecture.svg";

const SANS = 'ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif';
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

/** GitHub's colours, light and dark. */
const STYLE = `
  text { font: 12px ${SANS}; fill: #1f2328 }
  .room { font: 700 17px ${SANS}; fill: currentColor }
  .name { font: 600 12px ${MONO} }
  .files { font: 11px ${MONO} }
  .count { font: 11px ${SANS} }
  .letter { font: 700 10px ${SANS}; fill: #fff; text-anchor: middle }
  .caption { font: 12px ${SANS} }
  .caption, .files, .count { fill: #59636e }
  .end { text-anchor: end }
  .page, .box { fill: #fff }
  .page, .entrance { stroke: #d1d9e0 }
  .entrance { fill: #f6f8fa }
  .wall { fill: currentColor; fill-opacity: 0.09; stroke: currentColor; stroke-opacity: 0.35 }
  .box { stroke: currentColor; stroke-opacity: 0.75 }
  .open { stroke-dasharray: 4 3 }
  .door, .sign { fill: currentColor }
  .line { fill: none; stroke: #818b98; stroke-width: 1.5 }
  .head { fill: #818b98 }
  .legend { color: #818b98 }
  .runtime { color: #0969da }
  .layers { color: #1a7f37 }
  .pipeline { color: #bc4c00 }
  .scripts { color: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .letter { fill: #0d1117 }
    .caption, .files, .count { fill: #9198a1 }
    .page, .box { fill: #0d1117 }
    .page, .entrance { stroke: #3d444d }
    .entrance { fill: #151b23 }
    .runtime { color: #4493f8 }
    .layers { color: #3fb950 }
    .pipeline { color: #f0883e }
    .scripts { color: #ab7df8 }
  }
`;

/** A number as it stands in the picture. */
const n = (value: number): string => String(Math.round(value * 10) / 10);

function text(x: number, y: number, style: string, content: string): string {
  return `<text x="${n(x)}" y="${n(y)}" class="${style}">${content}</text>`;
}

interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function rectangle({ x, y, width, height }: Frame, radius: number, style: string): string {
  const size = `width="${n(width)}" height="${n(height)}"`;
  return `<rect x="${n(x)}" y="${n(y)}" ${size} rx="${radius}" class="${style}"/>`;
}

/** The tip of its head is at its end. */
function drawArrow([from, to]: Arrow): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const [x, y] = [to.x - 7 * dx, to.y - 7 * dy];
  const corner = (by: number): string => `${n(x - by * dy)} ${n(y + by * dx)}`;
  return `<path class="line" d="M${n(from.x)} ${n(from.y)} L${n(x)} ${n(y)}"/>` +
    `<path class="head" d="M${n(to.x)} ${n(to.y)} L${corner(4.5)} L${corner(-4.5)} Z"/>`;
}

/** A room's first letter in its colour, from `x` on. */
function drawSign(x: number, y: number, room: string): string {
  const middle = x + SIGN / 2;
  return `<g class="${room}"><circle cx="${n(middle)}" cy="${n(y)}" r="${SIGN / 2}" class="sign"/>` +
    text(middle, y + 3.6, "letter", room[0].toUpperCase()) + "</g>";
}

/** In a wall at `x`. */
function drawDoor(x: number, y: number): string {
  return rectangle({ x: x - 2.5, y: y - 6, width: 5, height: 12 }, 1.5, "door");
}

function drawBox(box: PlacedBox): string[] {
  const { x, y, width } = box;
  const count = box.count > 0 ? ` <tspan class="count">${box.count}</tspan>` : "";
  const signs = x + width - PAD - SIGN - (box.uses.length - 1) * SIGN_STEP;
  return [
    rectangle(box, 5, box.isOpen ? "box open" : "box"),
    ...(box.hasDoor ? [drawDoor(x + width, y + 13)] : []),
    text(x + PAD, y + 16.5, "name", box.name + count),
    ...box.uses.map((room, i) => drawSign(signs + i * SIGN_STEP, y + 12.5, room)),
    ...box.lines.map((line, i) => text(x + PAD, y + TITLE + 9 + i * LINE, "files", line)),
  ];
}

function drawRoom(room: PlacedRoom): string[] {
  const { x, y, width } = room;
  return [
    `<g class="${room.name}">`,
    rectangle(room, 8, "wall"),
    text(x + 10, y + 23, "room", `${room.name}/`),
    text(x + width - 10, y + 23, "caption end", `${room.files} files`),
    text(x + 10, y + 40, "caption", room.caption),
    ...room.arrows.map(drawArrow),
    ...room.boxes.flatMap(drawBox),
    "</g>",
  ];
}

/** What is said of an entrance beside its name. */
const ABOUT: Readonly<Record<string, string>> = {
  "mod.ts": "the public names, for programs of your own",
  "deno task": "train, bench, ...",
};

function drawEntrance(entrance: Entrance): string[] {
  const { name, x, y } = entrance;
  return [
    rectangle(entrance, 8, "entrance"),
    text(x + 10, y + 20.5, "name", `${name} <tspan class="caption">${ABOUT[name]}</tspan>`),
    ...entrance.arrows.map(drawArrow),
  ];
}

/** What the signs mean. `others`: the rooms that another one imports from. */
function drawLegend({ x, y }: { x: number; y: number }, others: readonly string[]): string[] {
  const items: readonly (readonly [about: string, draw: (y: number) => string[]])[] = [
    ["imports", (y) => [drawArrow([{ x, y }, { x: x + 26, y }])]],
    ["uses that room", (y) => others.map((room, i) => drawSign(x + i * SIGN_STEP, y, room))],
    ["front door: a mod.ts", (y) => [drawDoor(x + 13, y)]],
    ["open to everyone", (y) => [rectangle({ x, y: y - 7, width: 26, height: 14 }, 4, "box open")]],
  ];
  const lines = items.flatMap(([about, draw], i) => {
    const middle = y + (i + 0.5) * LEGEND_LINE;
    return [...draw(middle), text(x + others.length * SIGN_STEP + 6, middle + 4, "caption", about)];
  });
  return ['<g class="legend">', ...lines, "</g>"];
}

/** The picture of the project in a folder, as SVG. */
export function drawArchitecture(root: string): string {
  const rules = parseRules(Deno.readTextFileSync(join(root, PAGE)));
  const graph = importGraph(root, [...rules.order.get("rooms")!.keys()]);
  const { width, height, rooms, arrows, entrances, legend } = layOut(readHouse(graph, rules));
  const size = `width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}"`;
  return [
    "<!-- deno-fmt-ignore-file: drawn by docs/architecture/draw.ts -->",
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`,
    "<title>The rooms, their folders and files, and what imports what</title>",
    `<style>${STYLE}</style>`,
    rectangle({ x: 0.5, y: 0.5, width: width - 1, height: height - 1 }, 10, "page"),
    ...rooms.flatMap(drawRoom),
    ...arrows.map(drawArrow),
    ...entrances.flatMap(drawEntrance),
    ...drawLegend(legend, rooms.slice(0, -1).map(({ name }) => name)),
    "</svg>",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  Deno.writeTextFileSync(join(root, PICTURE), drawArchitecture(root));
}
