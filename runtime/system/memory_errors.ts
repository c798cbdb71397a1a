/** What libtensorflow says when memory runs out, in one line for a person. */
import { TensorFlowError, UserError } from "./errors.ts";

/** `TF_RESOURCE_EXHAUSTED` (tsl/c/tsl_status.h). */
const RESOURCE_EXHAUSTED = 8;

/** Whether it says that memory has run out. */
export function isOutOfMemory({ code, detail }: TensorFlowError): boolean {
  // cuDNN's search for an algorithm fails with NOT_FOUND, and has in its text what each of them lacked.
  return code === RESOURCE_EXHAUSTED || /RESOURCE_EXHAUSTED|OUT_OF_MEMORY/.test(detail);
}

/** Whether an error is that of memory which has run out: the library's, or that of an array which is too large. */
function isRoomless(error: unknown): error is Error {
  return error instanceof TensorFlowError
    ? isOutOfMemory(error)
    : error instanceof RangeError && /array (buffer allocation failed|length)/i.test(error.message);
}

/**
 * The error of a step over a batch, as a person is told it: where memory ran out, that, and half the batch to try; any
 * other stays what it is.
 *
 * @param action What was being done, e.g. `Cannot train`.
 * @param batch Images of a step.
 * @param setting What sets them, e.g. `--batch`.
 */
export function explainOutOfMemory(error: unknown, action: string, batch: number, setting: string): unknown {
  if (!isRoomless(error)) return error;
  const detail = error instanceof TensorFlowError ? error.detail : "";
  const device = /device:(\w+:\d+)/.exec(detail)?.[1]; // "/job:localhost/replica:0/task:0/device:GPU:0"
  const half = Math.floor(batch / 2);
  return new UserError(
    `${action}: out of memory${device === undefined ? "" : ` on ${device}`} with ${batch} images a step; ` +
      (half < 2 ? "try smaller images or a smaller network" : `try ${setting} ${half}`),
    { cause: error },
  );
}
