import { assertEquals } from "@std/assert";
import type { Standing } from "../../../pipeline/bench/peers.ts";
import {
  type BenchResult,
  caseLines,
  cpuText,
  flatnessLine,
  listingLines,
  profileLines,
  raceLines,
  resultLines,
  sampleLine,
  versionText,
} from "../../../scripts/cli/bench_lines.ts";

const RESULT: BenchResult = {
  model: "resnet20",
  name: "ResNet-20",
  parameters: 269_722,
  mode: "training",
  batch: 128,
  size: 32,
  precision: "bfloat16",
  steps: 12,
  firstStepMs: 912,
  msPerStep: 102.44,
  minMs: 9.9876,
  maxMs: 110,
  deviationMs: 3.21,
  imagesPerSecond: 1249.51,
  gigaflopsPerSecond: 304.01,
  startToFirstStepMs: 2_060,
  peakRssMiB: 901.7,
  cpu: { model: "AMD EPYC", instructions: "AVX-512", cores: 2 },
  devices: ["CPU:0"],
  versions: { deno: "2.9.6", tensorflow: "2.21.0" },
};

Deno.test("caseLines: what is run, on what", () => {
  assertEquals(caseLines(RESULT), [
    "ResNet-20, 269,722 parameters, training, 32 x 32, batch 128, bfloat16",
    "CPU:0: AMD EPYC (AVX-512), 2 cores; deno 2.9.6, tensorflow 2.21.0",
  ]);
  const [, one] = caseLines({ ...RESULT, threads: 1, cpu: { ...RESULT.cpu, cores: 1 } });
  assertEquals(one, "CPU:0: AMD EPYC (AVX-512), 1 core, 1 thread; deno 2.9.6, tensorflow 2.21.0");
});

Deno.test("resultLines: the rate, the spread, the first step, the memory", () => {
  assertEquals(resultLines(RESULT), [
    "1249.5 images/s, 102.4 ms a step (median of 12; 9.99 ms to 110.0 ms, deviation 3.21 ms), 304.0 GFLOP/s",
    "first step 0.9 s, done 2.1 s after the process began; peak memory 902 MiB",
  ]);
  const [, onGpu] = resultLines({ ...RESULT, gpuMemoryMiB: 5678.4 });
  assertEquals(
    onGpu,
    "first step 0.9 s, done 2.1 s after the process began; peak memory 902 MiB, 5678 MiB on the GPU",
  );
});

Deno.test("sampleLine and flatnessLine: what is held, and whether it grew once everything was there", () => {
  const sample = (step: number, handles: number, residentMiB: number, heapMiB: number) => ({
    step,
    tensors: 158,
    handles,
    residentMiB,
    heapMiB,
    peakMiB: 999,
  });
  assertEquals(
    sampleLine(sample(10, 118, 420.4, 60.6)),
    "step 10: 158 tensors, 118 handles, 420 MiB resident, of which 61 MiB JavaScript heap",
  );
  const start = sample(0, 118, 300, 30);
  assertEquals(
    flatnessLine([start, sample(10, 158, 400, 40), sample(20, 158, 450, 88.5)]),
    "from step 10 to 20: tensors flat at 158, handles flat at 158, resident without the JavaScript heap +1.5 MiB",
  );
  assertEquals(
    flatnessLine([start, sample(10, 158, 400, 40), sample(20, 178, 390, 40)]),
    "from step 10 to 20: tensors flat at 158, handles 158 to 178, resident without the JavaScript heap -10.0 MiB",
  );
});

Deno.test("profileLines: by op, by layer, and the slowest nodes", () => {
  const conv = "0.variables.params.conv.weight";
  const nodes = [
    { name: conv, op: "_Arg", inputs: [], ms: 0 },
    { name: "1.images", op: "_Arg", inputs: [], ms: 0 },
    {
      name: "conv/Conv2D_1",
      op: "_MklNativeConv2D",
      inputs: ["1.images", conv],
      output: { dtype: 1, shape: [2, 4, 4, 8] },
      ms: 7.5,
    },
    { name: "relu/Relu_2", op: "Relu", inputs: ["conv/Conv2D_1"], ms: 2.499 },
    { name: "relu/Relu_3", op: "Tiny", inputs: ["conv/Conv2D_1"], ms: 0.001 },
  ];
  assertEquals(
    profileLines({ nodes, wallMs: 8.25 }, ["conv", "relu"]),
    [
      "8.25 ms a step with the statistics on; 10.0 ms in ops, of which several run at a time",
      "",
      "op               nodes    ms   share",
      "Conv2D (oneDNN)      1  7.50  75.0 %",
      "Relu                 1  2.50  25.0 %",
      "",
      "layer  forward  backward  update    ms   share",
      "conv      7.50                    7.50  75.0 %",
      "relu      2.50                    2.50  25.0 %",
      "",
      "slowest nodes  op               layer  output       ms",
      "Conv2D_1       Conv2D (oneDNN)  conv   [2,4,4,8]  7.50",
      "Relu_2         Relu             relu              2.50",
      "Relu_3         Tiny             relu              0.00",
    ],
  );
});

Deno.test("raceLines: medians, the ratios, and why someone failed", () => {
  const standing = (framework: "Deno" | "PyTorch", how: string, ...rates: number[]): Standing => ({
    contender: { framework, how, precision: "float32", isTutorial: how.includes("tutorial"), command: [] },
    results: rates.map((imagesPerSecond) => ({
      imagesPerSecond,
      msPerStep: 1000 / imagesPerSecond,
      firstStepMs: 1500,
      peakRssMiB: imagesPerSecond,
      versions: {},
    })),
  });
  const [ours, theirs] = [
    standing("Deno", "float32", 200, 100, 250),
    standing("PyTorch", "float32, tutorial", 80),
  ];
  const broken: Standing = { ...standing("PyTorch", "float32, compiled"), failure: "no compiler" };
  const ratios = [
    { precision: "float32", against: broken.contender, ratio: 1.234 },
    { precision: "float32", against: theirs.contender, ratio: 2.5 },
  ] as const;
  assertEquals(raceLines([ours, theirs, broken], ratios), [
    "                           images/s  lowest to highest  ms a step  first step  peak MiB",
    "Deno float32                  200.0     100.0 to 250.0        5.0       1.5 s       250",
    "PyTorch float32, tutorial      80.0       80.0 to 80.0       12.5       1.5 s        80",
    "PyTorch float32, compiled    failed",
    "",
    "Deno float32 is 1.23 x the best of PyTorch (float32, compiled)",
    "Deno float32 is 2.50 x PyTorch (float32, tutorial)",
    "PyTorch float32, compiled failed: no compiler",
  ]);
});

Deno.test("versionText: each once", () => {
  assertEquals(
    versionText({ torch: "2.15.0" }, { deno: "2.9.6", torch: "2.15.0" }),
    "torch 2.15.0, deno 2.9.6",
  );
});

Deno.test("listingLines: how many pictures, how long, on what", () => {
  const { cpu } = RESULT;
  assertEquals(
    listingLines({ files: 100_000, classes: 100, seconds: 3.2, filesPerSecond: 31_250, cpu }),
    ["100,000 pictures in 100 classes listed in 3.20 s, 31,250 a second", cpuText(cpu)],
  );
});
