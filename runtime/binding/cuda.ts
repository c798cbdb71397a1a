/** Which NVIDIA cards TensorFlow can use, and what is against it: judged before TensorFlow looks, which would end the process. */
import { dirname, join } from "@std/path";
import { LIBRARY_VARIABLE } from "../install/paths.ts";
import { UserError } from "../system/errors.ts";
import { taskCommand } from "../system/package.ts";
import type { Progress } from "../system/progress.ts";

/** An answer of the driver's that is not success: a `CUresult` of cuda.h. */
export interface Refusal {
  readonly code: number;
  /** Such as `CUDA_ERROR_NO_DEVICE`. */
  readonly name: string;
}

/** One card, as the driver tells of it. */
export interface Card {
  readonly name: string;
  /** Compute capability, ten times: 90 is 9.0. */
  readonly capability: number;
  /** `CUcomputemode` of cuda.h: 0 shared, 2 closed, 3 for one process. */
  readonly mode: number;
  /** What came of a context on it, if none did. */
  readonly refusal?: Refusal;
}

/** A card that can be used. */
export interface UsableCard {
  /** Its number, as the driver counts. */
  readonly ordinal: number;
  /** Compute capability, ten times. */
  readonly capability: number;
}

/**
 * The first cards with matrix units for bfloat16 and for TF32: 8.0 ("CUDA C++ Programming Guide", table of arithmetic
 * throughput).
 */
export const AMPERE = 80;

/** Whether all of them compute in bfloat16. */
export function haveBfloat16(cards: readonly UsableCard[]): boolean {
  return cards.every(({ capability }) => capability >= AMPERE);
}

/** NVIDIA's driver. */
export interface Driver {
  /** The CUDA that it is of, ten times: 124 is 12.4. */
  readonly cuda: number;
  /** What came of its start, if nothing did. */
  readonly refusal?: Refusal;
  /** Device files that this user may not open; looked for when it does not start. */
  readonly locked: readonly string[];
  /** None when it does not start. */
  readonly cards: readonly Card[];
}

/** What is asked of this machine. */
export interface Machine {
  /** Loads a library for the life of the process, by path or name; says what is against it. */
  load(file: string): string | undefined;
  /** The driver; `undefined` if there is none. */
  driver(): Driver | undefined;
  /** An environment variable; one that is empty is set. */
  env(name: string): string | undefined;
}

/** What is against using a GPU, and what to do. */
interface Fault {
  readonly what: string;
  readonly remedy: string;
  /** Whether most machines are so: worth a word only where a GPU was asked for. */
  readonly isUsual?: boolean;
}

/**
 * The cards that TensorFlow may use. Where it can use none, one line says why, and all goes on on the
 * CPU. What TensorFlow will open is kept loaded: it takes what is loaded under a name before it looks for a file.
 *
 * @param asked Whether it must be a GPU, and whom to tell.
 * @param directory Where libtensorflow is; without it only the driver and the cards count.
 * @throws {UserError} With that line, if it must be one.
 */
export function usableGpus(
  { device, progress }: { device?: "cpu" | "gpu"; progress?: Progress },
  machine: Machine,
  directory?: string,
): readonly UsableCard[] {
  const { cards, fault } = findGpus(machine, directory);
  if (fault === undefined) return cards;
  const { what, remedy, isUsual } = fault;
  if (device === "gpu") {
    throw new UserError(`Cannot use a GPU: ${what}; ${remedy}, or leave out --device gpu`);
  }
  if (!isUsual) progress?.message(`Running on the CPU: ${what}; ${remedy}`);
  return [];
}

function findGpus(machine: Machine, directory?: string): { cards: readonly UsableCard[]; fault?: Fault } {
  const driver = machine.driver();
  if (driver === undefined) return { cards: [], fault: NO_DRIVER };
  const fault = driverFault(driver, machine);
  if (fault !== undefined) return { cards: [], fault };
  const faults = driver.cards.map((card) => cardFault(card, driver));
  const cards = driver.cards
    .map(({ capability }, ordinal) => ({ ordinal, capability }))
    .filter(({ ordinal }) => faults[ordinal] === undefined);
  if (cards.length === 0) return { cards, fault: faults[0] };
  const missing = directory === undefined ? [] : missingLibraries(machine, directory);
  return missing.length === 0 ? { cards } : { cards: [], fault: libraryFault(missing, machine) };
}

