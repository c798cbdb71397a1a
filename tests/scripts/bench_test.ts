import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../runtime/system/errors.ts";
import { type BenchFlags, benchTask, caseOf, checkBenchFlags, isSampled } from "../../scripts/bench.ts";
import { parseFlags } from "../../scripts/cli/task.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow, granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

const flags = (...args: string[]): BenchFlags => parseFlags(benchTask, args);
const [has, hasNot] = [true, false].map((gainsFromBfloat16) => ({ gainsFromBfloat16 }));

Deno.test("bench: the case of no flags, by what the processor can do", () => {
  assertEquals(caseOf(flags(), hasNot), {
    model: "resnet20",
    batch: 128,
    size: 32,
    precision: "float32",
    inference: false,
  });
  assertEquals(caseOf(flags(), has).precision, "bfloat16");
});

Deno.test("bench: what is asked for goes before the defaults", () => {
  const asked = flags(
    ...["--model", "resnet34", "--batch", "2", "--size", "64", "--precision", "float32", "--inference"],
  );
  assertEquals(caseOf(asked, has), {
    model: "resnet34",
    batch: 2,
    size: 64,
    precision: "float32",
    inference: true,
  });
  assertEquals(caseOf(flags("--model", "resnet34"), hasNot).size, 224);
  const tf32 = flags("--precision", "tf32");
  assertEquals(caseOf(tf32, { ...has, gpuCapability: 90 }).precision, "tf32");
  assertThrows(() => caseOf(tf32, has), UsageError, "Cannot compute in tf32: ");
});

Deno.test("bench: flags that contradict each other are wrong usage", () => {
  for (
    const [args, message] of [
      [
        ["--against", "python", "--steps", "5"],
        "Cannot use --against and --steps together: leave one of them out",
      ],
      [["--against", "python", "--profile"], "Cannot use --against and --profile together"],
      [["--profile", "--steps", "5"], "Cannot use --profile and --steps together"],
      [["--profile", "--json"], "Cannot use --profile and --json together"],
      [["--list", "9", "--inference"], "Cannot use --list and --inference together"],
      [
        ["--against", "python", "--model", "fast"],
        "Cannot use --against with --model fast: the peers have only",
      ],
      [
        ["--against", "python", "--model", "resnet50"],
        "Cannot use --against with --model resnet50: the peers have only resnet20, resnet32",
      ],
      [
        ["--against", "python", "--precision", "tf32"],
        "Cannot use --against with --precision tf32: the peers run in float32 and bfloat16 only",
      ],
    ] as const
  ) {
    assertThrows(() => checkBenchFlags(flags(...args)), UsageError, message);
  }
  checkBenchFlags(flags("--steps", "5", "--json", "--inference"));
});

Deno.test("bench: fewer than three steps or rounds are wrong usage", () => {
  assertThrows(
    () => flags("--steps", "2"),
    UsageError,
    'Cannot use --steps "2": expected an integer of at least 3',
  );
  assertThrows(
    () => flags("--rounds", "2"),
    UsageError,
    'Cannot use --rounds "2": expected an integer of at least 3',
  );
});

Deno.test("isSampled: the start, every tenth and the end", () => {
  const sampled = (steps: number) =>
    Array.from({ length: steps + 1 }, (_, done) => done).filter((done) => isSampled(done, steps));
  assertEquals(sampled(20), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  assertEquals(sampled(25), [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25]);
  assertEquals(sampled(3), [0, 1, 2, 3]);
});

const TINY = ["--batch", "2", "--size", "8", "--steps", "3", "--precision", "float32"];

Deno.test({
  name: "bench --json prints one line with the figures, and the memory at each sample",
  ignore: !canLoadTensorFlow,
  async fn() {
    const { code, stdout } = await runScript("bench.ts", ["--json", ...TINY]);
    assertEquals([code, stdout.trim().split("\n").length], [0, 1]);
    const result = JSON.parse(stdout);
    assertEquals([result.model, result.batch, result.size, result.mode], ["resnet20", 2, 8, "training"]);
    for (
      const figure of ["imagesPerSecond", "msPerStep", "firstStepMs", "peakRssMiB", "gigaflopsPerSecond"]
    ) {
      assert(result[figure] > 0, figure);
    }
    assert(Math.abs(result.imagesPerSecond - 2000 / result.msPerStep) < 1e-9);
    assert(result.startToFirstStepMs > result.firstStepMs);
    assertEquals("gpuMemoryMiB" in result, result.devices.length > 1);
    assertEquals(Object.keys(result.cpu), ["model", "instructions", "cores"]);
    assertEquals(Object.keys(result.versions), ["deno", "tensorflow", "tfjs"]);
    assertEquals(result.memory.map(({ step }: { step: number }) => step), [0, 1, 2, 3]);
    const [, one, two, three] = result.memory.map(({ handles }: { handles: number }) => handles);
    assertEquals([one, two], [three, three], "handles after each step");
  },
});

Deno.test({
  name: "bench says how to get a Python with PyTorch when there is none",
  ignore: !canLoadTensorFlow,
  async fn() {
    const { code, stderr } = await runScript("bench.ts", ["--against", "python"], {
      RESNET_PYTHON: "/nowhere/python",
    });
    const lines = stderr.trim().split("\n");
    assertEquals([code, lines.length], [1, 1]);
    assertStringIncludes(
      lines[0],
      "error: Cannot run the peers: there is no /nowhere/python; make one outside",
    );
  },
});

Deno.test({
  name: "bench --list: all files of a made folder, which is gone afterwards",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    inFolder(async (dir) => {
      const { code, stdout, stderr } = await runScript("bench.ts", ["--list", "250", "--json"], {
        TMPDIR: dir,
      });
      assertEquals([code, stderr], [0, ""]);
      const { files, classes, seconds, filesPerSecond } = JSON.parse(stdout);
      assertEquals([files, classes], [250, 100]);
      assert(seconds > 0 && Math.abs(filesPerSecond * seconds - 250) < 1e-6);
      assertEquals([...Deno.readDirSync(dir)], []);
    }),
});
