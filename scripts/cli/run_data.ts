/** A trained run, and the images that it is looked at with. */
import type { Data, Dataset } from "../../pipeline/data/mod.ts";
import {
  bestEpoch,
  checkClasses,
  type EpochMetrics,
  latestRun,
  preparedFor,
  readMetrics,
  readRunInfo,
  type RunInfo,
} from "../../pipeline/runs/mod.ts";
import { configure, tf, UserError } from "../../runtime/mod.ts";
import { isFolder } from "../../runtime/system/files.ts";
import { type ImageOptions, imagesIn } from "./data.ts";
import { dataFlag, type Flag } from "./task.ts";

/** `--data DIR` of tasks that look at a run. */
export const runDataFlag = {
  type: "string",
  placeholder: "DIR",
  help: "folder of the data set (default: the run's)",
} as const satisfies Flag;

/** Which run, and where its images are. */
export interface RunDataFlags {
  /** Its folder; the one begun last in `runs/` unless given. */
  readonly run: string | undefined;
  /** Of the images; the one that it was trained on unless given. */
  readonly data: string | undefined;
}

/** A run with its images. */
export interface RunData {
  /** Its folder. */
  readonly dir: string;
  /** What was asked for. */
  readonly info: RunInfo;
  /** How it went. */
  readonly metrics: readonly EpochMetrics[];
  /** Whose weights it has, where its recipe keeps those of the best epoch. */
  readonly bestEpoch?: number;
  /** Folder of the images. */
  readonly from: string;
  /** The images as its recipe takes them. */
  readonly data: Data;
  /** The part that says how good it is: the test images, or where there are none, those held out from training. */
  readonly part: "test" | "validation";
  /** The images of that part. */
  readonly images: Dataset;
}

/**
 * A run with its images, CIFAR-10 or pictures; the runtime is started on the way.
 * @param action What it is for, as the beginning of messages, such as `Cannot test`.
 * @throws {UserError} If the run or the images cannot be read, the images are of other classes, or there are none but those
 *   it was trained on.
 */
export async function loadRun(
  { run, data: asked }: RunDataFlags,
  action: string,
  { progress, ...given }: Pick<ImageOptions, "progress"> & Partial<ImageOptions>,
): Promise<RunData> {
  const dir = run ?? await latestRun("runs", progress);
  const [info, metrics] = [await readRunInfo(dir), await readMetrics(dir)];
  const { recipe, digest } = info;
  const from = asked ?? info.data ?? dataFlag.default;
  if (digest !== undefined && !await isFolder(from)) {
    throw new UserError(`${action} ${dir}: there is no folder ${from}; give that of its pictures as --data`);
  }
  const loaded = await imagesIn(from, recipe, {
    ...{ strict: false, progress },
    async start() {
      configure({ progress });
      await tf.ready();
    },
    ...given,
  });
  checkClasses(info, loaded, `${action} ${dir}`);
  if (digest !== loaded.digest) {
    progress.message(`The images in ${from} are not all those that ${dir} was begun with`);
  }
  const data = preparedFor(info, loaded);
  const part = data.test === undefined ? "validation" : "test";
  const images = data[part];
  if (images === undefined) {
    throw new UserError(`${action} ${dir}: its data set has neither test nor validation images`);
  }
  const best = recipe.stopping && bestEpoch(metrics)?.epoch;
  return { dir, info, metrics, ...(best !== undefined && { bestEpoch: best }), from, data, part, images };
}
