import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  distributionFor,
  installName,
  isCompatible,
  libraryNames,
  requirementsFile,
} from "../../../runtime/install/platform.ts";
import { UserError } from "../../../runtime/system/errors.ts";

Deno.test("each platform gets its wheel, with the hash that PyPI lists for CPython 3.11", () => {
  const wheels = [
    ["linux", "x86_64", false, "tensorflow-cpu", "2b847d217b02ee77", "manylinux_2_27_x86_64"],
    ["linux", "x86_64", true, "tensorflow", "9056fbc9ba042358", "manylinux_2_27_x86_64"],
    ["linux", "aarch64", false, "tensorflow", "4b24aca16d527a3c", "manylinux_2_27_aarch64"],
    ["darwin", "aarch64", false, "tensorflow", "51f46f4806139d01", "macosx_12_0_arm64"],
  ] as const;
  for (const [os, arch, gpu, name, hash, tag] of wheels) {
    const { requirements: [wheel], pipPlatforms, gpu: forGpu } = distributionFor(os, arch, gpu);
    assertEquals([wheel.name, wheel.version, wheel.sha256.slice(0, 16)], [name, "2.21.0", hash]);
    assertEquals([pipPlatforms[0], forGpu], [tag, gpu]);
  }
});

Deno.test("every requirement is pinned to a version and a SHA-256, as --require-hashes wants", () => {
  const { requirements } = distributionFor("linux", "x86_64", true);
  assertEquals(requirements.length, 13);
  assertEquals(new Set(requirements.map(({ name }) => name)).size, 13);
  for (const line of requirementsFile(requirements).trimEnd().split("\n")) {
    assertMatch(line, /^[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}$/);
  }
});

Deno.test("NVIDIA's packages are within the ranges of the wheel's METADATA", () => {
  const ranges: Record<string, [string, string]> = {
    "nvidia-cublas-cu12": ["12.5.3.2", "13.0"],
    "nvidia-cuda-cupti-cu12": ["12.5.82", "13.0"],
    "nvidia-cuda-nvcc-cu12": ["12.5.82", "13.0"],
    "nvidia-cuda-nvrtc-cu12": ["12.5.82", "13.0"],
    "nvidia-cuda-runtime-cu12": ["12.5.82", "13.0"],
    "nvidia-cudnn-cu12": ["9.3.0.75", "10.0"],
    "nvidia-cufft-cu12": ["11.2.3.61", "12.0"],
    "nvidia-curand-cu12": ["10.3.6.82", "11.0"],
    "nvidia-cusolver-cu12": ["11.6.3.83", "12.0"],
    "nvidia-cusparse-cu12": ["12.5.1.3", "13.0"],
    "nvidia-nccl-cu12": ["2.27.7", "3.0"],
    "nvidia-nvjitlink-cu12": ["12.5.82", "13.0"],
  };
  const isBefore = (a: string, b: string) => {
    const [x, y] = [a.split(".").map(Number), b.split(".").map(Number)];
    const i = x.findIndex((part, i) => part !== (y[i] ?? 0));
    return i >= 0 && x[i] < (y[i] ?? 0);
  };
  const [, ...nvidia] = distributionFor("linux", "x86_64", true).requirements;
  assertEquals(nvidia.map(({ name }) => name).sort(), Object.keys(ranges).sort());
  for (const { name, version } of nvidia) {
    const [from, below] = ranges[name];
    assert(!isBefore(version, from) && isBefore(version, below), `${name} ${version}`);
  }
});

Deno.test("a platform without a wheel is named, with what to do", () => {
  assertThrows(
    () => distributionFor("windows", "x86_64", false),
    UserError,
    "Cannot install TensorFlow 2.21.0: PyPI has no build for windows x86_64 (there are linux-x86_64-cpu, " +
      "linux-x86_64-cuda, linux-aarch64-cpu, darwin-aarch64-cpu); use one of these, or set RESNET_TENSORFLOW_DIR " +
      "to a folder that holds libtensorflow_cc 2.21",
  );
  assertThrows(
    () => distributionFor("darwin", "aarch64", true),
    UserError,
    "PyPI has no CUDA build for darwin aarch64",
  );
  assertThrows(() => distributionFor("darwin", "x86_64", false), UserError, "no build for darwin x86_64");
});

Deno.test("library names, install names and the release that is taken", () => {
  assertEquals(libraryNames("linux"), {
    cc: "libtensorflow_cc.so.2",
    framework: "libtensorflow_framework.so.2",
  });
  assertEquals(libraryNames("darwin").cc, "libtensorflow_cc.2.dylib");
  assertEquals(installName("linux", "aarch64"), "tensorflow-2.21-linux-aarch64");
  assertEquals(["2.21.0", "2.21.1", "2.210.0", "2.2.1", "2.20.0", "12.21.0"].map(isCompatible), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
