/** Where the rooms, their boxes and the arrows stand in docs/architecture.svg. */
import type { Box, House, Room } from "./rooms.ts";

// Sizes are in pixels of the picture at its own size.
/** The least width of the whole, and what is left around it. */
const [WIDTH, MARGIN] = [1000, 14];
/** Between two rooms; from a room's wall to the boxes in it; of a room's name and caption. */
const [ROOM_GAP, INSET, HEAD] = [24, 10, 50];
/** Of the entrances above the rooms, and of the arrows out of them. */
const [ENTRANCE, ENTRANCE_ARROW] = [32, 20];
/** Between two levels of a room, where an arrow is; between boxes side by side. */
const [LEVEL_GAP, BOX_GAP] = [22, 8];
/** Of the lane of an arrow that passes a level. */
const LANE = 14;
/** From a box's side to its text; of a box's first line, and of its further ones. */
export const [PAD, TITLE, LINE] = [8, 24, 14];
/** Of the sign of a room, and from one to the next. */
export const [SIGN, SIGN_STEP] = [15, 17];
/** Of the legend, below the last room. */
export const [LEGEND, LEGEND_LINE] = [88, 22];
/** Of a character in a name, in a list of files, in a count and in a caption, each in the widest of the usual fonts. */
const [NAME, FILE, DIGIT, LETTER] = [7.3, 6.65, 7, 6];

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

/** A straight arrow: its two ends. */
export type Arrow = readonly [from: Point, to: Point];

/** A box in its place, with its files in lines. */
export type PlacedBox = Box & Rectangle & { readonly lines: readonly string[] };

/** A room in its place. */
export type PlacedRoom = Rectangle & Pick<Room, "name" | "caption" | "files"> & {
  readonly boxes: readonly PlacedBox[];
  readonly arrows: readonly Arrow[];
};

/** Where one comes in from outside, above the rooms that it leads to. */
export type Entrance = Rectangle & { readonly name: string; readonly arrows: readonly Arrow[] };

/** The whole picture. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly rooms: readonly PlacedRoom[];
  /** From room to room. */
  readonly arrows: readonly Arrow[];
  readonly entrances: readonly Entrance[];
  /** Where the legend begins. */
  readonly legend: Point;
}

/** What stands before the further lines of a group: they belong to the folder that it begins with. */
const indentOf = ([first]: readonly string[]): string => first.endsWith("/") ? "\u00a0\u00a0" : "";

/** The width that a box needs: for its first line, and for the longest of its words. */
function leastWidth({ name, count, uses, groups }: Box): number {
  const title = name.length * NAME + (count > 0 ? 6 + String(count).length * DIGIT : 0) +
    (uses.length > 0 ? 6 + SIGN + (uses.length - 1) * SIGN_STEP : 0);
  const words = groups.flatMap((group) => group.map((word) => (indentOf(group) + word).length * FILE));
  return 2 * PAD + Math.max(title, ...words);
}

/** The words of each group in lines of at most so many characters. */
function wrap(groups: Box["groups"], characters: number): string[] {
  return groups.flatMap((group) => {
    const [first, ...words] = group;
    const lines = [first];
    for (const word of words) {
      const longer = `${lines.at(-1)} ${word}`;
      if (longer.length <= characters) lines[lines.length - 1] = longer;
      else lines.push(indentOf(group) + word);
    }
    return lines;
  });
}

/** The arrow of an import that passes levels, in a lane beside their boxes. */
interface Lane {
  readonly from: string;
  readonly to: string;
  /** Levels of its ends: it passes those between. */
  readonly top: number;
  readonly bottom: number;
  readonly isLeft: boolean;
  /** How many lanes are further out on its side. */
  readonly place: number;
}

function lanesOf({ rows, edges }: Room): Lane[] {
  const levelOf = (name: string): number => rows.findIndex((names) => names.includes(name));
  const passing = edges.map(([from, to]) => {
    const [top, bottom] = [levelOf(from), levelOf(to)];
    const isLeft = rows[top][0] === from && rows[bottom][0] === to; // where both ends reach
    return { from, to, top, bottom, isLeft };
  }).filter(({ top, bottom }) => top > bottom + 1).sort((a, b) => (b.top - b.bottom) - (a.top - a.bottom));
  return [true, false].flatMap((isLeft) =>
    passing.filter((lane) => lane.isLeft === isLeft).map((lane, place) => ({ ...lane, place }))
  );
}

/** What the lanes that pass a level take of a room's width. */
function lanesBeside(room: Room, level: number): { left: number; right: number } {
  const taken = (isLeft: boolean): number =>
    Math.max(
      0,
      ...lanesOf(room).filter((lane) => lane.isLeft === isLeft && lane.bottom < level && level < lane.top)
        .map(({ place }) => (place + 1) * LANE),
    );
  return { left: taken(true), right: taken(false) };
}

