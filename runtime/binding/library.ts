/** Opens libtensorflow through Deno's FFI. Only this module and `cuda_driver.ts` call `Deno.dlopen`. */
import { join } from "@std/path";
import { isCompatible, libraryNames, TENSORFLOW_MINOR } from "../install/platform.ts";
import { TensorFlowError, UserError } from "../system/errors.ts";
import { taskCommand } from "../system/package.ts";
import { SYMBOLS, type Symbols } from "./symbols.ts";

/** The opened library: its functions, and the one status object that every call reports through. */
export interface Library {
  /** The folder that it was opened in. */
  readonly directory: string;
  readonly symbols: Symbols;
  /** TensorFlow's own version text, e.g. "2.21.0". */
  readonly version: string;
  /** Whether it is built for NVIDIA's GPUs. */
  readonly hasCuda: boolean;
  /** The `TF_Status*` to pass to calls that take one. */
  readonly status: Deno.PointerObject;
  /** Throws if the last call that was given `status` failed. */
  check(call: string): void;
}

/**
 * Opens libtensorflow in `directory`.
 *
 * Both files are first loaded for good: Deno unloads its libraries at exit, while TensorFlow's threads still run in them,
 * and the process would end in a segmentation fault instead of its exit code.
 *
 * @param directory The folder that holds `libtensorflow_cc` and `libtensorflow_framework`.
 * @throws {UserError} If the platform has no such library, or it cannot be loaded.
 */
export function openLibrary(directory: string): Library {
  const os = Deno.build.os;
  if (os !== "linux" && os !== "darwin") {
    throw new UserError(`Cannot load libtensorflow: no library for ${os}; use Linux or macOS`);
  }
  // Read by TensorFlow while it loads. oneDNN is twice as fast as Eigen even where TensorFlow would leave it off
  // (x86-64 without AVX-512); log level 3 keeps absl's start-up lines out of the program's output.
  for (const [name, value] of [["TF_CPP_MIN_LOG_LEVEL", "3"], ["TF_ENABLE_ONEDNN_OPTS", "1"]]) {
    if (Deno.env.get(name) === undefined) Deno.env.set(name, value);
  }
  const names = libraryNames(os);
  const paths = [join(directory, names.framework), join(directory, names.cc)];
  let symbols: Symbols;
  try {
    for (const path of paths) {
      const problem = keepLoaded(path);
      if (problem !== undefined) throw new Error(problem);
    }
    symbols = Deno.dlopen(paths[1], SYMBOLS).symbols;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `Cannot load libtensorflow from ${directory}: ${reason}; run "${taskCommand("setup --remove")}" ` +
        `and "${taskCommand("setup")}"`,
    );
  }
  const version = cString(symbols.TF_Version());
  if (!isCompatible(version)) {
    throw new UserError(
      `Cannot use libtensorflow in ${directory}: it is ${version}, the runtime takes ${TENSORFLOW_MINOR}; ` +
        `name another folder with RESNET_TENSORFLOW_DIR, or run "${taskCommand("setup")}"`,
    );
  }
  const status = symbols.TF_NewStatus();
  if (status === null) throw new UserError("Cannot start libtensorflow: out of memory");
  return {
    directory,
    symbols,
    version,
    hasCuda: symbols.isGoogleCudaEnabled?.() ?? false,
    status,
    check(call) {
      const code = symbols.TF_GetCode(status);
      if (code === 0) return;
      const error = new TensorFlowError(call, code, cString(symbols.TF_Message(status)));
      symbols.TF_SetStatus(status, 0, cStringBytes("")); // some calls, TF_SetConfig for one, leave it be when all is well
      throw error;
    },
  };
}

/**
 * Loads a library for the life of the process. Standard error goes nowhere meanwhile: TensorFlow's constructors remark that
 * oneDNN is on, whatever the log level.
 *
 * @param file A path, or a name that the system's loader looks for; one that is loaded already stays as it is.
 * @returns What the loader says against it; `undefined` if it is loaded.
 */
export function keepLoaded(file: string): string | undefined {
  const { libc, flags } = LOADERS[Deno.build.os === "darwin" ? "darwin" : "linux"];
  const { symbols } = Deno.dlopen(libc, {
    // void* dlopen(const char* filename, int flags); char* dlerror(void)
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
    dlerror: { parameters: [], result: "pointer" },
    // int open(const char* path, int flags, ...); int close(int fd); int dup(int fd); int dup2(int from, int to)
    open: { parameters: ["buffer", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    dup: { parameters: ["i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
  });
  const STDERR = 2;
  const WRITE_ONLY = 1; // O_WRONLY
  const kept = symbols.dup(STDERR);
  const nowhere = symbols.open(cStringBytes("/dev/null"), WRITE_ONLY);
  symbols.dup2(nowhere, STDERR);
  try {
    return symbols.dlopen(cStringBytes(file), flags) === null ? cString(symbols.dlerror()) : undefined;
  } finally {
    symbols.dup2(kept, STDERR);
    symbols.close(kept);
    symbols.close(nowhere);
  }
}

/** Where `dlopen` is, and its RTLD_NOW | RTLD_NODELETE: dlfcn.h of glibc (0x2 | 0x1000) and of macOS (0x2 | 0x80). */
const LOADERS = {
  linux: { libc: "libc.so.6", flags: 0x1002 },
  darwin: { libc: "libSystem.dylib", flags: 0x82 },
} as const;

/** Text of a `const char*`; "" for null. */
export function cString(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

const encoder = new TextEncoder();
const encoded = new Map<string, Uint8Array<ArrayBuffer>>();

/** `text` as a zero-terminated buffer. The same text gives the same buffer: names of ops and attributes recur. */
export function cStringBytes(text: string): Uint8Array<ArrayBuffer> {
  let bytes = encoded.get(text);
  if (bytes === undefined) encoded.set(text, bytes = encoder.encode(text + "\0"));
  return bytes;
}
