/** The protocol buffers of the C API, against bytes written by hand from their wire format. */
import { assert, assertEquals } from "@std/assert";
import { decodeOpDef, encodeConfig } from "../../../runtime/binding/protos.ts";

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** A field of wire type 2: key, length, bytes. */
function field(number: number, content: string | number[]): number[] {
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [number << 3 | 2, bytes.length, ...bytes];
}

Deno.test("encodeConfig: threads and devices", () => {
  const text = hex(encodeConfig({ threads: 300, deviceCount: { GPU: 0 } }));
  assert(text.includes("10 ac 02"), "intra_op_parallelism_threads (2) = 300");
  assert(text.includes("0a 07 0a 03 47 50 55 10 00"), 'device_count (1) { "GPU": 0 }');
  assert(text.includes("38 01"), "allow_soft_placement (7)");
  assert(text.includes("32 02 20 01"), "gpu_options (6) { allow_growth (4) }");
  assert(!hex(encodeConfig({})).includes("0a"), "no device_count");
  const visible = hex(encodeConfig({ visibleGpus: [0, 2] }));
  assert(visible.includes("32 07 20 01 2a 03 30 2c 32"), 'visible_device_list (5) = "0,2"');
});

Deno.test("decodeOpDef: lists of inputs and state, unknown fields skipped", () => {
  const bytes = Uint8Array.from([
    ...field(1, "ConcatV2"),
    ...field(2, [...field(1, "values"), ...field(4, "T"), ...field(5, "N")]),
    ...field(2, [...field(1, "axis"), ...field(4, "Tidx")]),
    ...field(2, [...field(1, "rest"), ...field(6, "Tlist")]),
    ...field(3, field(1, "output")),
    ...field(5, "a summary"),
    17 << 3 & 0x7f | 0x80, // is_stateful (17): a key of two bytes
    17 >> 4,
    1,
  ]);
  const { inputArg, isStateful } = decodeOpDef(bytes);
  assertEquals(inputArg, [
    { name: "values", typeAttr: "T", numberAttr: "N", typeListAttr: "" },
    { name: "axis", typeAttr: "Tidx", numberAttr: "", typeListAttr: "" },
    { name: "rest", typeAttr: "", numberAttr: "", typeListAttr: "Tlist" },
  ]);
  assertEquals(isStateful, true);
});

Deno.test("decodeOpDef: an op without inputs and state", () => {
  const { inputArg, isStateful } = decodeOpDef(Uint8Array.from(field(1, "NoOp")));
  assertEquals([inputArg, isStateful], [[], false]);
});
