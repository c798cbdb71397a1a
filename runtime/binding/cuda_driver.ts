/** Asks NVIDIA's driver what there is, through its C API. */
import type { Card, Driver, Machine, Refusal } from "./cuda.ts";
import { cString, keepLoaded } from "./library.ts";

/** The part of the driver's API that is called, with the C declarations (cuda.h); `CUresult` is an enum. */
const DRIVER = {
  // CUresult cuGetErrorName(CUresult error, const char** pStr)
  cuGetErrorName: { parameters: ["i32", "buffer"], result: "i32" },
  // CUresult cuInit(unsigned int Flags); CUresult cuDriverGetVersion(int* driverVersion)
  cuInit: { parameters: ["u32"], result: "i32" },
  cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  // CUresult cuDeviceGetCount(int* count); CUresult cuDeviceGet(CUdevice* device, int ordinal); CUdevice is an int
  cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
  cuDeviceGet: { parameters: ["buffer", "i32"], result: "i32" },
  // CUresult cuDeviceGetName(char* name, int len, CUdevice dev)
  cuDeviceGetName: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // CUresult cuDeviceGetAttribute(int* pi, CUdevice_attribute attrib, CUdevice dev)
  cuDeviceGetAttribute: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // CUresult cuDevicePrimaryCtxRetain(CUcontext* pctx, CUdevice dev)
  cuDevicePrimaryCtxRetain: { parameters: ["buffer", "i32"], result: "i32" },
  // CUresult cuDevicePrimaryCtxRelease(CUdevice dev); cuda.h means the symbols with _v2 by the names without
  cuDevicePrimaryCtxRelease_v2: { parameters: ["i32"], result: "i32" },
  // CUresult cuCtxPushCurrent(CUcontext ctx); CUresult cuCtxPopCurrent(CUcontext* pctx); CUcontext is a pointer
  cuCtxPushCurrent_v2: { parameters: ["pointer"], result: "i32" },
  cuCtxPopCurrent_v2: { parameters: ["buffer"], result: "i32" },
  // CUresult cuMemGetInfo(size_t* free, size_t* total): of the card of the current context
  cuMemGetInfo_v2: { parameters: ["buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Symbols = Deno.StaticForeignLibraryInterface<typeof DRIVER>;

/** What is called to look at a card's memory. */
export type MemoryCalls = Pick<
  Symbols,
  | "cuDeviceGet"
  | "cuDevicePrimaryCtxRetain"
  | "cuDevicePrimaryCtxRelease_v2"
  | "cuCtxPushCurrent_v2"
  | "cuCtxPopCurrent_v2"
  | "cuMemGetInfo_v2"
>;

/** `CUdevice_attribute` (cuda.h). */
const [COMPUTE_MODE, CAPABILITY_MAJOR, CAPABILITY_MINOR] = [20, 75, 76];

const LIBCUDA = "libcuda.so.1";

/** This machine. */
export const thisMachine: Machine = {
  load: keepLoaded,
  driver: askDriver,
  env: (name) => Deno.env.get(name),
};

/** Starts the driver, and opens each card: what another process may be in the way of shows only then. */
function askDriver(): Driver | undefined {
  if (keepLoaded(LIBCUDA) !== undefined) return undefined;
  const c = openDriver();
  const version = intFrom((out) => c.cuDriverGetVersion(out)); // 12040 is 12.4
  const cuda = 10 * Math.floor(version / 1000) + version % 1000 / 10;
  const refusal = refusalOf(c, c.cuInit(0));
  if (refusal !== undefined) return { cuda, refusal, locked: lockedFiles(), cards: [] };
  const count = intFrom((out) => c.cuDeviceGetCount(out));
  return { cuda, locked: [], cards: Array.from({ length: count }, (_, i) => askCard(c, i)) };
}

function openDriver(): Symbols {
  return Deno.dlopen(LIBCUDA, DRIVER).symbols;
}

/**
 * MiB of a card's memory that are taken, whoever took them; `undefined` where the driver does not say.
 * @param ordinal The card's number, as the driver counts.
 * @param c The driver that is asked; this machine's unless given.
 */
export function takenMemoryMiB(
  ordinal: number,
  c: MemoryCalls = openDriver(),
): number | undefined {
  const device = intFrom((out) => c.cuDeviceGet(out, ordinal));
  const context = new BigUint64Array(1);
  if (c.cuDevicePrimaryCtxRetain(context, device) !== 0) return undefined;
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  c.cuCtxPushCurrent_v2(Deno.UnsafePointer.create(context[0]));
  const code = c.cuMemGetInfo_v2(free, total);
  c.cuCtxPopCurrent_v2(context);
  c.cuDevicePrimaryCtxRelease_v2(device);
  return code === 0 ? Number(total[0] - free[0]) / 2 ** 20 : undefined;
}

function askCard(c: Symbols, ordinal: number): Card {
  const device = intFrom((out) => c.cuDeviceGet(out, ordinal));
  const attribute = (which: number): number => intFrom((out) => c.cuDeviceGetAttribute(out, which, device));
  const name = new Uint8Array(100);
  c.cuDeviceGetName(name, name.length, device);
  return {
    name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    capability: 10 * attribute(CAPABILITY_MAJOR) + attribute(CAPABILITY_MINOR),
    mode: attribute(COMPUTE_MODE),
    // Kept: TensorFlow computes in the same context, and nobody else can take an exclusive card meanwhile.
    refusal: refusalOf(c, c.cuDevicePrimaryCtxRetain(new BigUint64Array(1), device)),
  };
}

function refusalOf(c: Symbols, code: number): Refusal | undefined {
  if (code === 0) return undefined;
  const name = new BigUint64Array(1);
  c.cuGetErrorName(code, name);
  return { code, name: cString(Deno.UnsafePointer.create(name[0])) || "an error without a name" };
}

/** The number that a call writes; 0 where it fails. */
function intFrom(call: (out: Int32Array<ArrayBuffer>) => number): number {
  const out = new Int32Array(1);
  return call(out) === 0 ? out[0] : 0;
}

/** The device files of the driver and the cards that the system does not let this user open. */
function lockedFiles(): string[] {
  const cards = Array.from({ length: 16 }, (_, i) => `nvidia${i}`);
  return ["nvidiactl", "nvidia-uvm", ...cards].map((name) => `/dev/${name}`).filter(isLocked);
}

/** One that is not there is not locked. */
function isLocked(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}
