/** Workers agree on a run: they have the same settings, data and code, or none begins; and worker 0 says when it is at its end. */
import { allArrived, allGather, explainLostWorker, runtimeInfo, tf, workers } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { VERSION } from "../../runtime/system/package.ts";
import { cut } from "../../runtime/system/texts.ts";
import type { Data, Dataset } from "../data/dataset.ts";
import type { RunInfo, RunSettings } from "./folder.ts";
import { difference } from "./resume.ts";

/** What a worker brings to a run. */
export interface Terms {
  /** Whether a run goes on; its settings are then those that it has, wherever they are. */
  readonly resume: boolean;
  /** What it is asked for. */
  readonly settings: Partial<RunSettings>;
  /** Its images, as loaded. */
  readonly data: Data;
}

/** What the workers tell each other. */
interface Told {
  readonly terms: Readonly<Record<string, unknown>>;
  readonly run?: RunInfo;
}

/**
 * Waits for all workers, and holds what they bring against that of worker 0.
 * @param run Given by worker 0.
 * @returns The run that worker 0 has.
 * @throws {UserError} On all workers, if one is asked for something else or has other data or another version.
 */
export async function agree({ resume, settings, data }: Terms, run?: RunInfo): Promise<RunInfo> {
  const { recipe, seed, limit, precision, syncBatchNorm } = settings;
  const terms = {
    ...{ resume, recipe, seed, limit, precision, syncBatchNorm },
    data: await digestOf(data),
    versions: { tensorflow: runtimeInfo().version, resnet: VERSION },
  };
  const told = gathered({ terms, run } satisfies Told, "Cannot train together");
  const [first, ...others] = told;
  for (const [i, { terms }] of others.entries()) {
    // Who goes on with a run that lies with worker 0 knows nothing of its settings.
    const known = terms.resume ? Object.keys(terms) : Object.keys({ ...terms, ...first.terms });
    const of = (all: Told["terms"]) => Object.fromEntries(known.map((name) => [name, all[name]]));
    const found = difference(of(terms), of(first.terms), []);
    if (found === undefined) continue;
    throw new UserError(
      `Cannot train together: ${found.path.join(".")} is ${show(found.one)} on worker ${i + 1}, ` +
        `${
          show(found.other)
        } on worker 0; start all with the same command, the same data and the same version`,
    );
  }
  return first.run!;
}

/**
 * What worker 0 says, for all workers.
 * @param own What this one would say. Plain data.
 * @throws {UserError} If worker 0 is gone.
 */
export function fromWorker0<T>(own: T): T {
  return gathered(own, "Cannot go on training")[0];
}

/** What each worker says; after it any may end. @throws {UserError} If one does not come. */
function gathered<T>(own: T, action: string): T[] {
  try {
    const texts = gatherTexts(JSON.stringify(own));
    allArrived();
    return texts.map((text): T => JSON.parse(text));
  } catch (error) {
    throw explainLostWorker(error, action);
  }
}

function gatherTexts(text: string): string[] {
  const { count } = workers();
  const bytes = new TextEncoder().encode(text);
  const rows = (values: Int32Array): Int32Array[] => {
    const all = tf.tidy(() => allGather(tf.tensor1d(values, "int32")).dataSync<"int32">());
    return Array.from({ length: count }, (_, i) => all.slice(i * values.length, (i + 1) * values.length));
  };
  const lengths = rows(Int32Array.of(bytes.length)).map(([length]) => length);
  const padded = new Int32Array(Math.max(...lengths));
  padded.set(bytes);
  return rows(padded).map((row, i) => new TextDecoder().decode(Uint8Array.from(row.subarray(0, lengths[i]))));
}

/** What tells one set of images from another, by the part that it is: how many they are and a hash of all of it. */
async function digestOf(data: Data): Promise<Record<string, string>> {
  const { train, validation, test } = data;
  const known = Object.entries({ train, validation, test }).filter(([, part]) => part !== undefined);
  const parts = known.map(async ([name, part]): Promise<[string, string]> => {
    const { images, labels, indices, imageShape, classes, pictures } = part as Dataset;
    const source = pictures?.source;
    const files = source?.kind === "files" ? source.digests : [];
    const stored = source?.kind === "stored" ? source.images : images;
    const text = new TextEncoder().encode(JSON.stringify([imageShape, classes, files]));
    const hashes = await Promise.all(
      [stored, labels, indices, text].map((bytes) =>
        crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)
      ),
    );
    const whole = new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(hashes).arrayBuffer()));
    return [name, `${indices.length} images (${whole.subarray(0, 4).toHex()})`];
  });
  return Object.fromEntries(await Promise.all(parts));
}

function show(value: unknown): string {
  return value === undefined ? "not given" : typeof value === "string" ? value : cut(JSON.stringify(value));
}