/**
 * The oldest CUDA that a driver may be of, and the first driver of it. The wheel has CUDA 12, whose minor versions run on
 * every driver of 12.0 and later: NVIDIA, "CUDA Compatibility", table of minor version compatibility; the driver's
 * number from the release notes of CUDA 12, table "CUDA Toolkit and Minimum Required Driver Version".
 */
const OLDEST_CUDA = { cuda: 120, driver: "525.60.13" };

/**
 * The same for cards of 9.0 and later, for which the wheel has 1149 kernels (all that work element by element) as PTX
 * 8.5 only, as its fat binaries say. The driver compiles that, and takes no PTX that is newer than itself: "PTX ISA",
 * release history, where 8.5 is of CUDA 12.5.
 */
const OLDEST_CUDA_FOR_PTX = { cuda: 125, driver: "555.42.02" };
const PTX_ONLY = 90;

/** The oldest cards that the wheel has kernels for, by its fat binaries (6.0, 7.0, 8.0, 8.9, and PTX for later ones). */
const OLDEST_CARD = 60;

const NO_DRIVER: Fault = {
  what: "found no NVIDIA driver (libcuda.so.1)",
  remedy:
    `install version ${OLDEST_CUDA.driver} or newer; a container has to be started with the card ("--gpus all")`,
  isUsual: true,
};

/** `CUresult` (cuda.h). */
const [OUT_OF_MEMORY, NO_DEVICE, OPERATING_SYSTEM, UNKNOWN] = [2, 100, 304, 999];

/** `CUcomputemode` (cuda.h). */
const [PROHIBITED, EXCLUSIVE_PROCESS] = [2, 3];

/** Why a driver does not start, by `CUresult`, where the number tells. */
const STARTING: Readonly<Record<number, Fault>> = {
  34: {
    what: "libcuda.so.1 is the toolkit's stub, not a driver",
    remedy: `take its folder ("stubs") out of LD_LIBRARY_PATH`,
  },
  100: {
    what: "the driver finds no card",
    remedy: `see what "nvidia-smi" says; a container has to be started with the card ("--gpus all")`,
  },
  802: {
    what: "the driver is not ready yet",
    remedy: "wait, or start nvidia-fabricmanager where cards are joined by NVSwitch",
  },
  803: {
    what: "libcuda.so.1 and the driver's kernel module are of different versions",
    remedy: "start the machine anew after an update of the driver",
  },
  804: {
    what: "libcuda.so.1 is of cuda-compat, which these cards do not support",
    remedy: "take its folder out of LD_LIBRARY_PATH",
  },
  999: {
    what: "the driver does not start (CUDA_ERROR_UNKNOWN)",
    remedy:
      `see what "nvidia-smi" says, load its module with "modprobe nvidia-uvm", or start the machine anew`,
  },
};

function driverFault({ refusal, locked, cuda, cards }: Driver, { env }: Machine): Fault | undefined {
  if (refusal !== undefined) return startFault(refusal, locked, env("CUDA_VISIBLE_DEVICES"));
  if (cuda < OLDEST_CUDA.cuda) return oldDriver(cuda, "TensorFlow", OLDEST_CUDA);
  return cards.length === 0 ? STARTING[NO_DEVICE] : undefined;
}

function startFault({ code, name }: Refusal, locked: readonly string[], visible: string | undefined): Fault {
  // The driver reads the list up to the first entry that is neither a number nor an identifier.
  const hidesAll = visible !== undefined && !/^\s*(\d|GPU-|MIG-)/.test(visible);
  if (code === NO_DEVICE && visible !== undefined && (hidesAll || locked.length === 0)) {
    return {
      what: `CUDA_VISIBLE_DEVICES="${visible}" names no card`,
      remedy: `unset it, or give it a number that "nvidia-smi -L" lists`,
    };
  }
  if (locked.length > 0 && [NO_DEVICE, OPERATING_SYSTEM, UNKNOWN].includes(code)) {
    return {
      what: `this user may not open ${locked.join(", ")}`,
      remedy: `get the right to ("ls -l /dev/nvidia*" shows who has it), or a card from the batch system`,
    };
  }
  return STARTING[code] ?? {
    what: `the driver does not start: ${name} (${code})`,
    remedy: `see what "nvidia-smi" says`,
  };
}

