/** What the picture of several runs shows. */
import { assert, assertEquals } from "@std/assert";
import { comparisonSpec, drawComparison } from "../../../pipeline/reports/comparison.ts";
import { groupRuns } from "../../../pipeline/runs/groups.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { comparedRun, tested } from "../compared_runs.ts";

/** Every list of values in a spec, outermost first. */
function values(spec: unknown): unknown[] {
  if (typeof spec !== "object" || spec === null) return [];
  return Object.entries(spec).flatMap(([key, value]) => key === "values" ? [value] : values(value));
}

Deno.test("comparisonSpec: every epoch of every run, the mean of the tests; what was not measured is not there", async () => {
  const groups = groupRuns([
    comparedRun("a", { seed: 1, test: tested(0.5) }, [0.25, 0.5]),
    comparedRun("b", { seed: 2, test: tested(0.75) }, [null]),
    comparedRun("c", { recipe: recipes.resnet20 }, [null]),
  ]);
  const lines = [
    { of: "fast", run: "a", epoch: 1, loss: 1, validation: 0.25 },
    { of: "fast", run: "a", epoch: 2, loss: 0.5, validation: 0.5 },
    { of: "fast", run: "b", epoch: 1, loss: 1 },
    { of: "resnet20", run: "c", epoch: 1, loss: 1 },
  ];
  const validated = lines.slice(0, 2);
  assertEquals(values(comparisonSpec(groups)), [
    ...[lines, lines, validated, validated],
    [{ of: "fast", test: 0.625 }],
  ]);
  const svg = await drawComparison(groups);
  for (const text of ["fast", "resnet20", "training loss (nats)", "accuracy"]) {
    assert(svg.includes(`>${text}</text>`), text);
  }
});
