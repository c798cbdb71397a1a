/** Which number format a run computes in. */
import { assertEquals } from "@std/assert";
import { choosePrecision } from "../../../runtime/compile/precision.ts";
import { readCpu, runtimeInfo, tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";

Deno.test("choosePrecision: what is asked for, then the processor", () => {
  const devices = ["CPU:0"];
  const [has, hasNot] = [{ hasBfloat16: true, devices }, { hasBfloat16: false, devices }];
  assertEquals(choosePrecision("bfloat16", hasNot), "bfloat16");
  assertEquals(choosePrecision("float32", has), "float32");
  assertEquals(choosePrecision("float32", hasNot), "float32");
  assertEquals(choosePrecision("bfloat16", has), "bfloat16");
  assertEquals(choosePrecision("auto", has), "bfloat16");
  assertEquals(choosePrecision("auto", hasNot), "float32");
  const gpu = { hasBfloat16: true, devices: ["CPU:0", "GPU:0"] };
  assertEquals(choosePrecision("auto", gpu), "float32", "on a GPU the processor does not count");
  assertEquals(choosePrecision("bfloat16", gpu), "bfloat16");
});

Deno.test({
  name: "choosePrecision: this machine unless told another",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const onGpu = runtimeInfo().devices.some((device) => device.startsWith("GPU:"));
    assertEquals(choosePrecision("auto"), readCpu().hasBfloat16 && !onGpu ? "bfloat16" : "float32");
  },
});
