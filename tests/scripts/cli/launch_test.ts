/** What the workers of one machine are started with. */
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../runtime/system/errors.ts";
import { withoutFlag, workerEnvironments } from "../../../scripts/cli/launch.ts";

Deno.test("launch: arguments without a flag", () => {
  assertEquals(withoutFlag(["--seed", "1", "--workers", "2", "--quiet"], "workers"), [
    "--seed",
    "1",
    "--quiet",
  ]);
  assertEquals(withoutFlag(["--workers=2", "--run", "a"], "workers"), ["--run", "a"]);
});

Deno.test("launch: each worker has its place, its part of the cores and a GPU", () => {
  const all = workerEnvironments(3, {}, 8);
  const configs = all.map(({ TF_CONFIG }) => JSON.parse(TF_CONFIG));
  assertEquals(configs.map(({ task }) => task), [0, 1, 2].map((index) => ({ type: "worker", index })));
  const [{ cluster }] = configs;
  assertEquals(new Set(cluster.worker).size, 3);
  for (const config of configs) assertEquals(config.cluster, cluster);
  assertEquals(all.map((env) => env.TF_NUM_INTRAOP_THREADS), ["2", "2", "2"]);
  assertEquals(all.map((env) => env.CUDA_VISIBLE_DEVICES), ["0", "1", "2"]);
  const few = workerEnvironments(2, { CUDA_VISIBLE_DEVICES: "5,7", TF_NUM_INTRAOP_THREADS: "3" }, 1);
  assertEquals(few.map((env) => env.CUDA_VISIBLE_DEVICES), ["5", "7"]);
  assertEquals(few.map((env) => env.TF_NUM_INTRAOP_THREADS), ["3", "3"]);
  assertEquals(workerEnvironments(2, {}, 1)[0].TF_NUM_INTRAOP_THREADS, "1");
  assertThrows(
    () => workerEnvironments(2, { CUDA_VISIBLE_DEVICES: "0" }, 8),
    UsageError,
    "Cannot start 2 workers: CUDA_VISIBLE_DEVICES names 1 of the GPUs, and each worker takes one",
  );
});
