/** The errors that a person meets. Scripts print their message as one line and exit with `exitCode`. */

/** Something outside the code failed: a file, the data, the network, the library. Exit code 1. */
export class UserError extends Error {
  /** What kind of error it is. */
  override readonly name = "UserError";
  /** What a task exits with. */
  readonly exitCode = 1;
}

/** The command was used wrongly: a flag, its value, a name, settings that contradict a run. Exit code 2. */
export class UsageError extends Error {
  /** What kind of error it is. */
  override readonly name = "UsageError";
  /** What a task exits with. */
  readonly exitCode = 2;
}

/** A call into libtensorflow that returned a status other than `TF_OK`. */
export class TensorFlowError extends Error {
  /** What kind of error it is. */
  override readonly name = "TensorFlowError";
  /** What a task exits with. */
  readonly exitCode = 1;
  /**
   * An error of one call.
   * @param call The C function, with the op's name where there is one, e.g. `TFE_Execute(Conv2D)`.
   * @param code TensorFlow's status code (`TF_Code`, e.g. 3 is `INVALID_ARGUMENT`).
   * @param detail TensorFlow's own text.
   */
  constructor(readonly call: string, readonly code: number, readonly detail: string) {
    super(`${call} failed with ${CODE_NAMES[code] ?? "code"} (${code}): ${detail}`);
  }
}

/** Names of `TF_Code` (tsl/c/tsl_status.h), by number. */
const CODE_NAMES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
