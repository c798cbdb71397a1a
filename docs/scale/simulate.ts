/** What a training step takes on many workers, reckoned from what its pieces take. Pure. */

/** What joins two of them: each sends to the next while it hears from the one before. */
export interface Link {
  readonly gbitPerSecond: number;
  /** Of a message, however short. */
  readonly latencyMs: number;
}

/**
 * Milliseconds of a ring all-reduce: each of N members sends 2 (N - 1) times an Nth of the bytes (Patarasuk & Yuan 2009,
 * "Bandwidth optimal all-reduce algorithms for clusters of workstations").
 */
export function ringMs(bytes: number, members: number, { gbitPerSecond, latencyMs }: Link): number {
  const messages = 2 * (members - 1);
  return messages * (8 * bytes / members / (1e6 * gbitPerSecond) + latencyMs);
}

/** Machines of several GPUs each. */
export interface Machines {
  /** GPUs of a machine. */
  readonly gpus: number;
  /** Between these. */
  readonly inside: Link;
  /** Between machines; all GPUs of one share it. */
  readonly between: Link;
}

/**
 * Milliseconds of an all-reduce in two levels: in each machine every GPU adds up its part of the bytes, the GPUs with the same
 * part of all machines do, and in each machine all get all parts. The rings between machines share the link, so it carries as
 * much as one ring of all bytes.
 * @param gpus In all; fewer than a machine has, or whole machines.
 */
export function reduceMs(bytes: number, gpus: number, machines: Machines): number {
  const each = Math.min(gpus, machines.gpus);
  return ringMs(bytes, each, machines.inside) + ringMs(bytes, gpus / each, machines.between);
}

/** How gradients are added up while others are computed. */
export interface Overlap {
  /** Of the gradients, all as large. 1 begins when all are there. */
  readonly buckets: number;
  /** The share of the step that the backward pass has. It is taken to come last, and a bucket to be ready after each part of it. */
  readonly backward: number;
}

/**
 * Milliseconds of a step whose gradients are added up, bucket after bucket, each as soon as it is ready and the one before it is
 * done. Adding up is taken to cost the computation nothing.
 * @param computeMs Of a step without that.
 * @param reduce Milliseconds for so many bytes.
 */
export function stepMs(
  computeMs: number,
  bytes: number,
  reduce: (bytes: number) => number,
  { buckets, backward }: Overlap,
): number {
  let done = 0;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const ready = computeMs * (1 - backward * (1 - bucket / buckets));
    done = Math.max(done, ready) + reduce(bytes / buckets);
  }
  return done;
}

/** Workers on one machine, which share its cores. */
export interface Local {
  readonly workers: number;
  readonly cores: number;
  readonly link: Link;
}

/**
 * Milliseconds of a step of workers on one machine: where together they want more of its cores than there are they take turns;
 * after that comes one ring. (A worker of one thread wants more than one core: its ops run beside each other.)
 * @param alone What a worker's share takes where it is alone, and the processor time of that.
 */
export function localStepMs(
  alone: { readonly ms: number; readonly cpuMs: number },
  bytes: number,
  { workers, cores, link }: Local,
): number {
  return Math.max(alone.ms, workers * alone.cpuMs / cores) + ringMs(bytes, workers, link);
}
