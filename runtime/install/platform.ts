/** Which build of TensorFlow belongs to which machine: the pinned wheels, their hashes and their sizes. */
import { UserError } from "../system/errors.ts";
import { LIBRARY_VARIABLE } from "./paths.ts";

/** The release that is installed. */
export const TENSORFLOW_VERSION = "2.21.0";

/** The minor release that is taken where one is found; patch releases leave the C API and the ops alone. */
export const TENSORFLOW_MINOR = "2.21";

/** Whether a version is of the minor release that is taken. */
export function isCompatible(version: string): boolean {
  return version.startsWith(`${TENSORFLOW_MINOR}.`);
}

/** One package of PyPI, pinned: only a file with this hash is accepted. */
export interface Requirement {
  /** Its name on PyPI. */
  readonly name: string;
  /** The exact version. */
  readonly version: string;
  /** The hash of the wheel, in hexadecimal. */
  readonly sha256: string;
}

/** A build of TensorFlow as PyPI has it. */
export interface Distribution {
  /** Whether it can compute on NVIDIA's GPUs. */
  readonly gpu: boolean;
  /** The wheel of TensorFlow first, then what it needs beside it. */
  readonly requirements: readonly [Requirement, ...Requirement[]];
  /** pip's tags of the platforms whose wheels are taken. */
  readonly pipPlatforms: readonly string[];
  /** Bytes to download. */
  readonly downloadBytes: number;
  /** Bytes of the unpacked wheels. */
  readonly unpackedBytes: number;
  /** Bytes of what is kept of that: headers and Python go. */
  readonly keptBytes: number;
}

/** The two libraries' file names. */
export interface LibraryNames {
  /** `libtensorflow_cc`, which has the C API. */
  readonly cc: string;
  /** `libtensorflow_framework`, which it needs beside it. */
  readonly framework: string;
}

/** The file names of the libraries on an operating system; Linux's for those that have none. */
export function libraryNames(os: typeof Deno.build.os): LibraryNames {
  return os === "darwin"
    ? { cc: "libtensorflow_cc.2.dylib", framework: "libtensorflow_framework.2.dylib" }
    : { cc: "libtensorflow_cc.so.2", framework: "libtensorflow_framework.so.2" };
}

/**
 * The folder's name in the cache for a machine. It names the kind of machine, since a home folder may be shared by several;
 * of the builds with and without CUDA there is one at a time.
 */
export function installName(os: string, arch: string): string {
  return `tensorflow-${TENSORFLOW_MINOR}-${os}-${arch}`;
}

/**
 * The pinned build for a machine.
 * @param gpu Whether it must be the one for NVIDIA's GPUs.
 * @throws {UserError} If PyPI has none.
 */
export function distributionFor(
  os: typeof Deno.build.os,
  arch: typeof Deno.build.arch,
  gpu: boolean,
): Distribution {
  const name = `${os}-${arch}-${gpu ? "cuda" : "cpu"}`;
  const build = Object.hasOwn(BUILDS, name) ? BUILDS[name] : undefined;
  if (build === undefined) {
    throw new UserError(
      `Cannot install TensorFlow ${TENSORFLOW_VERSION}: PyPI has no ${
        gpu ? "CUDA " : ""
      }build for ${os} ${arch} ` +
        `(there are ${Object.keys(BUILDS).join(", ")}); ` +
        (gpu
          ? "leave --gpu away, or use Linux on x86_64"
          : `use one of these, or set ${LIBRARY_VARIABLE} to a folder that holds libtensorflow_cc ${TENSORFLOW_MINOR}`),
    );
  }
  return { ...build, gpu };
}

/** The pinned build for this machine. */
export function thisDistribution(gpu: boolean): Distribution {
  return distributionFor(Deno.build.os, Deno.build.arch, gpu);
}

