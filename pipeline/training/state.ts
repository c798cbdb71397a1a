/** What a training run carries from step to step: the tensors that it has, where it begins, how it ends. */
import { firstNotFinite, init, type Model, parameters, trunk, type Variables } from "../../layers/mod.ts";
import { tf, tree } from "../../runtime/mod.ts";
import { closest } from "../../runtime/system/closest.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import { cut, quote } from "../../runtime/system/texts.ts";
import type { Dataset } from "../data/dataset.ts";
import { frozenTrunk } from "./freeze.ts";
import { type OptState, optStateShapes } from "./optimizer.ts";
import type { Training } from "./recipe.ts";
import { whiten } from "./whitening.ts";

/** The tensors of a state. */
export interface StateTensors {
  /** The network's weights and statistics. */
  readonly variables: Variables;
  /** What the optimizer keeps for the weights that are trained. */
  readonly optState: OptState;
  /** The slow weights and statistics of lookahead, where the settings have it. */
  readonly slow?: Variables;
}

/** Everything that a run carries from step to step. */
export interface TrainState extends StateTensors {
  /** Steps done. */
  readonly step: number;
  /** Sum over the images of this epoch so far of their loss, in nats. */
  readonly lossSum: number;
  /** Mean loss of the last step's images, in nats; NaN before the first. */
  readonly lastLoss: number;
}

/** The shapes of a state's tensors, in the same places. */
export type StateShapes = tree.Mapped<StateTensors, readonly number[]>;

/** The settings that decide which tensors a state has. */
export type StateSettings = Pick<Training, "optimizer" | "lookahead" | "frozen" | "freeze">;

/**
 * Names of the parameters that are trained: all but the frozen ones.
 * @throws {UsageError} If a frozen name is none of the model, none is left to train, or there is no trunk to freeze.
 */
export function trainedNames(model: Model, settings: Pick<Training, "frozen" | "freeze">): string[] {
  const frozen = [...settings.frozen ?? [], ...(frozenTrunk(model, settings) ? trunk(model) : [])];
  const names = parameters(model).filter(({ collection }) => collection === "params").map(({ name }) => name);
  const stands = (name: string, begin: string): boolean => name === begin || name.startsWith(`${begin}.`);
  const unknown = frozen.find((begin) => !names.some((name) => stands(name, begin)));
  if (unknown !== undefined) {
    const near = closest(unknown, names.flatMap(beginnings));
    throw new UsageError(
      `Cannot freeze "${unknown}": ${model.name} has no such parameters; ` +
        `${near === undefined ? "" : `did you mean "${near}"? `}"${taskCommand("summary")}" shows the layers`,
    );
  }
  const trained = names.filter((name) => !frozen.some((begin) => stands(name, begin)));
  if (trained.length === 0) {
    throw new UsageError(`Cannot freeze all of ${model.name}: nothing is left to train`);
  }
  return trained;
}

/** What a name begins with, up to each of its dots, and the whole. */
function beginnings(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, i) => parts.slice(0, i + 1).join("."));
}

/** The shapes of all tensors that a state of these settings has. */
export function stateShapes(model: Model, settings: StateSettings): StateShapes {
  const shapesOf = (collection: "params" | "batchStats"): Record<string, readonly number[]> =>
    Object.fromEntries(
      parameters(model).filter((parameter) => parameter.collection === collection)
        .map(({ name, shape }) => [name, shape]),
    );
  const variables = { params: shapesOf("params"), batchStats: shapesOf("batchStats") };
  const trained = trainedNames(model, settings).map((name) => [name, variables.params[name]] as const);
  return {
    variables,
    optState: optStateShapes(settings.optimizer, Object.fromEntries(trained)),
    ...(settings.lookahead && { slow: variables }),
  };
}

/** A tree of shapes with what `fn` makes of each, given the keys that lead there. */
export function mapShapes<T, U>(
  shapes: T,
  fn: (shape: readonly number[], path: readonly string[]) => U,
): MappedShapes<T, U> {
  const visit = (node: unknown, path: readonly string[]): unknown =>
    Array.isArray(node) ? fn(node, path) : Object.fromEntries(
      Object.entries(Object(node)).map(([key, child]) => [key, visit(child, [...path, key])]),
    );
  return visit(shapes, []) as MappedShapes<T, U>;
}

