/** A trunk that stays as it is, while the head learns. */
import {
  type Model,
  parameters,
  trunk,
  type TrunkAndHead,
  trunkAndHead,
  type Variables,
} from "../../layers/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Training } from "./recipe.ts";

/**
 * The network in two, where the settings freeze its trunk.
 * @throws {UsageError} If it has no trunk with weights, or no head behind it.
 */
export function frozenTrunk(model: Model, { freeze }: Pick<Training, "freeze">): TrunkAndHead | undefined {
  if (freeze === undefined) return undefined;
  const fail = (problem: string) => new UsageError(`Cannot freeze the trunk of ${model.name}: ${problem}`);
  const still = new Set(trunk(model));
  if (still.size === 0) throw fail("there are no weights before its last layer");
  const parts = cut(model);
  if (parts === undefined || parameters(parts.head).some(({ name }) => still.has(name))) {
    throw fail("it does not end in a map and a linear layer that tells the classes apart by that");
  }
  return parts;
}

function cut(model: Model): TrunkAndHead | undefined {
  try {
    return trunkAndHead(model);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Names of all that stays with the trunk: weights and statistics; none where it is not frozen. */
export function frozenNames(model: Model, settings: Pick<Training, "freeze">): ReadonlySet<string> {
  const parts = frozenTrunk(model, settings);
  return new Set(parts === undefined ? [] : parameters(parts.trunk).map(({ name }) => name));
}

/** Those of a network's variables that a part of it has. */
export function variablesFor(part: Model, { params, batchStats }: Variables): Variables {
  const found: Variables = { params: {}, batchStats: {} };
  for (const { name, collection } of parameters(part)) {
    found[collection][name] = (collection === "params" ? params : batchStats)[name];
  }
  return found;
}
