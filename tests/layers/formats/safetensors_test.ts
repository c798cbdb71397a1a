/** The file format against files of the Python package, and against damaged ones. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
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

/** The types of the reference reader, as the message lists them. */
const DTYPES = "U64, I64, F64, C64, F32, U32, I32, BF16, F16, U16, I16, F8_E5M2FNUZ, F8_E4M3FNUZ, F8_E8M0, " +
  "F8_E4M3, F8_E5M2, I8, U8, F6_E3M2, F6_E2M3, F4, BOOL";

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
    [file(""), "the header is not JSON in UTF-8"],
    [file("{}\0"), "the header is not JSON in UTF-8"],
    [file("\ufeff{}"), "the header is not JSON in UTF-8"],
    [file("[]"), "the header is not a JSON object"],
    [file('{"a":\n'), "the header is not JSON in UTF-8"],
    [file('{"a":"?"}').map((byte) => byte === 63 ? 0xff : byte), "the header is not JSON in UTF-8"],
    [file({ __metadata__: { step: 1 } }), "__metadata__ holds something else than texts"],
    [file({ __metadata__: [] }), "__metadata__ holds something else than texts"],
    [file({ a: 1 }), 'the entry of "a" is not an object'],
    [file({ "a\nb": null }), 'the entry of "a\\nb" is not an object'],
    [file({ a: entry("Q7", [1], 0, 2) }, 2), `"a" has dtype "Q7", known are ${DTYPES}`],
    [file({ a: entry(7 as unknown as string, [1], 0, 2) }, 2), `"a" has dtype 7, known are ${DTYPES}`],
    [file({ a: { shape: [1], data_offsets: [0, 4] } }, 4), '"a" has no dtype'],
    [file('{"a":{"dtype":"F32","dtype":"F32"}}'), '"a" has more than one dtype'],
    [file('{"__metadata__":null,"__metadata__":{}}'), "there are two __metadata__"],
    [file('{"a":{"dtype":"I32","shape":[2.0,2e0],"data_offsets":[0,16]}}', 16), '"a" has shape [2.0,2.0]'],
    [file('{"a":{"dtype":"I32","shape":[2],"data_offsets":[-0,8]}}', 8), '"a" has data_offsets [-0,8]'],
    [
      file({ a: entry("F4", [3], 0, 2) }, 2),
      '"a" F4 [3] does not end at the end of a byte',
    ],
    [file({ a: entry("F32", [-1], 0, 4) }, 4), '"a" has shape [-1]'],
    [file({ a: entry("F32", 1, 0, 4) }, 4), '"a" has shape 1'],
    [file({ a: entry("F32", [1], 0, 4.5) }, 4), '"a" has data_offsets [0,4.5]'],
    [file({ a: entry("F32", [1], 4, 0) }, 4), '"a" has data_offsets [4,0]'],
    [file({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4), '"a" has data_offsets [0]'],
    [file({ a: entry("F32", [2, 3], 0, 20) }, 20), '"a" F32 [2, 3] needs 24 bytes, data_offsets give 20'],
    [
      file({ a: entry("F32", [2 ** 40, 2 ** 40], 0, 4) }, 4),
      `"a" F32 [${2 ** 40}, ${2 ** 40}] needs more bytes than 64 bits can count`,
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

/** A file of these characters, one a byte, then zeros. */
function latin(text: string): Uint8Array {
  return Uint8Array.from({ length: Math.max(100, text.length) }, (_, i) => text.charCodeAt(i));
}

Deno.test("safetensors: another kind of file is called what it is", () => {
  const pickle =
    "it is a pickle, as torch.save wrote it; save its state_dict with save_file of safetensors.torch";
  const page = "it is a web page (HTML or XML), not the weights; download the file itself";
  const cases: [string, string][] = [
    [
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 44700000\n",
      'it is a Git LFS pointer, not the weights; get them with "git lfs pull"',
    ],
    ["<!DOCTYPE html>\n<html><head>", page],
    ["\xef\xbb\xbf\n<html lang=en>", page],
    ['<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', page],
    [
      "PK\x03\x04\0\0\b\b\0\0archive/data.pkl",
      "it is a zip archive with a pickle, as torch.save writes it; save its state_dict with save_file of safetensors.torch",
    ],
    ["\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", pickle],
    ["\x80\x04\x95\x1c\0\0\0\0\0\0\0}\x94", pickle],
    ["\x80\x02ccollections\nOrderedDict\n", pickle],
    ["\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes it; give one in safetensors"],
    ["GGUF\x03\0\0\0", "it is a GGUF file; give one in safetensors"],
    ["\x93NUMPY\x01\0v\0", "it is a NumPy array; give a file in safetensors"],
    ["\x1f\x8b\x08\0\0\0\0\0\0\x03", "it is compressed by gzip; unpack it"],
    [
      '{\n  "metadata": {\n    "total_size": 100',
      "it is the index of weights in several files; give one file that holds them all",
    ],
    ["Entry not found", 'it is a text, "Entry not found", not the weights; get the file again'],
    [
      '{"error":"Repository not found, or access to it is not granted"}',
      'it is a text, "{\\"error\\":\\"Repository not found, or access to it is not gr…", not the weights; get the file again',
    ],
  ];
  for (const [begin, what] of cases) {
    const bytes = begin === "Entry not found" ? latin(begin).subarray(0, begin.length) : latin(begin);
    assertEquals(
      assertThrows(() => decodeSafetensors(bytes, "a.bin"), UserError).message,
      `Cannot read a.bin: ${what}`,
    );
  }
});

Deno.test("safetensors: types that are not supported are named, and the file is not called damaged", () => {
  for (
    const [dtype, bytes] of [["BOOL", 4], ["C64", 32], ["F4", 2], ["F6_E2M3", 3], ["F6_E3M2", 3]] as const
  ) {
    assertEquals(
      assertThrows(() => decodeSafetensors(file({ a: entry(dtype, [4], 0, bytes) }, bytes), "w"), UserError)
        .message,
      `Cannot read w: "a" has dtype ${dtype}, which is not supported; ` +
        "floats of 8, 16, 32 and 64 bits and whole numbers are: convert it in PyTorch",
    );
  }
});

Deno.test("safetensors: messages have at most 500 characters, whatever the file and its path hold", () => {
  const long = "n\u2028".repeat(500_000);
  const path = `/${"deep/".repeat(800)}model.safetensors`;
  const [many, shapes] = [Array(100_000).fill(1), Array(50_000).fill([2 ** 50])];
  const files = [
    file({ [long]: entry("Q7", [1], 0, 4) }, 4),
    file({ [long]: entry("F32", [1], 4, 8) }, 8),
    file({ [long]: entry("BOOL", [4], 0, 4) }, 4),
    file({ [long]: 1 }),
    file({ a: entry(long, [1], 0, 4) }, 4),
    file({ a: entry("F32", many, 0, 8) }, 8),
    file({ a: entry("F32", shapes, 0, 8) }, 8),
    file({ a: entry("F32", long, 0, 8) }, 8),
    file({ a: entry("F32", [1], long, 8) }, 8),
    latin(long),
  ];
  for (const bytes of files) {
    const { message } = assertThrows(() => decodeSafetensors(bytes, path), UserError);
    assert(message.length <= 500 && !/[\p{Cc}\u2028]/u.test(message), message.slice(0, 600));
    assert(message.startsWith("Cannot read …"), message);
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
    fc.int8Array().map((data) => ({ shape: [data.length], data })),
    fc.int16Array().map((data) => ({ shape: [data.length], data })),
    fc.uint16Array().map((data) => ({ shape: [data.length], data })),
    fc.uint32Array().map((data) => ({ shape: [data.length], data })),
    fc.bigUint64Array().map((data) => ({ shape: [data.length], data })),
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
