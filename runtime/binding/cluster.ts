/** Several processes that compute together, on one machine or on several: TensorFlow's collective operations. */
import * as v from "valibot";
import { TensorFlowError, UsageError, UserError } from "../system/errors.ts";
import { checkJson, fields, number, oneOf, someFields, text } from "../system/schema.ts";
import { quote } from "../system/texts.ts";
import type { Library } from "./library.ts";
import { type Config, encodeServer } from "./protos.ts";

/** The processes that compute together. */
export interface Cluster {
  /** Addresses of all of them, `host:port`; each listens at its own. */
  readonly workers: readonly string[];
  /** Which of them this process is. */
  readonly index: number;
}

/** What the workers are called together. */
const JOB = "worker";

/** The task that brings the members of a collective together: worker 0. */
export const GROUP_LEADER = `/job:${JOB}/replica:0/task:0`;

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
 * @returns Nothing where it is not set, or there is one worker only.
 * @throws {UsageError} If it is something else.
 * @example
 * ```ts
 * import { clusterOf } from "./cluster.ts";
 *
 * const cluster = { worker: ["10.0.0.1:2222", "10.0.0.2:2222"] };
 * clusterOf(JSON.stringify({ cluster, task: { type: "worker", index: 1 } })); // { workers: [...], index: 1 }
 * ```
 */
export function clusterOf(config: string | undefined): Cluster | undefined {
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
  return workers.length === 1 ? undefined : { workers, index };
}
