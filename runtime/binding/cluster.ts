/** Several processes that compute together, on one machine or on several: TensorFlow's collective operations. */
import { Worker } from "node:worker_threads";
import * as v from "valibot";
import { TensorFlowError, UsageError, UserError } from "../system/errors.ts";
import { checkJson, fields, number, oneOf, someFields, text } from "../system/schema.ts";
import type { Progress } from "../system/progress.ts";
import { quote } from "../system/texts.ts";
import type { Watch } from "./watcher.ts";
import type { Library } from "./library.ts";
import { type Config, encodeServer } from "./protos.ts";

/** The processes that compute together. */
export interface Cluster {
  /** Addresses of all of them, `host:port`; each listens at its own. */
  readonly workers: readonly string[];
  /** Which of them this process is. */
  readonly index: number;
  /** Seconds that the others may take to come; 300 unless given. */
  readonly startSeconds?: number;
  /** Seconds that they may take to answer once they are there; 10 unless given. */
  readonly answerSeconds?: number;
}

/** What the workers are called together. */
const JOB = "worker";

/** The task that brings the members of a collective together: worker 0. */
export const GROUP_LEADER = taskName(0);

/**
 * Makes a context one of a cluster's. It must have no tensors yet: its devices get new names. From here on a server
 * listens at the worker's port, on all of the machine's addresses, whatever host its own address names, and takes
 * orders from whoever reaches it.
 *
 * @param config Of the context.
 * @throws {UserError} If it cannot listen at its port.
 */
export function joinCluster(
  { symbols: c, status, check }: Library,
  context: Deno.PointerObject,
  { workers, index }: Cluster,
  config: Config,
): void {
  const server = encodeServer({ job: JOB, tasks: workers, index, config });
  c.TFE_EnableCollectiveOps(context, server, BigInt(server.length), status);
  try {
    check("TFE_EnableCollectiveOps");
  } catch (error) {
    if (!(error instanceof TensorFlowError)) throw error;
    throw new UserError(
      `Cannot listen at ${workers[index]} as worker ${index}: ${error.detail.split("\n")[0]}; ` +
        `see that no other process has that port`,
      { cause: error },
    );
  }
}

/** Between two attempts to reach a worker that has not come yet, in milliseconds. */
const KNOCK_MS = 250;

/** After so long somebody wants to know what is being waited for, in milliseconds. */
const IMPATIENCE_MS = 5000;

/**
 * Waits until the others of a cluster listen at their ports. TensorFlow itself must not try: where it once finds nobody, it
 * takes the worker for gone for some seconds more.
 *
 * @param progress Told of one that takes long.
 * @throws {UserError} If one has not come in time.
 */
export async function awaitWorkers(cluster: Cluster, progress: Progress): Promise<void> {
  const began = performance.now();
  const { startSeconds = 300 } = cluster;
  let told = false;
  for (const { name, address } of others(cluster)) {
    while (!await listens(address)) {
      const waited = performance.now() - began;
      if (waited > 1000 * startSeconds) {
        throw new UserError(
          `Cannot train together: ${name} has not come in ${startSeconds} s; start all workers at about the same time, ` +
            `with the same addresses, which they must reach`,
        );
      }
      if (!told && waited > IMPATIENCE_MS) {
        progress.message(`Waiting for ${name}`);
        told = true;
      }
      await new Promise((resolve) => setTimeout(resolve, KNOCK_MS));
    }
  }
}

function hostOf(address: string): { hostname: string; port: number } {
  const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!;
  return { hostname, port: Number(port) };
}

/** Addresses that no router of the internet passes on (RFC 1918, 3927, 4193, 4291, 6598). Names are taken for such. */
const PRIVATE = [
  /^127\./,
  /^10\./,
  /^192\.168\./,
  /^172\.(1[6-9]|2\d|3[01])\./,
  /^169\.254\./,
  /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^::1$/,
  /^f[cd]/i,
  /^fe[89ab]/i,
];

function isPrivate(host: string): boolean {
  const isName = !/^[\d.]+$/.test(host) && !host.includes(":");
  return isName || PRIVATE.some((range) => range.test(host));
}

