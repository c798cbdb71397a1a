/** Which number format a run computes in. */
import { assertEquals, assertThrows } from "@std/assert";
import { choosePrecision, type Machine } from "../../../runtime/compile/precision.ts";
import { readCpu, runtimeInfo, tf, UsageError } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";

Deno.test("choosePrecision: what is asked for, then the machine", () => {
  const [has, hasNot] = [{ gainsFromBfloat16: true }, { gainsFromBfloat16: false }];
  assertEquals(choosePrecision("bfloat16", hasNot), "bfloat16");
  assertEquals(choosePrecision("float32", has), "float32");
  assertEquals(choosePrecision("float32", hasNot), "float32");
  assertEquals(choosePrecision("bfloat16", has), "bfloat16");
  assertEquals(choosePrecision("auto", has), "bfloat16");
  assertEquals(choosePrecision("auto", hasNot), "float32");
});

Deno.test("choosePrecision: tf32 where a GPU has it, and only if it is asked for", () => {
  for (const gpuCapability of [80, 89, 90]) {
    assertEquals(choosePrecision("tf32", { gainsFromBfloat16: true, gpuCapability }), "tf32");
    assertEquals(choosePrecision("auto", { gainsFromBfloat16: true, gpuCapability }), "bfloat16");
    assertEquals(choosePrecision("auto", { gainsFromBfloat16: false, gpuCapability }), "float32");
  }
  const refused = (machine: Machine) =>
    assertThrows(() => choosePrecision("tf32", machine), UsageError).message;
  assertEquals(
    refused({ gainsFromBfloat16: true }),
    "Cannot compute in tf32: it takes an NVIDIA GPU of compute capability 8.0 or higher, the processor computes " +
      "here; use --precision float32 or bfloat16",
  );
  assertEquals(
    refused({ gainsFromBfloat16: false, gpuCapability: 75 }),
    "Cannot compute in tf32: it takes an NVIDIA GPU of compute capability 8.0 or higher, the one here has 7.5; " +
      "use --precision float32 or bfloat16",
  );
});

Deno.test({
  name: "choosePrecision: this machine unless told another",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const { devices, gainsFromBfloat16, gpuCapability } = runtimeInfo();
    if (devices.length === 1) assertEquals(gainsFromBfloat16, readCpu().gainsFromBfloat16);
    if (gpuCapability === undefined) assertThrows(() => choosePrecision("tf32"), UsageError);
    assertEquals(devices.length > 1, gpuCapability !== undefined);
    assertEquals(choosePrecision("auto"), gainsFromBfloat16 ? "bfloat16" : "float32");
  },
});
