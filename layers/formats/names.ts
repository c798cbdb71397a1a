/** Whose names the entries of a file have: the model's own, or those that another project gives the same layers. */
import { quote } from "../../runtime/system/texts.ts";
import type { Model } from "../model.ts";
import { torchvisionName } from "../networks/torchvision.ts";
import type { Node } from "../nodes/node.ts";
import type { NumericArray } from "../readers/arrays.ts";
import { parameters } from "../readers/parameters.ts";

/** Name of the counter that PyTorch's batch norm keeps beside its statistics. */
export const COUNTER = "num_batches_tracked";

/** What the entries of a file are called. */
export interface FileNames {
  /** An entry's name in the file by the model's name of it. */
  readonly of: (name: string) => string;
  /** What is not as it is here, a sentence each: a prefix, another project's names, counters that are left out. */
  readonly notes: readonly string[];
}

/** Names for the layers of a network that another project gave them. */
interface Family {
  readonly whose?: string;
  readonly nameOf: (node: Node) => string;
}

/** kuangliu/pytorch-cifar and akamaster/pytorch_resnet_cifar10 name all but these two as torchvision does. */
const cifarName = (name: string): string =>
  name.replace(/\.downsample\.(\d)$/, ".shortcut.$1").replace(/^fc$/, "linear");

const TORCHVISION = "torchvision's and timm's";
const CIFAR = "those of kuangliu's and akamaster's CIFAR ResNets";

/** The model's own names first: what fits as it is stays so. */
const FAMILIES: readonly Family[] = [
  { nameOf: ({ name }) => name },
  { whose: TORCHVISION, nameOf: torchvisionName },
  { whose: CIFAR, nameOf: (node) => cifarName(torchvisionName(node)) },
  { whose: CIFAR, nameOf: ({ name }) => cifarName(name) }, // of a model that has torchvision's names
];

/**
 * Finds out what a file calls the entries of a model, by which of the known names it has most of. A prefix that all
 * entries share (`module.` of DataParallel, `_orig_mod.` of torch.compile, `model.`, one in the other) belongs to them.
 *
 * @example
 * ```ts
 * import { fileNames, resnet } from "@resnet/deno";
 * const kernel = { shape: [16, 3, 3, 3], data: new Float32Array(16 * 3 * 3 * 3) };
 * const names = fileNames(resnet([3, 3, 3], { stem: "cifar" }), { "module.conv1.weight": kernel });
 * names.of("conv1.0.weight"); // "module.conv1.weight"
 * ```
 */
export function fileNames(model: Model, entries: Readonly<Record<string, NumericArray>>): FileNames {
  const keys = Object.keys(entries);
  const isCounter = (key: string): boolean => isCount(entries[key]);
  const candidates = sharedPrefixes(keys.filter((key) => !isCounter(key))).flatMap((prefix) =>
    FAMILIES.map(({ whose, nameOf }) => {
      const names = namesBy(model, (node) => prefix + nameOf(node));
      const hits = [...names.values()].filter((name) => Object.hasOwn(entries, name)).length;
      return { prefix, whose, names, hits };
    })
  );
  const { prefix, whose, names } = candidates.reduce((best, next) => next.hits > best.hits ? next : best);
  const known = new Set(names.values());
  const left = keys.filter((key) => isCounter(key) && !known.has(key));
  return {
    of: (name) => names.get(name) ?? name,
    notes: [
      ...(prefix === "" ? [] : [`all names begin with ${quote(prefix)}, which is taken off`]),
      ...(whose === undefined ? [] : [`the names are ${whose}`]),
      ...(left.length === 0 ? [] : [`left out, as they only count: ${listed(left.map(quoteName))}`]),
    ],
  };
}

/** Names in the file of all that a model has, counters included, by the model's names; `nameOf` is that of a layer. */
function namesBy(model: Model, nameOf: (node: Node) => string): Map<string, string> {
  return new Map(
    parameters(model).flatMap(({ name, layer, role }) => {
      const suffixes = [
        name.slice(layer.name.length),
        ...(role === "runningVariance" ? [`.${COUNTER}`] : []),
      ];
      return suffixes.map((suffix) => [layer.name + suffix, nameOf(layer) + suffix] as const);
    }),
  );
}

/** A single number that is no weight, such as how many batches were seen. */
export function isCount({ shape, data }: NumericArray): boolean {
  return data.length === 1 && (shape.length === 0 || !(data instanceof Float32Array));
}

/** What all names begin with, up to a dot: nothing, then more and more. */
function sharedPrefixes(names: readonly string[]): string[] {
  const [first = "", ...others] = names;
  const prefixes = [...first.matchAll(/\./g)].map(({ index }) => first.slice(0, index + 1));
  const isShared = (prefix: string): boolean => others.every((name) => name.startsWith(prefix));
  const end = prefixes.findIndex((prefix) => !isShared(prefix));
  return ["", ...(end === -1 ? prefixes : prefixes.slice(0, end))];
}

/** A name from a file as messages show it: longer ones than those of any network known are cut. */
export function quoteName(name: string): string {
  return quote(name, 60);
}

/** A list in words: the first two, and how many there are more. */
export function listed(items: readonly string[]): string {
  const shown = items.slice(0, 2);
  return items.length <= 2 ? shown.join(" and ") : `${shown.join(", ")} and ${items.length - 2} more`;
}