/** The width that the boxes of a level need, with what lies beside and between them. */
function leastRowWidth(room: Room, level: number): number {
  const { left, right } = lanesBeside(room, level);
  const boxes = room.rows[level].map((name) => leastWidth(room.boxes.get(name)!) + BOX_GAP);
  return left + right + sum(boxes) - BOX_GAP;
}

/** Places a room's boxes from its floor up: at `y` 0 is the floor, above it `y` is negative. */
function arrange(room: Room, width: number): { boxes: PlacedBox[]; arrows: Arrow[]; height: number } {
  const placed = new Map<string, PlacedBox>();
  let floor = 0;
  for (const [level, names] of room.rows.entries()) {
    const boxes = names.map((name) => room.boxes.get(name)!);
    // What is left over goes to those with the most text.
    const texts = boxes.map(({ groups }) => 1 + groups.flat().join(" ").length);
    const over = width - leastRowWidth(room, level);
    let x = lanesBeside(room, level).left;
    let highest = 0;
    for (const [i, box] of boxes.entries()) {
      const width = leastWidth(box) + over * texts[i] / sum(texts);
      const lines = wrap(box.groups, Math.floor((width - 2 * PAD) / FILE));
      const height = TITLE + (lines.length > 0 ? lines.length * LINE + 3 : 0);
      placed.set(names[i], { ...box, x, y: floor - height, width, height, lines });
      x += width + BOX_GAP;
      highest = Math.max(highest, height);
    }
    floor -= highest + LEVEL_GAP;
  }
  const arrows = room.edges.map(([from, to]): Arrow => {
    const [upper, lower] = [placed.get(from)!, placed.get(to)!];
    const lane = lanesOf(room).find((lane) => lane.from === from && lane.to === to);
    const middle = (Math.max(upper.x, lower.x) + Math.min(upper.x + upper.width, lower.x + lower.width)) / 2;
    const outer = lane && (lane.place + 0.5) * LANE;
    const x = outer === undefined ? middle : lane!.isLeft ? outer : width - outer;
    return [{ x, y: upper.y + upper.height }, { x, y: lower.y }];
  });
  return { boxes: [...placed.values()], arrows, height: -floor - LEVEL_GAP };
}

/** Lays the picture out. */
export function layOut({ rooms, edges, entrances }: House): Layout {
  const leasts = rooms.map((room) =>
    Math.max(room.caption.length * LETTER, ...room.rows.keys().map((level) => leastRowWidth(room, level)))
  );
  const walls = 2 * MARGIN + rooms.length * 2 * INSET + (rooms.length - 1) * ROOM_GAP;
  const over = Math.max(0, WIDTH - walls - sum(leasts)) / rooms.length;

  const y = MARGIN + ENTRANCE + ENTRANCE_ARROW;
  let end = MARGIN - ROOM_GAP;
  const placed = rooms.map((room, i): PlacedRoom => {
    const { name, caption, files } = room;
    const { boxes, arrows, height: tall } = arrange(room, leasts[i] + over);
    const [x, width, height] = [end + ROOM_GAP, leasts[i] + over + 2 * INSET, HEAD + tall + INSET];
    const move = <P extends Point>(at: P): P => ({ ...at, x: x + INSET + at.x, y: y + HEAD + tall + at.y });
    end = x + width;
    return {
      ...{ name, caption, files, x, y, width, height },
      boxes: boxes.map(move),
      arrows: arrows.map(([from, to]) => [move(from), move(to)]),
    };
  });
  const roomOf = (name: string): PlacedRoom => placed.find((room) => room.name === name)!;
  const last = placed.at(-1)!;
  const legend = { x: last.x + INSET, y: y + last.height + 2 * INSET };
  return {
    width: end + MARGIN,
    height: Math.max(legend.y + LEGEND, ...placed.map(({ height }) => y + height)) + MARGIN,
    rooms: placed,
    arrows: edges.map(([from, to]) => [roomOf(from), roomOf(to)]).map(([from, to]) => [
      { x: from.x, y: y + 17 },
      { x: to.x + to.width, y: y + 17 },
    ]),
    entrances: entrances.map(({ name, to }) => {
      const rooms = to.map(roomOf);
      const [first, last] = [rooms[0], rooms.at(-1)!];
      const middles = rooms.map(({ x, width }) => x + width / 2);
      return {
        ...{ name, x: first.x, y: MARGIN, width: last.x + last.width - first.x, height: ENTRANCE },
        arrows: middles.map((x): Arrow => [{ x, y: MARGIN + ENTRANCE }, { x, y }]),
      };
    }),
    legend,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
