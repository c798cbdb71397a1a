/** The file format against files of the Python package, and against damaged ones. */
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeSafetensors, encodeSafetensors } from "../../../layers/formats/safetensors.ts";
import type { NumericArray } from "../../../layers/readers/arrays.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { granted } from "../../needs.ts";

/** What tests/data/torch_reference.py puts into tests/data/tiny.safetensors. */
const tiny: Record<string, NumericArray> = {
  "bn.num_batches_tracked": { shape: [], data: BigInt64Array.of(2n ** 40n + 1n) },
  "bn.weight": { shape: [2], data: Float32Array.of(1, 0.5) },
  "fc.weight": { shape: [2, 3], data: Float32Array.of(1.5, -2, 3.25, 0, 1e-30, -4) },
  "order": { shape: [2], data: Int32Array.of(7, -8) },
  "labels": { shape: [3], data: Uint8Array.of(1, 2, 255) },
};

Deno.test({
  name: "safetensors: reads a file of the Python package, and writes the same bytes",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const bytes = await Deno.readFile(new URL("../../data/tiny.safetensors", import.meta.url));
    const { tensors, metadata } = decodeSafetensors(bytes);
    assertEquals(tensors, tiny);
    assertEquals(metadata, { format: "pt" });
    assertEquals(encodeSafetensors(tiny, { format: "pt" }), bytes);
  },
});

/** A file with this header (a text, or JSON to be) and so many bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

Deno.test("safetensors: header and data of a small file, by hand", () => {
  const bytes = encodeSafetensors({ b: { shape: [1], data: Int32Array.of(-2) } });
  const header = '{"b":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}  '; // 54 bytes, padded to 56
  assertEquals(
    bytes,
    Uint8Array.of(56, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 254, 255, 255, 255),
  );
  assertEquals(decodeSafetensors(file("{}")), { tensors: {}, metadata: {} });
});

Deno.test("safetensors: reads unaligned data, and bytes that are a part of a larger buffer", () => {
  const header = {
    a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    b: { dtype: "F32", shape: [1], data_offsets: [1, 5] },
  };
  const bytes = file(header, 5);
  bytes.set([9, 0, 0, 128, 63], bytes.length - 5); // 1.0 is 0x3f800000
  const larger = new Uint8Array(bytes.length + 6);
  larger.set(bytes, 3);
  const { tensors } = decodeSafetensors(larger.subarray(3, 3 + bytes.length));
  assertEquals(tensors, {
    a: { shape: [1], data: Uint8Array.of(9) },
    b: { shape: [1], data: Float32Array.of(1) },
  });
  larger.fill(0);
  assertEquals(tensors["b"].data[0], 1, "the data is a copy");
});

/** An entry of the header. */
function entry(dtype: string, shape: unknown, begin: unknown, end: unknown): Record<string, unknown> {
  return { dtype, shape, data_offsets: [begin, end] };
}

