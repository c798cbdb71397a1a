/** Which number format a run computes in. */
import { assertEquals } from "@std/assert";
import { choosePrecision } from "../../../runtime/compile/precision.ts";
import { readCpu, runtimeInfo, tf } from "../../../runtime/mod.ts";
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

Deno.test({
  name: "choosePrecision: this machine unless told another",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const { devices, gainsFromBfloat16 } = runtimeInfo();
    if (devices.length === 1) assertEquals(gainsFromBfloat16, readCpu().gainsFromBfloat16);
    assertEquals(choosePrecision("auto"), gainsFromBfloat16 ? "bfloat16" : "float32");
  },
});
