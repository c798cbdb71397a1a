/** Which run a session is about, and what is there of it already. */
import { join } from "@std/path";
import type { Model } from "../../layers/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { isFolder } from "../../runtime/system/files.ts";
import { check } from "../../runtime/system/schema.ts";
import { shellFlags } from "../../runtime/system/shell.ts";
import type { Training } from "../training/recipe.ts";
import { findRecipe } from "../training/recipes.ts";
import { disposeState, notFiniteProblem } from "../training/state.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import type { SessionOptions } from "./events.ts";
import {
  checkVacant,
  filesIn,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  type RunSettings,
  settingsSchema,
} from "./folder.ts";
import type { OwnedFolder } from "./owner.ts";
import { changesOf, checkResumed } from "./resume.ts";

/** A run whose folder is there, or one whose folder may have to be made. */
export type Opened =
  | { readonly resumed: RunInfo; readonly asked: RunSettings; readonly folder: OwnedFolder }
  | { readonly resumed?: undefined; readonly asked: RunSettings; readonly folder?: OwnedFolder };

/** Which run it is: what is asked of it, and its record if there is one already. A folder that is there is taken. */
export async function openRun(
  settings: Partial<RunSettings>,
  { dir, resume, force }: Pick<SessionOptions, "dir" | "resume" | "force">,
  own: (dir: string) => Promise<OwnedFolder>,
): Promise<Opened> {
  const checked = check(settingsSchema, settings, (problem) => new UsageError(`Cannot run: ${problem}`));
  if (resume) {
    if (dir === undefined) throw new UsageError("Cannot resume a run without its folder: give dir");
    if (force) throw new UsageError(`Cannot resume ${dir} and start over in it: leave one of them out`);
    await readRunInfo(dir); // before a file is made there: it may be no run's folder
    const folder = await own(dir);
    const resumed = await readRunInfo(dir);
    const asked = Object.entries(checked)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ({ name, path: name, value }));
    checkResumed(asked, resumed, dir);
    return { resumed, asked: { ...resumed, ...changesOf(asked) }, folder };
  }
  const { recipe = findRecipe("fast"), seed = 0 } = checked;
  const folder = dir !== undefined && await isFolder(dir) ? await own(dir) : undefined;
  if (dir !== undefined && !force) await checkVacant(dir);
  return { asked: { ...checked, recipe, seed }, folder };
}

/**
 * The last checkpoint; nothing if the run was stopped before its first one: it then begins again.
 * @throws {UserError} If there was one, and it is missing or cannot be gone on from.
 */
export async function restore(dir: string, model: Model, training: Training) {
  const path = join(dir, RUN_FILES.checkpoint);
  const files = await filesIn(dir);
  const hasWeights = files.includes(RUN_FILES.weights);
  const wayOut = hasWeights
    ? `start another run from its weights with ${shellFlags({ init: join(dir, RUN_FILES.weights) })}`
    : `start over with ${shellFlags({ run: dir })} --force`;
  if (!files.includes(RUN_FILES.checkpoint)) {
    if (!hasWeights) return undefined; // a save writes the checkpoint before them
    throw new UserError(
      `Cannot resume ${dir}: ${RUN_FILES.weights} is there, ${RUN_FILES.checkpoint} is not; put it back, or ${wayOut}`,
    );
  }
  const restored = await loadCheckpoint(path, model, training).catch((error) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${error.message}; put the run's own back, or ${wayOut}`, { cause: error });
  });
  const problem = notFiniteProblem(restored.state);
  if (problem === undefined) return restored;
  disposeState(restored.state);
  throw new UserError(`Cannot resume from ${path}: ${problem}; start over with --force`);
}