Deno.test("safetensors: one line that says what is wrong with a damaged file", () => {
  const good = encodeSafetensors(tiny, { format: "pt" });
  const long = file("{}");
  new DataView(long.buffer).setBigUint64(0, 100_000_001n, true);
  const huge = file("{}");
  new DataView(huge.buffer).setBigUint64(0, 2n ** 64n - 1n, true);
  const cases: [bytes: Uint8Array, problem: string][] = [
    [new Uint8Array(0), "0 bytes, a header's length takes 8"],
    [good.subarray(0, 7), "7 bytes, a header's length takes 8"],
    [good.subarray(0, 100), "100 bytes, header and its length alone are said to have 360"],
    [good.subarray(0, good.length - 1), "410 bytes, header and tensors have 411"],
    [Uint8Array.of(...good, 0), "412 bytes, header and tensors have 411"],
    [long, "the header is said to have 100000001 bytes, at most 100000000 are allowed"],
    [huge, "the header is said to have 18446744073709551615 bytes, at most 100000000 are allowed"],
    [file(""), "the header does not begin with {"],
    [file(" {}"), "the header does not begin with {"],
    [file("[]"), "the header does not begin with {"],
    [file('{"a":\n'), "the header is not JSON in UTF-8"],
    [file('{"a":"?"}').map((byte) => byte === 63 ? 0xff : byte), "the header is not JSON in UTF-8"],
    [file({ __metadata__: { step: 1 } }), "__metadata__ holds something else than texts"],
    [file({ __metadata__: [] }), "__metadata__ holds something else than texts"],
    [file({ a: 1 }), 'the entry of "a" is not an object'],
    [file({ "a\nb": null }), 'the entry of "a\\nb" is not an object'],
    [file({ a: entry("F16", [1], 0, 2) }, 2), '"a" has dtype "F16", known are I64, F32, I32, U8'],
    [
      file({ a: { shape: [1], data_offsets: [0, 4] } }, 4),
      '"a" has dtype undefined, known are I64, F32, I32, U8',
    ],
    [file({ a: entry("F32", [-1], 0, 4) }, 4), '"a" has shape [-1]'],
    [file({ a: entry("F32", 1, 0, 4) }, 4), '"a" has shape 1'],
    [file({ a: entry("F32", [1], 0, 4.5) }, 4), '"a" has data_offsets [0,4.5]'],
    [file({ a: entry("F32", [1], 4, 0) }, 4), '"a" has data_offsets [4,0]'],
    [file({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4), '"a" has data_offsets [0]'],
    [file({ a: entry("F32", [2, 3], 0, 20) }, 20), '"a" F32 [2, 3] needs 24 bytes, data_offsets give 20'],
    [
      file({ a: entry("F32", [2 ** 40, 2 ** 40], 0, 4) }, 4),
      `"a" F32 [${2 ** 40}, ${2 ** 40}] needs ${2 ** 82} bytes, data_offsets give 4`,
    ],
    [
      file({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 2, 6) }, 6),
      '"b" begins at byte 2 of the data, the tensor before it ends at 4',
    ],
    [
      file({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 6, 10) }, 10),
      '"b" begins at byte 6 of the data, the tensor before it ends at 4',
    ],
    [
      file({ a: entry("U8", [4], 1, 5) }, 5),
      '"a" begins at byte 1 of the data, the tensor before it ends at 0',
    ],
    [file({ a: entry("U8", [9], 0, 9) }, 4), `${8 + 53 + 4} bytes, header and tensors have ${8 + 53 + 9}`],
  ];
  for (const [bytes, problem] of cases) {
    assertEquals(
      assertThrows(() => decodeSafetensors(bytes, "runs/a/model.safetensors"), UserError).message,
      `Cannot read runs/a/model.safetensors: ${problem}; the file is damaged or not safetensors, get it again`,
    );
  }
});

Deno.test("safetensors: refuses to write what could not be read", () => {
  assertEquals(
    assertThrows(() => encodeSafetensors({ a: { shape: [2, 2], data: new Float32Array(3) } }), TypeError)
      .message,
    'encodeSafetensors: "a" of shape [2, 2] needs 4 numbers, found 3',
  );
  assertEquals(
    assertThrows(
      () => encodeSafetensors({ __metadata__: { shape: [0], data: new Float32Array(0) } }),
      TypeError,
    )
      .message,
    'encodeSafetensors: a tensor cannot be called "__metadata__"',
  );
});

/** Any record of tensors: every type, empty ones, scalars, awkward names. */
const anyTensors = fc.dictionary(
  fc.string().filter((name) => name !== "__metadata__"),
  fc.oneof(
    fc.float32Array().map((data) => ({ shape: [data.length], data })),
    fc.int32Array().map((data) => ({ shape: [1, data.length], data })),
    fc.bigInt64Array().map((data) => ({ shape: [data.length, 1], data })),
    fc.uint8Array().map((data) => ({ shape: [data.length], data })),
    fc.bigInt64Array({ minLength: 1, maxLength: 1 }).map((data) => ({ shape: [], data })),
  ),
);

Deno.test("safetensors: whatever is written is read back (200 random files)", () => {
  fc.assert(
    fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
      const read = decodeSafetensors(encodeSafetensors(tensors, metadata));
      assertEquals({ ...read.tensors }, { ...tensors });
      assertEquals({ ...read.metadata }, { ...metadata });
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("safetensors: a damaged file is read or refused, never a crash (500 random changes)", () => {
  const good = encodeSafetensors(tiny, { format: "pt" });
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), (changes, length) => {
      const bytes = good.slice(0, length < good.length / 2 ? good.length : length);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        assertInstanceOf(error, UserError);
        assertEquals(error.message.includes("\n"), false);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});
