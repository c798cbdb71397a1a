/** What the processes of a cluster compute together: sums over all of them, eagerly or inside `jit`. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { lostWorker } from "../binding/cluster.ts";
import { callOp, float, type } from "../binding/kernel.ts";
import { TensorFlowError } from "../system/errors.ts";

/**
 * The members of a reduction are those of a group. TensorFlow keeps whole numbers on the host where a GPU computes, so
 * that they are reduced by other devices than floats are.
 */
const GROUPS = { float32: 1, int32: 2 } as const;

/** Every reduction has a number of its own, by which the workers find each other's part of it. */
let instances = 0;

/** How many processes compute together, and which of them this one is. */
export interface Workers {
  /** 1 where there is no cluster. */
  readonly count: number;
  /** From 0. */
  readonly index: number;
}

/**
 * The workers of the cluster that the runtime was started in.
 * @example
 * ```ts
 * import { tf, workers } from "@resnet/deno";
 *
 * await tf.ready();
 * workers(); // { count: 1, index: 0 }
 * ```
 */
export function workers(): Workers {
  const { cluster } = runtime();
  return { count: cluster?.workers.length ?? 1, index: cluster?.index ?? 0 };
}

/**
 * An error of what the workers compute together as what it is about: one that is gone.
 * @param action The beginning of the message, e.g. `Cannot go on training`.
 * @returns A `UserError`; any other error as it is.
 */
export function explainLostWorker(error: unknown, action: string): unknown {
  return lostWorker(error, action, runtime().cluster);
}

/**
 * The sum of `x` over all workers, the same to the last bit on each. It returns when all have called it. All must call
 * the same reductions in the same order, each with the same shape; inside `jit` that is the order in which they are
 * traced. No gradient flows through it.
 *
 * @param x float32 or int32.
 * @returns Of the shape of `x`, which it is itself where there is one worker.
 * @throws {TypeError} If `x` is of another type.
 * @throws {TensorFlowError} If a worker is gone, or has given another shape.
 * @example
 * ```ts
 * import { allReduce, clusterOf, configure, tf, workers } from "@resnet/deno";
 *
 * configure({ cluster: clusterOf(Deno.env.get("TF_CONFIG")) });
 * await tf.ready();
 * const { count } = workers();
 * const mean = tf.div(allReduce(tf.tensor1d([1, 2])), count); // on each worker the mean of all
 * ```
 */
export function allReduce<X extends tfjs.Tensor>(x: X): X {
  const { dtype } = x;
  if (dtype !== "float32" && dtype !== "int32") {
    throw new TypeError(`allReduce: x is float32 or int32, found ${dtype}`);
  }
  const { count } = workers();
  if (count === 1) return tfjs.clone(x);
  const attrs = {
    T: type(dtype),
    merge_op: "Add",
    final_op: "Id",
    communication_hint: "auto",
    timeout_seconds: float(0),
    is_stateless: false,
    Nordering_token: 0,
    max_subdivs_per_device: -1,
  };
  const keys = [count, GROUPS[dtype], ++instances].map((key) => tfjs.scalar(key, "int32"));
  const [sum] = callOp("CollectiveReduceV2", attrs, [x, ...keys]);
  tfjs.dispose(keys);
  return sum as X;
}

/**
 * What each worker gives, one after the other in a new first dimension. As `allReduce`, by which it is done: each sends
 * as many bytes as come out, so it is for small tensors.
 *
 * @param x float32 or int32, of the same shape on each worker.
 * @returns `[workers, ...]`.
 * @example
 * ```ts
 * import { allGather, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * allGather(tf.tensor1d([1, 2])).arraySync(); // [[1, 2]], where there is one worker
 * ```
 */
export function allGather(x: tfjs.Tensor): tfjs.Tensor {
  const { count, index } = workers();
  return tfjs.tidy(() => {
    const padding = [[index, count - 1 - index], ...x.shape.map(() => [0, 0])] as [number, number][];
    return allReduce(tfjs.pad(tfjs.expandDims(x, 0), padding));
  });
}

/**
 * Returns when every worker has what they computed together so far, or one is gone. A worker that ends right after a
 * reduction may take the last of it from those that still fetch it, so it calls this before; so do all.
 *
 * It is one more reduction, of which it does not matter whether it arrives: a worker's part of it says that it has all
 * that came before.
 * @example
 * ```ts
 * import { allArrived, allReduce, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const sum = allReduce(tf.tensor1d([1, 2])).arraySync();
 * allArrived();
 * console.log(sum); // and the process may end
 * ```
 */
export function allArrived(): void {
  if (workers().count === 1) return;
  try {
    tfjs.tidy(() => allReduce(tfjs.scalar(0)).dataSync());
  } catch (error) {
    if (!(error instanceof TensorFlowError)) throw error; // who is gone has had all of it
  }
}
