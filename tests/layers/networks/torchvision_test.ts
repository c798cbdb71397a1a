/** torchvision's networks: every name, shape and row of a table is torchvision's (tests/data/torch_reference.py). */
import { assertEquals } from "@std/assert";
import { toPyTorch } from "../../../layers/formats/pytorch.ts";
import type { Model } from "../../../layers/model.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { parameterCount } from "../../../layers/readers/parameters.ts";
import { summary } from "../../../layers/readers/summary.ts";
import stateDict18 from "../../data/state_dict_torchvision_resnet18.json" with { type: "json" };
import stateDict50 from "../../data/state_dict_torchvision_resnet50.json" with { type: "json" };
import counts from "../../data/torchvision_parameters.json" with { type: "json" };
import { granted } from "../../needs.ts";

const torchvision = { naming: "torchvision", numClasses: 1000 } as const;
const bottlenecks = { ...torchvision, block: "bottleneck" } as const;

const family: Record<keyof typeof counts, Model> = {
  resnet18: resnet([2, 2, 2, 2], torchvision),
  resnet34: resnet([3, 4, 6, 3], torchvision),
  resnet50: resnet([3, 4, 6, 3], bottlenecks),
  resnet101: resnet([3, 4, 23, 3], bottlenecks),
  resnet152: resnet([3, 8, 36, 3], bottlenecks),
};

Deno.test("torchvision: the five sizes have its numbers of parameters", () => {
  const found = Object.fromEntries(
    Object.entries(family).map(([name, model]) => [name, parameterCount(model)]),
  );
  assertEquals(found, counts);
  assertEquals(Object.values(counts), [11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808]);
});

Deno.test("torchvision: called by the number of their layers, weights drawn by He's rule", () => {
  for (const [name, model] of Object.entries(family)) {
    assertEquals(model.name, name.replace("resnet", "ResNet-"));
    assertEquals(model.initScheme, "heNormal");
  }
});

for (const [name, expected] of Object.entries({ resnet18: stateDict18, resnet50: stateDict50 })) {
  Deno.test(`torchvision: ${name} has the keys, order and shapes of its state_dict`, () => {
    const model = family[name as keyof typeof counts];
    const entries = toPyTorch(model, initArrays(model, 0));
    assertEquals(Object.entries(entries).map(([key, { shape }]) => [key, [...shape]]), expected);
  });
}

for (const name of ["resnet34", "resnet50"] as const) {
  Deno.test({
    name: `torchvision: torchsummary prints the same table of ${name}, line by line`,
    ignore: !granted("read"),
    async fn(): Promise<void> {
      const url = new URL(`../../data/torchsummary_torchvision_${name}.txt`, import.meta.url);
      const expected = (await Deno.readTextFile(url)).trimEnd().split("\n");
      const found = summary(family[name]).split("\n");
      for (const [i, line] of expected.entries()) assertEquals(found[i], line, `line ${i + 1}`);
      assertEquals(found.length, expected.length);
    },
  });
}
