/**
 * One of the workers that `measure.ts` starts, or the only one: does the job that its argument describes, prints what it took
 * as a line of JSON, and stays until its input ends.
 */
import { allReduce, buildModel, clusterOf, configure, jit, recipes, tf, train } from "../../mod.ts";
import { madeDataset } from "../../pipeline/bench/benchmark.ts";
import { laps, type Taken, WARM_UP } from "./laps.ts";

/** What is timed, `times` times. */
export type Job =
  & { readonly threads: number; readonly times: number }
  & (
    /** A step of ResNet-20 as `train` runs it by its recipe, float32, on made images. */
    | { readonly kind: "step"; readonly batch: number }
    /** The sum over the workers of so many float32 numbers, in so many parts at the same time. */
    | { readonly kind: "reduce"; readonly numbers: number; readonly parts: number }
  );

/** From one loss that was read to the next. */
async function steps(batch: number, times: number): Promise<Taken> {
  const { resnet20 } = recipes;
  const images = madeDataset((WARM_UP + times) * batch, 32, resnet20, true);
  const model = buildModel(resnet20.network);
  const settings = { ...resnet20.training, epochs: 1, batchSize: batch, precision: "float32" } as const;
  const { end, taken } = laps();
  await train(model, { train: images }, settings, { onStep: end });
  return taken();
}

function reduces(numbers: number, parts: number, times: number): Taken {
  const sum = jit((parts: tf.Tensor[]) => parts.map((part) => allReduce(part)));
  const given = Array.from({ length: parts }, () => tf.ones([Math.ceil(numbers / parts)]));
  const { end, taken } = laps();
  for (let time = 0; time < WARM_UP + times; time++) {
    tf.dispose(sum(given));
    end();
  }
  return taken();
}

const job: Job = JSON.parse(Deno.args[0]);
configure({ device: "cpu", threads: job.threads, cluster: clusterOf(Deno.env.get("TF_CONFIG")) });
await tf.ready();
const taken = job.kind === "step"
  ? await steps(job.batch, job.times)
  : reduces(job.numbers, job.parts, job.times);
console.log(JSON.stringify(taken));
await Deno.stdin.read(new Uint8Array(1)); // until all have ended: others may still fetch the last of what this one has
Deno.exit(0);
