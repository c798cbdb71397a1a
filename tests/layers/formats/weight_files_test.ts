/** The readers of weight files on random input: read as it was meant or refused in one line, in bounded memory. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { type Json, JsonObject, parseJson } from "../../../layers/formats/json.ts";
import { fileNames } from "../../../layers/formats/names.ts";
import { fromPyTorch, toPyTorch } from "../../../layers/formats/pytorch.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import type { Arrays, NumericArray } from "../../../layers/readers/arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { UserError } from "../../../runtime/system/errors.ts";

/** Enough to meet every kind of case; ten thousand were run once. */
const SOME = { numRuns: 300, seed: 18 };

/** What a reader gives, or nothing if it refuses in one line of at most 500 characters. */
function readOrRefuse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assertInstanceOf(error, UserError);
    assert(error.message.length <= 500 && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(error.message), error.message);
    return undefined;
  }
}

/** A file of a header and data; its length as it is or as it is said to be. */
function file(header: string, data: Uint8Array, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const dtype = fc.constantFrom("F64", "F32", "F16", "BF16", "F8_E4M3", "I64", "U32", "I8", "F4", "BOOL", "Q7");
const size = fc.oneof(
  fc.nat(4),
  fc.bigInt(-1n, 2n ** 65n),
  fc.constantFrom("2.0", "-0", "2e0", "null", '"1"', "[1]"),
);
const sizes = fc.array(size, { maxLength: 4 }).map((items) => `[${items}]`);
const name = fc.oneof(
  fc.constantFrom("a", "b", "__metadata__"),
  fc.string({ unit: "binary", maxLength: 100 }),
);
const entry = fc.tuple(fc.oneof(dtype, fc.string()), sizes, sizes).map(([dtype, shape, offsets]) =>
  `{"dtype":${JSON.stringify(dtype)},"shape":${shape},"data_offsets":${offsets}}`
);
const header = fc.array(fc.tuple(name, fc.oneof(entry, fc.json())), { maxLength: 4 })
  .map((pairs) => `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`)}}`);
const data = fc.uint8Array({ maxLength: 40 });
const anyFile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(header, data).map(([header, data]) => file(header, data)),
  fc.tuple(fc.oneof(header, fc.json(), fc.string({ unit: "binary" })), data, fc.bigInt(0n, 2n ** 64n - 1n))
    .map(([header, data, length]) => file(header, data, length)),
);

Deno.test("any file: it is read, into no more than four bytes for one, or refused in one line", () => {
  fc.assert(
    fc.property(anyFile, (bytes) => {
      const read = readOrRefuse(() => decodeSafetensors(bytes, "any.safetensors"));
      const arrays = Object.values(read?.tensors ?? {});
      assert(arrays.reduce((sum, { data }) => sum + data.byteLength, 0) <= 4 * bytes.length);
      for (const { shape, data } of arrays) {
        assertEquals(shape.reduce((product, length) => product * length, 1), data.length);
      }
    }),
    SOME,
  );
});

/** A value of `parseJson` as `JSON.parse` has it. */
function plain(value: Json): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof JsonObject) {
    return Object.fromEntries(value.pairs.map(([key, value]) => [key, plain(value)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

Deno.test("any JSON: what the stricter parser takes is what JSON.parse makes of it", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      if (!/\\ud[89a-f]/i.test(text)) assertEquals(plain(parseJson(text)), JSON.parse(text));
    }),
    SOME,
  );
  const tokens = fc.constantFrom(
    ...'{}[]:,"\\-+.eE019 \n\t',
    "null",
    "true",
    '"a"',
    "\\u00",
    "\u2028",
    "\x01",
  );
  const damaged = fc.tuple(fc.json(), fc.nat(), fc.nat(3), tokens).map(([text, place, length, token]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + token + text.slice(at + length);
  });
  fc.assert(
    fc.property(damaged, (text) => {
      let value: Json;
      try {
        value = parseJson(text);
      } catch (error) {
        return assertInstanceOf(error, SyntaxError);
      }
      assertEquals(plain(value), JSON.parse(text));
    }),
    SOME,
  );
});

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], shortcut: "projection" });
const arrays = initArrays(model, 3);
const own = toPyTorch(model, arrays, 5);

/** The names by which others have the same network. */
const families: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) =>
    name.replace(/^layer(\d)/, (_, stage) => `layer${Number(stage) + 1}`)
      .replace(/conv(\d)\.0\./, "conv$1.").replace(/conv(\d)\.1\./, "bn$1."),
  (name) => families[1](name).replace("downsample", "shortcut").replace("fc.", "linear."),
];
const family = fc.constantFrom(...families);
const prefix = fc.array(fc.constantFrom("module", "_orig_mod", "model", "net", "a b", "__proto__"), {
  maxLength: 3,
}).map((parts) => parts.map((part) => `${part}.`).join(""));
const counter = fc.tuple(
  fc.constantFrom([], [1]),
  fc.constantFrom(Int8Array.of(1), Uint16Array.of(1), BigUint64Array.of(1n), Float32Array.of(1)),
);

Deno.test("any prefix, names of anyone, counters of any type: the network's own arrays, through a file", () => {
  fc.assert(
    fc.property(family, prefix, counter, (nameOf, prefix, [shape, data]) => {
      const renamed = Object.entries(own).map(([name, array]): [string, NumericArray] => [
        prefix + nameOf(name),
        name.endsWith("tracked") ? { shape, data } : array,
      ]);
      const { tensors } = decodeSafetensors(encodeSafetensors(Object.fromEntries(renamed)));
      assertEquals(fromPyTorch(model, tensors, "w", fileNames(model, tensors).of), arrays as Arrays);
    }),
    SOME,
  );
});

const keys = Object.keys(own);
const anyArray = fc.tuple(
  fc.array(fc.nat(3), { maxLength: 5 }),
  fc.constantFrom(Float32Array, Int32Array, Uint8Array),
)
  .map(([shape, type]): NumericArray => ({
    shape,
    data: new type(shape.reduce((product, length) => product * length, 1)),
  }));
const change = fc.record({
  key: fc.constantFrom(...keys),
  as: fc.option(name),
  value: fc.option(anyArray),
});

Deno.test("any change of a state_dict: refused in one line where a weight is missing, left over or another", () => {
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 3 }),
      family,
      prefix,
      (changes, nameOf, prefix) => {
        const entries = new Map(Object.entries(own).map(([name, array]) => [prefix + nameOf(name), array]));
        for (const { key, as, value } of changes) {
          const name = prefix + nameOf(key);
          const array = value ?? entries.get(name);
          entries.delete(name);
          if (as !== null && array !== undefined) entries.set(as, array);
          else if (value !== null) entries.set(name, value);
        }
        const changed = Object.fromEntries(entries);
        const read = readOrRefuse(() => fromPyTorch(model, changed, "w", fileNames(model, changed).of));
        if (read === undefined) return;
        // What was read has every weight of the network; only counters may be gone or stand beside them.
        assertEquals(Object.keys(read.params), Object.keys(arrays.params));
        assertEquals(Object.keys(read.batchStats), Object.keys(arrays.batchStats));
        const weights = [...entries].filter(([, { data, shape }]) =>
          data instanceof Float32Array && shape.length > 0
        );
        const counters = weights.filter(([name, { data }]) => name.endsWith("tracked") && data.length === 1);
        assertEquals(weights.length - counters.length, keys.filter((key) => !key.endsWith("tracked")).length);
      },
    ),
    SOME,
  );
});