type MappedShapes<T, U> = T extends readonly number[] ? U : { [K in keyof T]: MappedShapes<T[K], U> };

/** What a state's tensor is called in messages and files, by the keys that lead to it. */
export function pathName(path: readonly string[]): string {
  return path.join("/");
}

/**
 * What keeps tensors of these shapes from being a state of these settings, as a phrase; nothing if they are one.
 * @param found Shapes by `pathName`.
 */
export function stateProblem(
  model: Model,
  settings: StateSettings,
  found: ReadonlyMap<string, readonly number[]>,
): string | undefined {
  const expected = new Map<string, readonly number[]>();
  mapShapes(stateShapes(model, settings), (shape, path) => expected.set(pathName(path), shape));
  for (const [name, shape] of expected) {
    if (!found.has(name)) return `it has no "${name}"`;
    if (`${found.get(name)}` !== `${shape}`) {
      return `"${name}" has shape ${cut(`[${found.get(name)}]`)}, the settings need [${shape}]`;
    }
  }
  const more = [...found.keys()].find((name) => !expected.has(name));
  return more && `it has ${quote(more, 60)}, for which the settings have no use`;
}

/** Which of a state's tensors holds a number that is not finite, as a phrase; nothing if none does. */
export function notFiniteProblem({ variables, optState, slow }: StateTensors): string | undefined {
  for (const [path, tensor] of tree.entries({ variables, optState, slow })) {
    const value = firstNotFinite(tensor.dataSync<"float32">());
    if (value !== undefined) return `"${pathName(path)}" holds ${value}`;
  }
}

/**
 * The variables before the first step: drawn from the seed, and where the settings say so the first layer whitens.
 * @param train What whitening looks at.
 * @throws {UsageError} If the first layer cannot whiten these images, or the trunk would stay as it is drawn.
 * @example
 * ```ts
 * import { createDataset, initialVariables, recipes, resnet, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const images = new Uint8Array(4 * 32 * 32 * 3);
 * const train = createDataset({ images, labels: [0, 0, 0, 0], imageShape: [32, 32, 3], classes: ["cat"] });
 * const model = resnet([1, 1, 1], { stem: "cifar", numClasses: 1 });
 * const { params } = initialVariables(model, train, recipes.resnet20.training, 42);
 * params["fc.bias"].shape; // [1]
 * ```
 */
export function initialVariables(
  model: Model,
  train: Dataset,
  settings: Pick<Training, "whiten" | "freeze">,
  seed: number,
): Variables {
  if (settings.freeze !== undefined) {
    throw new UsageError(
      `Cannot freeze the trunk of ${model.name}: it would stay as it is drawn at random; ` +
        "give weights to start from, with --init FILE",
    );
  }
  const variables = init(model, seed);
  if (!settings.whiten) return variables;
  try {
    return whiten(model, variables, train);
  } catch (error) {
    tree.dispose(variables);
    throw error;
  }
}

/**
 * The state before the first step, whole: what the optimizer keeps is zero, lookahead's slow weights are the given ones.
 * @param variables Given away: the state has them.
 * @throws {UsageError} If something is frozen that the model does not have; the variables are then still the caller's.
 * @example
 * ```ts
 * import { init, recipes, resnet, startState, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const { step, optState } = startState(model, init(model, 42), recipes.resnet20.training);
 * step; // 0
 * Object.keys(optState); // ["velocity"]
 * ```
 */
export function startState(model: Model, variables: Variables, settings: StateSettings): TrainState {
  const { optState } = stateShapes(model, settings);
  return {
    variables,
    optState: mapShapes(optState, (shape) => tf.zeros([...shape])),
    ...(settings.lookahead && { slow: tree.map((tensor) => tf.clone(tensor), variables) }),
    step: 0,
    lossSum: 0,
    lastLoss: NaN,
  };
}

/**
 * Disposes of a state's tensors.
 * @param state Of no use after that.
 * @example
 * ```ts
 * import { disposeState, init, recipes, resnet, startState, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const state = startState(model, init(model, 42), recipes.resnet20.training);
 * disposeState(state);
 * state.variables.params["fc.weight"].isDisposed; // true
 * ```
 */
export function disposeState({ variables, optState, slow }: TrainState): void {
  tree.dispose({ variables, optState, slow });
}
