import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  BENCHMARK_MODELS,
  type BenchmarkCase,
  caseDefaults,
  createBenchmark,
  madeDataset,
} from "../../../pipeline/bench/benchmark.ts";
import { PARTS, placeOf, timesByLayer } from "../../../pipeline/bench/step_profile.ts";
import { findRecipe } from "../../../pipeline/training/recipes.ts";
import { tf } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held, leakTest } from "../../runtime/harness.ts";

const SMALL: BenchmarkCase = { model: "resnet20", batch: 4, size: 8, precision: "float32", inference: false };

Deno.test("caseDefaults: ResNet-34 at 224, the others at 32, fast as its recipe says", () => {
  assertEquals(Object.fromEntries(BENCHMARK_MODELS.map((name) => [name, caseDefaults(name)])), {
    resnet20: { batch: 128, size: 32 },
    resnet32: { batch: 128, size: 32 },
    resnet44: { batch: 128, size: 32 },
    resnet56: { batch: 128, size: 32 },
    resnet110: { batch: 128, size: 32 },
    resnet34: { batch: 16, size: 224 },
    resnet50: { batch: 16, size: 224 },
    fast: { batch: findRecipe("fast").training.batchSize, size: 32 },
    accurate: { batch: findRecipe("accurate").training.batchSize, size: 32 },
  });
});

Deno.test("madeDataset: whole pixel values over the whole range, the same ones each time, every class", () => {
  const made = madeDataset(50, 8, findRecipe("fast"), true);
  assertEquals(made, madeDataset(50, 8, findRecipe("fast"), true));
  assertEquals(made.images.length, 50 * 8 * 8 * 3);
  const mean = made.images.reduce((sum, value) => sum + value, 0) / made.images.length;
  // A uniform byte: mean 127.5, deviation 73.9, of the mean of 9,600 of them 0.75.
  assertAlmostEquals(mean, 127.5, 3);
  assertEquals(new Set(made.labels).size, 10);
  assertEquals(made.transforms.map(({ kind }) => kind), ["augment", "normalize"]);
  assertEquals(madeDataset(1, 8, findRecipe("fast"), false).transforms.map(({ kind }) => kind), [
    "normalize",
  ]);
});

function test(name: string, body: () => void): void {
  leakTest(`benchmark: ${name}`, body);
}

test("a batch norm that would see one value is told before the first step", () => {
  const { message } = assertThrows(() => createBenchmark({ ...SMALL, batch: 1, size: 1 }), UsageError);
  assertEquals(
    message,
    'Cannot measure 1 images a step with ResNet-20: the last step has one of the 1 images, and of that the batch norm "conv1.1" ' +
      "sees one pixel, which has no variance; use another batch size, or another number of images",
  );
  createBenchmark({ ...SMALL, batch: 1, size: 1, inference: true }).dispose();
});

test("steps train: the loss goes down, and no step adds a tensor", () => {
  const benchmark = createBenchmark(SMALL);
  const losses = [benchmark.step(), benchmark.step()];
  const before = held();
  for (let i = 0; i < 20; i++) losses.push(benchmark.step());
  assertEquals(held(), before);
  // Ten classes: about ln 10 at first.
  assert(losses[0] > 1.5 && losses[0] < 5, `${losses[0]}`);
  assert(losses.at(-1)! < losses[0] / 2, `${losses[0]} to ${losses.at(-1)}`);
  benchmark.dispose();
});

test("two benchmarks of one case take the same steps", () => {
  const [one, other] = [createBenchmark(SMALL), createBenchmark(SMALL)];
  for (let i = 0; i < 3; i++) assertEquals(one.step(), other.step());
  one.dispose();
  other.dispose();
});

test("inference changes nothing from step to step, and is a third of the arithmetic", () => {
  const inference = createBenchmark({ ...SMALL, inference: true });
  const first = inference.step();
  assert(Number.isFinite(first) && inference.step() === first);
  const training = createBenchmark(SMALL);
  assertEquals(training.flopsPerStep, 3 * inference.flopsPerStep);
  training.dispose();
  inference.dispose();
});