/** A requirements file for pip's `--require-hashes`. */
export function requirementsFile(requirements: readonly Requirement[]): string {
  return requirements.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`)
    .join("");
}

function tensorflow(name: string, sha256: string): Requirement {
  return { name, version: TENSORFLOW_VERSION, sha256 };
}

/**
 * What the CUDA wheel's METADATA asks for under the extra `and-cuda`, each at the newest version within the range given
 * there when this was written; hashes of the x86_64 wheels as pip reports them. The library looks for them in
 * `../nvidia/*` (its RUNPATH, which lacks libcusolver's folder: `usableGpus` loads that before), opens them only when it
 * meets a GPU, and so loads on machines without one.
 */
const NVIDIA: readonly Requirement[] = [
  {
    name: "nvidia-cublas-cu12", // <13.0,>=12.5.3.2
    version: "12.9.3.13",
    sha256: "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
  },
  {
    name: "nvidia-cuda-cupti-cu12", // <13.0,>=12.5.82
    version: "12.9.79",
    sha256: "096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f",
  },
  {
    name: "nvidia-cuda-nvcc-cu12", // <13.0,>=12.5.82
    version: "12.9.86",
    sha256: "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
  },
  {
    name: "nvidia-cuda-nvrtc-cu12", // <13.0,>=12.5.82
    version: "12.9.86",
    sha256: "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
  },
  {
    name: "nvidia-cuda-runtime-cu12", // <13.0,>=12.5.82
    version: "12.9.79",
    sha256: "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
  },
  {
    name: "nvidia-cudnn-cu12", // <10.0,>=9.3.0.75
    version: "9.28.0.42",
    sha256: "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
  },
  {
    name: "nvidia-cufft-cu12", // <12.0,>=11.2.3.61
    version: "11.4.1.4",
    sha256: "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
  },
  {
    name: "nvidia-curand-cu12", // <11.0,>=10.3.6.82
    version: "10.3.10.19",
    sha256: "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
  },
  {
    name: "nvidia-cusolver-cu12", // <12.0,>=11.6.3.83
    version: "11.7.5.82",
    sha256: "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
  },
  {
    name: "nvidia-cusparse-cu12", // <13.0,>=12.5.1.3
    version: "12.5.10.65",
    sha256: "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
  },
  {
    name: "nvidia-nccl-cu12", // <3.0,>=2.27.7
    version: "2.32.3",
    sha256: "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
  },
  {
    name: "nvidia-nvjitlink-cu12", // <13.0,>=12.5.82
    version: "12.9.86",
    sha256: "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
  },
];

/** The wheels for CPython 3.11; which Python they are for does not matter, as no Python is run with them. Sizes measured. */
const BUILDS: Readonly<Record<string, Omit<Distribution, "gpu">>> = {
  "linux-x86_64-cpu": {
    requirements: [
      tensorflow("tensorflow-cpu", "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c"),
    ],
    pipPlatforms: ["manylinux_2_27_x86_64"],
    downloadBytes: 273_829_956,
    unpackedBytes: 1.3e9,
    keptBytes: 854e6,
  },
  "linux-x86_64-cuda": {
    requirements: [
      tensorflow("tensorflow", "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124"),
      ...NVIDIA,
    ],
    pipPlatforms: ["manylinux_2_27_x86_64", "manylinux_2_25_x86_64", "manylinux2014_x86_64"],
    downloadBytes: 3.3796e9,
    unpackedBytes: 6.32e9,
    keptBytes: 5.7e9,
  },
  "linux-aarch64-cpu": {
    requirements: [
      tensorflow("tensorflow", "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c"),
    ],
    pipPlatforms: ["manylinux_2_27_aarch64"],
    downloadBytes: 281_828_020,
    unpackedBytes: 1.33e9,
    keptBytes: 884e6,
  },
  "darwin-aarch64-cpu": {
    requirements: [
      tensorflow("tensorflow", "51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88"),
    ],
    pipPlatforms: ["macosx_12_0_arm64"],
    downloadBytes: 223_405_849,
    unpackedBytes: 1.14e9,
    keptBytes: 742e6,
  },
};
