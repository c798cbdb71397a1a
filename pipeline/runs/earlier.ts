/** What run folders of before recipes had parts looked like, brought into the form that they have now. */
import { fromPyTorch, type Model, type NumericArray } from "../../layers/mod.ts";
import { isObject } from "../../runtime/system/schema.ts";

/** A recipe of before, flat and with a `model`; anything else comes back as it is. */
export function currentRecipe(value: unknown): unknown {
  if (!isObject(value) || !("model" in value) || "network" in value) return value;
  const { name, about, model, resize, stats, augment, validation, evaluation, evaluationBatchSize, ...rest } =
    value;
  const { tta = false, schedule, whiten, ...training } = rest;
  const step = (kind: string, settings: unknown): unknown[] =>
    isObject(settings) ? [{ kind, ...settings }] : [];
  return {
    name,
    about,
    network: model,
    transforms: [...step("augment", augment), ...step("resize", resize), ...step("normalize", stats)],
    ...(validation !== undefined && { validation }),
    training: {
      ...training,
      schedule: currentSchedule(schedule),
      whiten,
      // The one network that whitened began with this layer, and kept it.
      ...(whiten === true && { frozen: ["stem.0"] }),
    },
    testing: { statistics: evaluation, batchSize: evaluationBatchSize, tta },
  };
}

/** The rate of a warm-up stood there itself, not as a share. Of 0.01 in 0.1 that is 0.1, not 0.09999999999999999. */
function currentSchedule(schedule: unknown): unknown {
  if (!isObject(schedule) || !isObject(schedule.warmUp) || !("rate" in schedule.warmUp)) return schedule;
  const { rate, steps } = schedule.warmUp;
  const factor = Number((Number(rate) / Number(schedule.rate)).toPrecision(15));
  return { ...schedule, warmUp: { factor, steps } };
}

/**
 * The tensors of a checkpoint of before, by the names that they have now: weights in PyTorch's names and layouts, beside
 * them velocities and lookahead's weights in those of memory.
 * @throws {UserError} If it is of another network.
 */
export function currentTensors(
  tensors: Readonly<Record<string, NumericArray>>,
  model: Model,
  path: string,
): Record<string, NumericArray> {
  const entries = Object.entries(tensors);
  const isWeight = ([key]: [string, NumericArray]): boolean => !/^(velocity|slow)\./.test(key);
  const arrays = fromPyTorch(model, Object.fromEntries(entries.filter(isWeight)), path);
  const collection = (name: string): string => name in arrays.batchStats ? "batchStats" : "params";
  const named: Record<string, NumericArray> = {};
  for (const [name, array] of Object.entries({ ...arrays.params, ...arrays.batchStats })) {
    named[`variables/${collection(name)}/${name}`] = array;
  }
  for (const [key, array] of entries.filter((entry) => !isWeight(entry))) {
    const name = key.replace(/^(velocity|slow)\./, "");
    named[key.startsWith("slow.") ? `slow/${collection(name)}/${name}` : `optState/velocity/${name}`] = array;
  }
  return named;
}