async function listens(address: string): Promise<boolean> {
  try {
    (await Deno.connect(hostOf(address))).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/**
 * Asks the others of a cluster from now on whether they are there, in a thread of its own: where one is not, what waits for
 * it fails.
 */
export function watchWorkers({ directory }: Library, context: Deno.PointerObject, cluster: Cluster): void {
  const watcher = new Worker(new URL("./watcher.ts", import.meta.url));
  watcher.unref(); // it is no reason for the process to go on
  const watch: Watch = {
    directory,
    context: Deno.UnsafePointer.value(context),
    peers: others(cluster).map(({ index, name }) => ({ task: taskName(index), name })),
    answerMs: 1000 * (cluster.answerSeconds ?? 10),
  };
  watcher.postMessage(watch);
}

/** All workers but this one. */
function others({ workers, index: own }: Cluster): { index: number; address: string; name: string }[] {
  return workers.map((address, index) => ({ index, address, name: `worker ${index} (${address})` }))
    .filter(({ index }) => index !== own);
}

/** What TensorFlow calls a worker. */
function taskName(index: number): string {
  return `/job:${JOB}/replica:0/task:${index}`;
}

/**
 * An error of a collective operation as what it is about: a worker that is gone.
 * @param action The beginning of the message, e.g. `Cannot go on training`.
 * @returns Any other error as it is.
 */
export function lostWorker(error: unknown, action: string, cluster: Cluster | undefined): unknown {
  if (cluster === undefined || !(error instanceof TensorFlowError)) return error;
  const [, watched] = /(worker \d+ \([^)]*\) does not answer within [\d.]+ s)/.exec(error.detail) ?? [];
  const [, task] = /\/job:worker\/replica:0\/task:(\d+)/.exec(error.detail) ?? [];
  if (watched === undefined && (error.code !== UNAVAILABLE || task === undefined)) return error;
  const found = watched ?? `worker ${task} (${cluster.workers[Number(task)]}) is gone`;
  return new UserError(`${action}: ${found}; see what it said, and start all workers again`, {
    cause: error,
  });
}

/** `TF_UNAVAILABLE` of `TF_Code`: nobody is at the other end. */
const UNAVAILABLE = 14;

/** What `TF_CONFIG` looks like. */
const configSchema = someFields({
  cluster: fields({ chief: v.optional(v.array(text)), worker: v.optional(v.array(text)) }),
  task: someFields({ type: oneOf(["chief", "worker"]), index: number({ whole: true, min: 0 }) }),
});

/**
 * The cluster that an environment describes, as TensorFlow's own programs have it: the JSON of `TF_CONFIG`. A chief, where
 * there is one, is worker 0.
 *
 * @param config The variable's value.
 * @param options How long to wait for the others, as texts; `anyAddress`: whether their addresses may be such as the internet
 *   reaches. TensorFlow's server asks nobody who he is.
 * @returns Nothing where it is not set, or there is one worker only.
 * @throws {UsageError} If it is something else.
 * @example
 * ```ts
 * import { clusterOf } from "@resnet/deno";
 *
 * const cluster = { worker: ["10.0.0.1:2222", "10.0.0.2:2222"] };
 * clusterOf(JSON.stringify({ cluster, task: { type: "worker", index: 1 } })); // { workers: [...], index: 1 }
 * ```
 */
export function clusterOf(
  config: string | undefined,
  { anyAddress = false, ...patience }: {
    readonly startSeconds?: string;
    readonly answerSeconds?: string;
    readonly anyAddress?: boolean;
  } = {},
): Cluster | undefined {
  if (config === undefined || config.trim() === "") return undefined;
  const refuse = (problem: string): UsageError =>
    new UsageError(
      `Cannot use TF_CONFIG: ${problem}; it is like ` +
        `{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}`,
    );
  const { cluster: { chief = [], worker = [] }, task } = checkJson(configSchema, config, refuse);
  const workers = [...chief, ...worker];
  const index = task.type === "chief" ? task.index : chief.length + task.index;
  if (chief.length > 1) throw refuse(`it names ${chief.length} chiefs`);
  const wrong = workers.find((address) => !/^([^:\s]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(address));
  if (wrong !== undefined) throw refuse(`${quote(wrong, 60)} is no address with a port`);
  const twice = workers.find((address, i) => workers.indexOf(address) < i);
  if (twice !== undefined) throw refuse(`it names ${twice} twice`);
  if (task.index >= (task.type === "chief" ? chief : worker).length) {
    throw refuse(`it names no ${task.type} ${task.index}`);
  }
  const open = workers.find((address) => !isPrivate(hostOf(address).hostname));
  if (open !== undefined && !anyAddress) {
    throw new UsageError(
      `Cannot use TF_CONFIG: ${open} is no private address, and who reaches a worker's port may run anything there: use ` +
        `those of a network of your own, or set RESNET_ANY_ADDRESS=1 behind a firewall`,
    );
  }
  const seconds = Object.entries(patience).filter(([, text]) => text !== undefined)
    .map(([name, text]): [string, number] => [name, Number(text)]);
  const never = seconds.find(([, value]) => !(value > 0));
  if (never !== undefined) {
    throw new UsageError(`Cannot wait for workers: ${never.join(" is ")}, give seconds`);
  }
  return workers.length === 1 ? undefined : { workers, index, ...Object.fromEntries(seconds) };
}