Deno.test({
  name: "benchmark: the arithmetic of ResNet-20 is what He et al. count",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const benchmark = createBenchmark({ ...SMALL, batch: 1, size: 32, inference: true });
    // 40.55 million multiplications, each with an addition.
    assertEquals(benchmark.flopsPerStep, 2 * 40_551_040);
    benchmark.dispose();
  },
});

test("the profile has time for every layer with weights, both ways, and for the optimizer", () => {
  const benchmark = createBenchmark(SMALL);
  const { nodes } = benchmark.profile({ runs: 1 });
  const rows = timesByLayer(nodes, benchmark.model.nodes.map(({ name }) => name));
  const weighted = benchmark.model.nodes.filter(({ op }) =>
    op === "conv" || op === "batchNorm" || op === "linear"
  );
  for (const { name } of weighted) {
    const row = rows.find(({ layer }) => layer === name);
    assert(row !== undefined && row.forward > 0 && row.backward > 0 && row.update === 0, name);
  }
  for (const part of [PARTS.input, PARTS.loss, PARTS.optimizer, PARTS.statistics]) {
    assert(rows.some(({ layer, total }) => layer === part && total > 0), part);
  }
  benchmark.dispose();
});

for (const model of ["resnet20", "fast"] as const) {
  for (const precision of ["float32", "bfloat16"] as const) {
    test(`TensorFlow's rewrites keep the names of nodes: ${model}, ${precision}`, () => {
      const benchmark = createBenchmark({ ...SMALL, model, size: 32, precision });
      const known = [...benchmark.model.nodes.map(({ name }) => name), ...Object.values(PARTS)];
      const { nodes } = benchmark.profile({ runs: 1 });
      const computing = nodes.filter(({ name, op, inputs }) =>
        inputs.length > 0 && op !== "_Retval" && name !== "step"
      );
      assert(computing.length > 400, `${computing.length}`);
      for (const node of computing) {
        const { layer, pass } = placeOf(node);
        assert(known.includes(layer) && layer !== PARTS.other, `${node.name}: ${layer}`);
        // Whoever reads a layer's parameter works for that layer, in whatever pass; or else for the optimizer.
        for (const input of node.inputs) {
          const [, owner] = input.match(/^0\.variables\.params\.(.+)\.[^.]+$/) ?? [];
          if (owner !== undefined && pass !== "update") assertEquals(layer, owner, node.name);
        }
      }
      benchmark.dispose();
    });
  }
}

for (const precision of ["float32", "bfloat16"] as const) {
  test(`inference in ${precision}: a convolution is one in the profile too, whatever it is fused with`, () => {
    const benchmark = createBenchmark({ ...SMALL, size: 32, precision, inference: true });
    const ops = new Map(benchmark.model.nodes.map(({ name, op }) => [name, op]));
    const { nodes } = benchmark.profile({ runs: 1 });
    const fused = nodes.filter(({ op }) => op.endsWith("FusedConv2D"));
    assert(fused.length > 15, `${fused.length} of ${nodes.length}`);
    for (const node of fused) assertEquals(ops.get(placeOf(node).layer), "conv", node.name);
    benchmark.dispose();
  });
}

test("fast: one step and its profile", () => {
  const benchmark = createBenchmark({ ...SMALL, model: "fast", size: 32 });
  assert(Number.isFinite(benchmark.step()));
  const { nodes } = benchmark.profile({ runs: 1 });
  assert(timesByLayer(nodes, []).some(({ layer }) => layer === PARTS.input));
  benchmark.dispose();
});

Deno.test("benchmark: a size that the network cannot take is wrong usage", () => {
  assertThrows(
    () => createBenchmark({ ...SMALL, model: "fast", size: 3 }),
    UsageError,
    'Cannot use --size 3 for fast: maxPool "stages.1.conv1.1"',
  );
});