function cardFault({ name, capability, mode, refusal }: Card, { cuda }: Driver): Fault | undefined {
  if (capability < OLDEST_CARD) {
    return {
      what: `${name} has compute capability ${version(capability)}`,
      remedy: `TensorFlow's kernels need ${version(OLDEST_CARD)} or higher: take a newer card`,
    };
  }
  if (capability >= PTX_ONLY && cuda < OLDEST_CUDA_FOR_PTX.cuda) {
    return oldDriver(cuda, name, OLDEST_CUDA_FOR_PTX);
  }
  if (refusal === undefined) return undefined;
  if (mode === PROHIBITED) {
    return { what: `${name} is closed to computing`, remedy: `open it with "nvidia-smi -c 0"` };
  }
  if (mode === EXCLUSIVE_PROCESS) {
    return {
      what: `another process has ${name} for itself`,
      remedy: `wait for its end ("nvidia-smi" shows it), or let them share the card with "nvidia-smi -c 0"`,
    };
  }
  if (refusal.code === OUT_OF_MEMORY) {
    return { what: `the memory of ${name} is full`, remedy: `end what fills it ("nvidia-smi" shows it)` };
  }
  return {
    what: `${name} cannot be opened: ${refusal.name} (${refusal.code})`,
    remedy: `see what "nvidia-smi" says`,
  };
}

function oldDriver(cuda: number, who: string, oldest: typeof OLDEST_CUDA): Fault {
  return {
    what: `the driver is of CUDA ${version(cuda)}, ${who} needs ${version(oldest.cuda)}`,
    remedy: `install driver ${oldest.driver} or newer`,
  };
}

/** `12.4` of 124. */
export function version(tenths: number): string {
  return (tenths / 10).toFixed(1);
}

/**
 * What TensorFlow's CUDA build opens before it lists a GPU, by log; without the CUDA runtime it ends the process, without
 * another one it quietly sees no GPU. Beside it the folder of NVIDIA's packages that has it.
 */
const LIBRARIES: readonly (readonly [name: string, folder?: string])[] = [
  ["libnvidia-ml.so.1"],
  ["libcudart.so.12", "cuda_runtime"],
  ["libcublas.so.12", "cublas"],
  ["libcublasLt.so.12", "cublas"],
  ["libcudnn.so.9", "cudnn"],
  ["libcufft.so.11", "cufft"],
  ["libcusolver.so.11", "cusolver"],
  ["libcusparse.so.12", "cusparse"],
];

/**
 * Loads the libraries, and returns the names of those that do not load. Looked for as the system's loader would for
 * libtensorflow: in LD_LIBRARY_PATH, in the packages beside it (its RUNPATH, where 2.21 lacks the folder of
 * libcusolver), in the system.
 */
function missingLibraries({ load, env }: Machine, directory: string): string[] {
  const first = (env("LD_LIBRARY_PATH") ?? "").split(/[:;]/).filter((folder) => folder !== "");
  return LIBRARIES.filter(([name, folder]) => {
    const packages = folder === undefined ? [] : [join(dirname(directory), "nvidia", folder, "lib")];
    const files = [...first, ...packages].map((folder) => join(folder, name));
    return [...files, name].every((file) => load(file) !== undefined);
  }).map(([name]) => name);
}

function libraryFault(missing: readonly string[], { env }: Machine): Fault {
  const what = `${missing.join(", ")} ${missing.length === 1 ? "does" : "do"} not open`;
  if (missing.length === 1 && missing[0] === "libnvidia-ml.so.1") {
    return {
      what,
      remedy: "install the whole driver; a container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility",
    };
  }
  const install = taskCommand("setup --gpu");
  return {
    what,
    remedy: env(LIBRARY_VARIABLE)
      ? `unset ${LIBRARY_VARIABLE} and run "${install}"`
      : `run "${taskCommand("setup --remove")}" and "${install}"`,
  };
}
