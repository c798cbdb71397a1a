/** The reader's verdicts and numbers against those of the Python package; tests/data/make_safetensors.py recorded them. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { decodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import golden from "../../data/safetensors.json" with { type: "json" };

const { bases, tokens, numbers, seed, cases } = golden.mutated;

/**
 * Whether a file is taken for one. Types that are not supported are a refusal of another kind; whatever is refused is
 * so by one line of at most 500 characters.
 */
function accepts(file: Uint8Array): boolean {
  try {
    decodeSafetensors(file, "model.safetensors");
    return true;
  } catch (error) {
    assertInstanceOf(error, UserError);
    assert(error.message.length <= 500 && !/\p{Cc}/u.test(error.message), error.message);
    return error.message.includes("not supported");
  }
}

/** A file of this header, with the length that it is said to have. */
function encode(header: Uint8Array, dataBytes: number, length = header.length): Uint8Array {
  const file = new Uint8Array(8 + header.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(header, 8);
  return file;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("safetensors: the reference reader's verdict on headers by hand", () => {
  for (const [header, dataBytes, accepted] of golden.files as [string, number, boolean][]) {
    assertEquals(accepts(encode(bytesOf(header), dataBytes)), accepted, header.slice(0, 200));
  }
  for (const [file, accepted] of golden.raw as [string, boolean][]) {
    assertEquals(accepts(Uint8Array.fromBase64(file)), accepted, file);
  }
});

/** Random whole numbers: the upper half of a linear congruential generator's state. */
function draws(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % limit;
  };
}

/** The next file by the rule of the reference script, to the letter. */
function mutate(below: (limit: number) => number): Uint8Array {
  const [text, size] = bases[below(bases.length)] as [string, number];
  const header = [...bytesOf(text)];
  const oneOf = (texts: readonly string[]): Uint8Array => bytesOf(texts[below(texts.length)]);
  const placesOf = (characters: string): number[] =>
    header.flatMap((byte, i) => characters.includes(String.fromCharCode(byte)) ? [i] : []);
  for (let edits = [1, 1, 1, 2][below(4)]; edits > 0; edits--) {
    const at = below(header.length + 1);
    const span = below(6);
    const kind = below(8);
    if (kind === 0) header.splice(at, 0, ...oneOf(tokens));
    else if (kind === 1) header.splice(at, span, ...oneOf(tokens));
    else if (kind === 2) header.splice(at, span);
    else if (kind === 3) {
      const begin = below(header.length + 1);
      header.splice(at, 0, ...header.slice(begin, begin + 8 * span));
    } else if (kind === 4) {
      if (at < header.length) header[at] = below(256);
    } else {
      const places = placesOf(kind === 5 ? "0123456789" : "{}[]:,");
      if (places.length === 0) continue;
      const place = places[below(places.length)];
      if (kind === 5) header.splice(place, 1, ...oneOf(numbers));
      else header.splice(place + kind - 6, 0, ...oneOf(tokens));
    }
  }
  const jitter = [1, -1, ...Array(30).fill(0)];
  const length = Math.max(0, header.length + jitter[below(32)]);
  const dataBytes = Math.max(0, size + jitter[below(32)]);
  return encode(Uint8Array.from(header), dataBytes, length);
}

Deno.test(`safetensors: the reference reader's verdict on ${cases} seeded mutations`, () => {
  const below = draws(seed);
  const accepted = Uint8Array.fromBase64(golden.mutated.accepted);
  for (let i = 0; i < cases; i++) {
    const file = mutate(below);
    const expected = (accepted[i >> 3] & 0x80 >> i % 8) !== 0;
    assertEquals(accepts(file), expected, `case ${i}: ${new TextDecoder("latin1").decode(file)}`);
  }
});

/** All values of a type as it is read, NaN always as the same one. */
function allValues(dtype: string, bytes: number): Uint8Array<ArrayBuffer> {
  const count = 2 ** (8 * bytes);
  const json = `{"a":{"dtype":"${dtype}","shape":[${count}],"data_offsets":[0,${count * bytes}]}}`;
  const file = encode(bytesOf(json), count * bytes);
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < bytes; byte++) file[8 + json.length + i * bytes + byte] = i >> 8 * byte;
  }
  const { tensors, converted } = decodeSafetensors(file);
  assertEquals(converted, [dtype]);
  const { data, shape } = tensors.a;
  assertInstanceOf(data, Float32Array);
  assertEquals(shape, [count]);
  return new Uint8Array(Float32Array.from(data, (value) => Number.isNaN(value) ? NaN : value).buffer);
}

Deno.test("safetensors: every value of the floats of 8 and 16 bits as float32", async () => {
  for (const [dtype, expected] of Object.entries(golden.floats)) {
    const bytes = dtype.startsWith("F8") ? 1 : 2;
    const values = allValues(dtype, bytes);
    const found = bytes === 1
      ? values.toBase64()
      : new Uint8Array(await crypto.subtle.digest("SHA-256", values)).toHex();
    assertEquals(found, expected, dtype);
  }
});

Deno.test("safetensors: float64 is rounded to float32, and whole numbers are read as they are", () => {
  const header = {
    f: { dtype: "F64", shape: [2], data_offsets: [0, 16] },
    i: { dtype: "I8", shape: [1], data_offsets: [16, 17] },
    j: { dtype: "I16", shape: [], data_offsets: [17, 19] },
    k: { dtype: "U16", shape: [1], data_offsets: [19, 21] },
    l: { dtype: "U32", shape: [1], data_offsets: [21, 25] },
    m: { dtype: "U64", shape: [1], data_offsets: [25, 33] },
  };
  const file = encode(bytesOf(JSON.stringify(header)), 33);
  const view = new DataView(file.buffer, file.length - 33);
  view.setFloat64(0, 0.1, true);
  view.setFloat64(8, -2, true);
  for (let i = 16; i < 33; i++) view.setUint8(i, 0xfe);
  const { tensors, converted } = decodeSafetensors(file);
  assertEquals(tensors, {
    f: { shape: [2], data: Float32Array.of(13421773 * 2 ** -27, -2) }, // 0x3dcccccd
    i: { shape: [1], data: Int8Array.of(-2) },
    j: { shape: [], data: Int16Array.of(-258) },
    k: { shape: [1], data: Uint16Array.of(0xfefe) },
    l: { shape: [1], data: Uint32Array.of(0xfefefefe) },
    m: { shape: [1], data: BigUint64Array.of(0xfefefefefefefefen) },
  });
  assertEquals(converted, ["F64"]);
});
