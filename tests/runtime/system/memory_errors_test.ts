/** What is said when memory runs out; the texts are those of TensorFlow 2.21. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { TensorFlowError, UserError } from "../../../runtime/system/errors.ts";
import { explainOutOfMemory } from "../../../runtime/system/memory_errors.ts";

const explain = (error: unknown, batch = 512): unknown =>
  explainOutOfMemory(error, "Cannot train", batch, "--batch");

Deno.test("explainOutOfMemory: the device, the batch and half of it", () => {
  const error = new TensorFlowError(
    "TFE_Execute(trainStep_0)",
    8,
    "{{function_node trainStep_0}} OOM when allocating tensor with shape[512,32,16,16] and type float on " +
      "/job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc\n\t [[{{node conv1}}]]\nHint: ...",
  );
  const explained = explain(error);
  assertEquals(explained instanceof UserError && [explained.message, explained.exitCode, explained.cause], [
    "Cannot train: out of memory on GPU:0 with 512 images a step; try --batch 256",
    1,
    error,
  ]);
  const message = (batch: number): string => (explain(error, batch) as UserError).message.split("; ")[1];
  assertEquals([5, 4, 3, 2].map(message), [
    "try --batch 2",
    "try --batch 2",
    "try smaller images or a smaller network",
    "try smaller images or a smaller network",
  ], "no step has fewer than two images");
});

Deno.test("explainOutOfMemory: no algorithm of cuDNN's that memory is enough for", () => {
  const error = new TensorFlowError(
    "TFE_Execute(trainStep_0)",
    5,
    "No algorithm worked!  Error messages:\n  Profiling failure on CUDNN engine eng0{}: RESOURCE_EXHAUSTED: " +
      "Out of memory while trying to allocate 16.00MiB.",
  );
  assertEquals(
    (explain(error) as UserError).message,
    "Cannot train: out of memory with 512 images a step; try --batch 256",
  );
});

Deno.test("explainOutOfMemory: an array that is too large for the machine, or for any", () => {
  for (const bytes of [2 ** 52, 2 ** 53]) {
    const error = assertThrows(() => new Uint8Array(bytes), RangeError);
    const { message } = explain(error, 2 ** 40) as UserError;
    assertEquals(
      message,
      `Cannot train: out of memory with 1099511627776 images a step; try --batch 549755813888`,
    );
  }
  const other = new RangeError("learningRate: step 3 is not in [0, 3)");
  assertStrictEquals(explain(other), other);
});

Deno.test("explainOutOfMemory: any other error stays what it is", () => {
  const others = [new TensorFlowError("TFE_Execute(Conv2D)", 3, "no such thing"), new UserError("a"), "text"];
  for (const error of others) assertStrictEquals(explain(error), error);
});
