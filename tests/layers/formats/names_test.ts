/** Whose names a file's entries have: the networks that others published, and prefixes. */
import { assertEquals, assertThrows } from "@std/assert";
import { fileNames } from "../../../layers/formats/names.ts";
import { fromPyTorch, toPyTorch } from "../../../layers/formats/pytorch.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import type { Arrays, NumericArray } from "../../../layers/readers/arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import torchvisionStateDict from "../../data/state_dict_torchvision_resnet18.json" with { type: "json" };

type Entries = Record<string, NumericArray>;

/** The entries of a batch norm: its four arrays, and its counter. */
function batchNorm(name: string, channels: number): [string, number[]][] {
  const arrays = ["weight", "bias", "running_mean", "running_var"].map((array) => `${name}.${array}`);
  return [
    ...arrays.map((name): [string, number[]] => [name, [channels]]),
    [`${name}.num_batches_tracked`, []],
  ];
}

/** What a block of two convolutions is called by torchvision, kuangliu and akamaster. */
function block(name: string, from: number, to: number): [string, number[]][] {
  return [
    [`${name}.conv1.weight`, [to, from, 3, 3]],
    ...batchNorm(`${name}.bn1`, to),
    [`${name}.conv2.weight`, [to, to, 3, 3]],
    ...batchNorm(`${name}.bn2`, to),
  ];
}

/** The n-th entry holds the number n, so that each is told from the others. */
function filled(shapes: readonly [string, number[]][]): Entries {
  return Object.fromEntries(
    shapes.map(([name, shape], n) => {
      const length = shape.reduce((product, side) => product * side, 1);
      const isCounter = name.endsWith("num_batches_tracked");
      return [name, {
        shape,
        data: isCounter ? BigInt64Array.of(BigInt(n)) : new Float32Array(length).fill(n),
      }];
    }),
  );
}

/** akamaster's resnet8 for CIFAR-10, at an eighth of its width: shortcuts without parameters. */
const akamaster: [string, number[]][] = [
  ["conv1.weight", [2, 3, 3, 3]],
  ...batchNorm("bn1", 2),
  ...block("layer1.0", 2, 2),
  ...block("layer2.0", 2, 4),
  ...block("layer3.0", 4, 8),
  ["linear.weight", [10, 8]],
  ["linear.bias", [10]],
];
const akamasterModel = resnet([1, 1, 1], { stem: "cifar", widths: [2, 4, 8] });

/** kuangliu's ResNet with one block in each of two stages: a shortcut of a convolution and a batch norm. */
const kuangliu: [string, number[]][] = [
  ["conv1.weight", [4, 3, 3, 3]],
  ...batchNorm("bn1", 4),
  ...block("layer1.0", 4, 4),
  ...block("layer2.0", 4, 8),
  ["layer2.0.shortcut.0.weight", [8, 4, 1, 1]],
  ...batchNorm("layer2.0.shortcut.1", 8),
  ["linear.weight", [10, 8]],
  ["linear.bias", [10]],
];
const kuangliuCfg = { stem: "cifar", widths: [4, 8], shortcut: "projection" } as const;

const CIFAR = "the names are those of kuangliu's and akamaster's CIFAR ResNets";

/** Every array by the number that it is filled with: the place of its entry in the list. */
function numbers({ params, batchStats }: Arrays): Record<string, number> {
  return Object.fromEntries(
    Object.entries({ ...params, ...batchStats }).map(([name, { data }]) => [name, data[0]]),
  );
}

Deno.test("fileNames: akamaster's and kuangliu's networks, each entry in its place", () => {
  const names = fileNames(akamasterModel, filled(akamaster));
  assertEquals(names.notes, [CIFAR]);
  const read = numbers(fromPyTorch(akamasterModel, filled(akamaster), "w", names.of));
  const place = (name: string): number => akamaster.findIndex(([key]) => key === name);
  assertEquals(Object.keys(read).length, akamaster.length - 7, "all but the counters");
  assertEquals(
    ["conv1.0.weight", "conv1.1.running_mean", "layer0.0.conv1.0.weight", "layer2.0.conv2.1.bias", "fc.bias"]
      .map((name) => read[name]),
    ["conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "layer3.0.bn2.bias", "linear.bias"].map(
      place,
    ),
  );

  for (const naming of ["tutorial", "torchvision"] as const) {
    const model = resnet([1, 1], { ...kuangliuCfg, naming });
    const entries = filled(kuangliu);
    const { of, notes } = fileNames(model, entries);
    assertEquals(notes, [CIFAR]);
    const read = fromPyTorch(model, entries, "w", of);
    const name = naming === "tutorial" ? "layer1.0.downsample" : "layer2.0.downsample";
    assertEquals(read.params[`${name}.0.weight`].shape, [1, 1, 4, 8]);
    assertEquals(
      numbers(read)[`${name}.0.weight`],
      kuangliu.findIndex(([key]) => key === "layer2.0.shortcut.0.weight"),
    );
    assertEquals(
      numbers(read)[`${name}.1.running_var`],
      kuangliu.findIndex(([key]) => key === "layer2.0.shortcut.1.running_var"),
    );
  }
});

