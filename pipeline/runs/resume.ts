/** What a resumed run may be asked for. */
import { resolve } from "@std/path";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { cut, oneLine } from "../../runtime/system/texts.ts";
import type { Data } from "../data/dataset.ts";
import type { RunInfo, RunSettings } from "./folder.ts";

/** One thing that a run is asked for. */
export interface Asked {
  /** What messages call it, e.g. `--epochs`. */
  readonly name: string;
  /** Where it stands in the run's settings, e.g. `recipe.training.epochs`. */
  readonly path: string;
  /** What is asked for. */
  readonly value: unknown;
}

/** What a run that goes on may be asked for anew, where it stands: folders, of the same images and for TensorBoard. */
const MAY_CHANGE: readonly string[] = ["data", "tensorboard"] satisfies (keyof RunSettings)[];

/** Of what a run that goes on is asked for, what may be other than it was. */
export function changesOf(asked: readonly Asked[]): Partial<RunSettings> {
  const changes = asked.filter(({ path }) => MAY_CHANGE.includes(path));
  return Object.fromEntries(changes.map(({ path, value }) => [path, value]));
}

/**
 * Holds what is asked for against a run's own settings: it may repeat them, not change them, but for folders that may.
 * @throws {UsageError} Naming the first that contradicts.
 */
export function checkResumed(asked: readonly Asked[], info: RunInfo, dir: string): void {
  for (const { name, path, value } of asked) {
    if (MAY_CHANGE.includes(path)) continue;
    const own = path.split(".").reduce((at: unknown, key) => Object(at)[key], info);
    if (path === "init" && own !== undefined && resolve(String(value)) === resolve(String(own))) continue;
    const found = difference(value, own);
    if (found === undefined) continue;
    const inside = found.path.length > 0;
    throw new UsageError(
      `Cannot resume ${dir} with ${name}${inside ? "" : ` ${show(found.one)}`}: ` +
        (inside ? `its ${found.path.join(".")} is ${show(found.one)}, ` : "") +
        `the run has ${show(found.other)}; leave it out, or start a new run`,
    );
  }
}

/**
 * Holds the classes of data against those of the data that a run was begun with.
 * @param action The beginning of a message, such as `Cannot resume runs/a`.
 * @throws {UserError} If they are others.
 */
export function checkClasses(
  info: Pick<RunInfo, "classes">,
  { train: { classes } }: Data,
  action: string,
): void {
  if (info.classes === undefined || info.classes.join("\n") === classes.join("\n")) return;
  const named = (names: readonly string[]): string =>
    `${names.length} classes (${cut(names.map(oneLine).join(", "), 60)})`;
  throw new UserError(
    `${action}: the data have ${named(classes)}, those that it was begun with ${named(info.classes)}; ` +
      "give the folder of these as --data",
  );
}

/**
 * Holds the data that a run goes on with against those that it was begun with.
 * @throws {UserError} If they have other classes, or are other pictures: the run would not be the same.
 */
export function checkSameData(info: RunInfo, data: Data, dir: string): void {
  checkClasses(info, data, `Cannot resume ${dir}`);
  if (info.digest === data.digest) return;
  throw new UserError(
    `Cannot resume ${dir}: the images are not those that it was begun with; ` +
      "give the folder of these as --data, or start a new run",
  );
}

/** The first place in which two values of plain data differ. What only tells people about them does not count. */
export function difference(
  one: unknown,
  other: unknown,
  path: readonly string[] = [],
): { path: readonly string[]; one: unknown; other: unknown } | undefined {
  if (Object.is(one, other)) return undefined;
  if (!isObject(one) || !isObject(other)) return { path, one, other };
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (key === "about") continue;
    const found = difference(one[key], other[key], [...path, key]);
    if (found !== undefined) return found;
  }
}

/** Lists too: their keys are the places. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  if (value === undefined) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
