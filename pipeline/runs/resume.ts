/** What a resumed run may be asked for. */
import { resolve } from "@std/path";
import { UsageError } from "../../runtime/system/errors.ts";
import type { RunInfo } from "./folder.ts";

/** One thing that a run is asked for. */
export interface Asked {
  /** What messages call it, e.g. `--epochs`. */
  readonly name: string;
  /** Where it stands in the run's settings, e.g. `recipe.training.epochs`. */
  readonly path: string;
  /** What is asked for. */
  readonly value: unknown;
}

/**
 * Holds what is asked for against a run's own settings: it may repeat them, not change them, but for the folder of the
 * data: the same images may lie elsewhere.
 * @throws {UsageError} Naming the first that contradicts.
 */
export function checkResumed(asked: readonly Asked[], info: RunInfo, dir: string): void {
  for (const { name, path, value } of asked) {
    if (path === "data") continue;
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