Deno.test("fileNames: torchvision's names, for a model that has them and for one that has the tutorial's", () => {
  const entries = filled(torchvisionStateDict as [string, number[]][]);
  const cfg = { numClasses: 1000, bias: false } as const;
  const [own, other] = (["torchvision", "tutorial"] as const).map((naming) =>
    resnet([2, 2, 2, 2], { ...cfg, naming })
  );
  assertEquals(fileNames(own, entries).notes, []);
  const { of, notes } = fileNames(other, entries);
  assertEquals(notes, ["the names are torchvision's and timm's"]);
  const [values, same] = [fromPyTorch(own, entries, "w"), fromPyTorch(other, entries, "w", of)];
  assertEquals(Object.values(numbers(same)), Object.values(numbers(values)));
  assertEquals(same.params["layer1.0.downsample.0.weight"], values.params["layer2.0.downsample.0.weight"]);
});

Deno.test("fileNames: what all names begin with is taken off, one in the other, whatever it is called", () => {
  const model = resnet([1, 1], { widths: [2, 3], inputSize: 32, numClasses: 4 });
  const arrays = initArrays(model, 5);
  const own = toPyTorch(model, arrays, 3);
  const prefixed = (prefix: string, entries: Entries): Entries =>
    Object.fromEntries(Object.entries(entries).map(([name, array]) => [prefix + name, array]));
  for (const prefix of ["module.", "_orig_mod.", "model.", "module._orig_mod.model.", "state_dict.net."]) {
    const entries = prefixed(prefix, own);
    const { of, notes } = fileNames(model, entries);
    assertEquals(notes, [`all names begin with "${prefix}", which is taken off`]);
    assertEquals(of("fc.weight"), `${prefix}fc.weight`);
    assertEquals(fromPyTorch(model, entries, "w", of), arrays as Arrays);
  }
  assertEquals(fileNames(akamasterModel, prefixed("module.", filled(akamaster))).notes, [
    'all names begin with "module.", which is taken off',
    CIFAR,
  ]);
  // As torch.optim.swa_utils.AveragedModel has it.
  const averaged = { n_averaged: { shape: [], data: BigInt64Array.of(9n) }, ...prefixed("module.", own) };
  const { of, notes } = fileNames(model, averaged);
  assertEquals(notes, [
    'all names begin with "module.", which is taken off',
    'left out, as they only count: "n_averaged"',
  ]);
  assertEquals(fromPyTorch(model, averaged, "w", of), arrays as Arrays);
});

Deno.test("fileNames: what is missing and what is left over are named as the file has them", () => {
  const refused = (entries: Entries): string => {
    const { of } = fileNames(akamasterModel, entries);
    return assertThrows(() => fromPyTorch(akamasterModel, entries, "w", of), UserError).message;
  };
  const { "layer2.0.bn1.bias": bias, ...less } = filled(akamaster);
  assertEquals(
    refused({ ...less, "layer4.0.bn1.bias": bias, "fc.weight": bias }),
    'Cannot load w into ResNet-8: "layer2.0.bn1.bias" [4] is missing; ' +
      '"layer4.0.bn1.bias" [4] and "fc.weight" [4] are not in the network; use weights of the same network',
  );
  assertEquals(
    refused({ "features.0.weight": bias }),
    'Cannot load w into ResNet-8: "conv1.0.weight" [2, 3, 3, 3], "conv1.1.weight" [2] and 35 more are missing; ' +
      '"features.0.weight" [4] is not in the network; use weights of the same network',
  );
  assertEquals(fileNames(akamasterModel, {}).notes, []);
});
