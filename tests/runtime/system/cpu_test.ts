/** What is read from Linux's `/proc/cpuinfo`. */
import { assert, assertEquals } from "@std/assert";
import { parseCpuInfo, readCpu } from "../../../runtime/system/cpu.ts";
import { granted } from "../../needs.ts";

/** The part of a `/proc/cpuinfo` that matters, for one of several equal cores. */
const x86 = (model: string, flags: string, vendor = "Made"): string =>
  `processor\t: 0
vendor_id\t: ${vendor}
model name\t: ${model}
flags\t\t: fpu ${flags} lm
bugs\t\t: bf16 amx_bf16

processor\t: 1
model name\t: another
flags\t\t: fpu
`;

Deno.test("parseCpuInfo: model and widest instructions of x86, and whether it multiplies bfloat16", () => {
  const cases: [flags: string, instructions: string, hasBfloat16: boolean][] = [
    ["sse4_2 avx avx2", "AVX2", false],
    ["avx2 avx512f avx512bw", "AVX-512", false],
    ["avx2 avx512f avx512_bf16", "AVX-512", true],
    ["avx2 avx512f avx512_bf16 amx_bf16 amx_tile", "AMX", true],
    ["avx2 avx512f xavx512_bf16x", "AVX-512", false],
    ["sse2", Deno.build.arch, false],
  ];
  for (const [flags, instructions, hasBfloat16] of cases) {
    assertEquals(parseCpuInfo(x86("Made CPU @ 2.0GHz", flags)), {
      model: "Made CPU @ 2.0GHz",
      instructions,
      hasBfloat16,
      gainsFromBfloat16: hasBfloat16,
    }, flags);
  }
});

Deno.test("parseCpuInfo: Intel's cores gain from bfloat16 where they have AMX", () => {
  const gains = (flags: string, vendor: string): boolean =>
    parseCpuInfo(x86("CPU", flags, vendor)).gainsFromBfloat16;
  assertEquals(gains("avx512f avx512_bf16", "GenuineIntel"), false);
  assertEquals(gains("avx512f avx512_bf16 amx_bf16", "GenuineIntel"), true);
  assertEquals(gains("avx512f avx512_bf16", "AuthenticAMD"), true);
  assertEquals(gains("avx512f", "AuthenticAMD"), false);
});

Deno.test("parseCpuInfo: Arm lists Features and no model name", () => {
  const text = (features: string): string => `processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: ${features}\n`;
  assertEquals(parseCpuInfo(text("fp asimd bf16 i8mm")), {
    model: Deno.build.arch,
    instructions: Deno.build.arch,
    hasBfloat16: true,
    gainsFromBfloat16: true,
  });
  assertEquals(parseCpuInfo(text("fp asimd")).hasBfloat16, false);
});

Deno.test("parseCpuInfo: a text that says nothing", () => {
  assertEquals(parseCpuInfo(""), {
    model: Deno.build.arch,
    instructions: Deno.build.arch,
    hasBfloat16: false,
    gainsFromBfloat16: false,
  });
});

Deno.test({
  name: "readCpu: this machine has a model and cores",
  ignore: !granted("read", "sys"),
  fn() {
    const { model, cores } = readCpu();
    assert(model.length > 0);
    assert(Number.isInteger(cores) && cores > 0);
  },
});
