import { assert, assertEquals } from "@std/assert";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";

Deno.test("errors carry their exit code and name", () => {
  assertEquals([new UserError("a").exitCode, new UserError("a").name], [1, "UserError"]);
  assertEquals([new UsageError("a").exitCode, new UsageError("a").name], [2, "UsageError"]);
  assert(new UserError("a") instanceof Error);
});

Deno.test("TensorFlowError says call, name and number of the code, and TensorFlow's text", () => {
  const error = new TensorFlowError("TFE_Execute(Conv2D)", 3, "no such thing");
  assertEquals(error.message, "TFE_Execute(Conv2D) failed with INVALID_ARGUMENT (3): no such thing");
  assertEquals([error.call, error.code, error.detail, error.exitCode, error.name], [
    "TFE_Execute(Conv2D)",
    3,
    "no such thing",
    1,
    "TensorFlowError",
  ]);
  // tsl/c/tsl_status.h
  const names: [number, string][] = [[5, "NOT_FOUND"], [8, "RESOURCE_EXHAUSTED"], [12, "UNIMPLEMENTED"], [
    16,
    "UNAUTHENTICATED",
  ]];
  for (const [code, name] of names) {
    assertEquals(new TensorFlowError("c", code, "t").message, `c failed with ${name} (${code}): t`);
  }
  assertEquals(new TensorFlowError("c", 99, "t").message, "c failed with code (99): t");
});
