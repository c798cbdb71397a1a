/**
 * The safetensors file format, in memory: 8 bytes with the length of the header (little-endian), the header
 * in JSON, then the numbers of all tensors, little-endian and without gaps.
 *
 * Specification and reference implementation: huggingface/safetensors on GitHub. What that one refuses is refused
 * here; what is written here is what it writes, byte for byte.
 */
import { UserError } from "../../runtime/system/errors.ts";
import { cut, cutPath, quote } from "../../runtime/system/texts.ts";
import type { NumericArray } from "../readers/arrays.ts";
import { TO_FLOAT32 } from "./floats.ts";
import { type Json, JsonObject, parseJson } from "./json.ts";
import { otherFormat } from "./other_formats.ts";

/** Longest header that is read, in bytes; the reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes in front of the header. */
const LENGTH_BYTES = 8;

/** What sizes and offsets are below: the reference implementation's are of 64 bits. */
const SIZE_LIMIT = 2n ** 64n;

/** How much of a message may be about what is in the file, in characters. */
const MAX_PROBLEM = 250;

/** A type of numbers in a file. */
interface Dtype {
  readonly dtype: string;
  readonly bits: bigint;
  /** What holds such numbers as they are. */
  readonly array?: new (buffer: ArrayBuffer) => NumericArray["data"];
  /** What reads them as float32 instead. */
  readonly toFloat32?: (buffer: ArrayBuffer) => Float32Array;
}

/**
 * All types of the reference implementation, in the order in which it writes tensors: wide ones first, so all are
 * aligned. What is neither held nor converted is not supported.
 */
const DTYPES: readonly Dtype[] = [
  { dtype: "U64", bits: 64n, array: BigUint64Array },
  { dtype: "I64", bits: 64n, array: BigInt64Array },
  { dtype: "F64", bits: 64n, toFloat32: TO_FLOAT32.F64 },
  { dtype: "C64", bits: 64n },
  { dtype: "F32", bits: 32n, array: Float32Array },
  { dtype: "U32", bits: 32n, array: Uint32Array },
  { dtype: "I32", bits: 32n, array: Int32Array },
  { dtype: "BF16", bits: 16n, toFloat32: TO_FLOAT32.BF16 },
  { dtype: "F16", bits: 16n, toFloat32: TO_FLOAT32.F16 },
  { dtype: "U16", bits: 16n, array: Uint16Array },
  { dtype: "I16", bits: 16n, array: Int16Array },
  { dtype: "F8_E5M2FNUZ", bits: 8n, toFloat32: TO_FLOAT32.F8_E5M2FNUZ },
  { dtype: "F8_E4M3FNUZ", bits: 8n, toFloat32: TO_FLOAT32.F8_E4M3FNUZ },
  { dtype: "F8_E8M0", bits: 8n, toFloat32: TO_FLOAT32.F8_E8M0 },
  { dtype: "F8_E4M3", bits: 8n, toFloat32: TO_FLOAT32.F8_E4M3 },
  { dtype: "F8_E5M2", bits: 8n, toFloat32: TO_FLOAT32.F8_E5M2 },
  { dtype: "I8", bits: 8n, array: Int8Array },
  { dtype: "U8", bits: 8n, array: Uint8Array },
  { dtype: "F6_E3M2", bits: 6n },
  { dtype: "F6_E2M3", bits: 6n },
  { dtype: "F4", bits: 4n },
  { dtype: "BOOL", bits: 8n },
];

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of the file. */
  readonly tensors: Readonly<Record<string, NumericArray>>;
  /** Texts about the whole file (`__metadata__`); empty if it has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Types of the file that were converted to float32, e.g. `["F16"]`, where there were any. */
  readonly converted?: readonly string[];
}

/**
 * The bytes of a safetensors file.
 * @param tensors Arrays of float32 or of whole numbers by name.
 * @param metadata Texts to store beside them.
 * @throws {TypeError} If an array has not as many numbers as its shape says, or is called `__metadata__`.
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@resnet/deno";
 * const bias = { shape: [2], data: Float32Array.of(1, 2) };
 * const bytes = encodeSafetensors({ "fc.bias": bias }, { format: "pt" });
 * decodeSafetensors(bytes).tensors["fc.bias"].data; // Float32Array [1, 2]
 * ```
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NumericArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = Object.entries(tensors)
    .map(([name, array]) => ({ name, ...array, rank: rankOf(name, array) }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));

  let end = 0;
  const infos = sorted.map(({ name, shape, data, rank }) => {
    const info = { dtype: DTYPES[rank].dtype, shape, data_offsets: [end, end += data.byteLength] };
    return [name, info] as const;
  });
  const about = Object.keys(metadata).length === 0 ? [] : [["__metadata__", metadata] as const];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...about, ...infos])));
  const headerBytes = Math.ceil(json.length / 8) * 8; // so that the numbers are aligned

  const start = LENGTH_BYTES + headerBytes;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, start);
  bytes.set(json, LENGTH_BYTES);
  let offset = start;
  for (const { data } of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** Place of an array's type in `DTYPES`. */
function rankOf(name: string, { shape, data }: NumericArray): number {
  const numbers = shape.reduce((product, length) => product * length, 1);
  if (numbers !== data.length) {
    throw new TypeError(
      `encodeSafetensors: "${name}" of shape [${
        shape.join(", ")
      }] needs ${numbers} numbers, found ${data.length}`,
    );
  }
  if (name === "__metadata__") {
    throw new TypeError('encodeSafetensors: a tensor cannot be called "__metadata__"');
  }
  return DTYPES.findIndex(({ array }) => array !== undefined && data instanceof array);
}

/**
 * Reads the bytes of a safetensors file, trusting nothing in them. Floats of other sizes are converted to float32.
 * @param source What messages call the file, e.g. its path.
 * @throws {UserError} If the file is truncated, too long, not what the format says, or of types that are not supported
 *   (`BOOL`, `C64`, floats of 4 and 6 bits); the message tells.
 * @example
 * ```ts
 * import { decodeSafetensors } from "@resnet/deno";
 *
 * async function shapesIn(path: string): Promise<void> {
 *   const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path), path);
 *   for (const [name, { shape }] of Object.entries(tensors)) console.log(name, shape);
 * }
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, source = "safetensors"): Safetensors {
  const refuse: Refuse = (problem) => {
    const what = otherFormat(bytes) ??
      `${cut(problem, MAX_PROBLEM)}; the file is damaged or not safetensors, get it again`;
    throw new UserError(`Cannot read ${cutPath(source)}: ${what}`);
  };
  if (bytes.length < LENGTH_BYTES) refuse(`${bytes.length} bytes, a header's length takes ${LENGTH_BYTES}`);
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (headerBytes > MAX_HEADER_BYTES) {
    refuse(`the header is said to have ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  }
  const start = LENGTH_BYTES + Number(headerBytes);
  if (start > bytes.length) {
    refuse(`${bytes.length} bytes, header and its length alone are said to have ${start}`);
  }

  const { metadata, parts } = parseHeader(bytes.subarray(LENGTH_BYTES, start), refuse);
  parts.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));
  let covered = 0n;
  for (const { name, begin, end } of parts) {
    if (begin !== covered) {
      refuse(`${quote(name)} begins at byte ${begin} of the data, the tensor before it ends at ${covered}`);
    }
    covered = end;
  }
  if (BigInt(start) + covered !== BigInt(bytes.length)) {
    refuse(`${bytes.length} bytes, header and tensors have ${BigInt(start) + covered}`);
  }

  const converted = new Set<string>();
  const tensors = parts.map(({ name, type: { dtype, array, toFloat32 }, shape, begin, end }) => {
    // A copy is aligned.
    const { buffer } = new Uint8Array(bytes.subarray(start + Number(begin), start + Number(end)));
    if (toFloat32 !== undefined) converted.add(dtype);
    const data = array !== undefined ? new array(buffer) : toFloat32?.(buffer);
    if (data === undefined) {
      throw new UserError(
        `Cannot read ${cutPath(source)}: ${quote(name)} has dtype ${dtype}, which is not supported; ` +
          "floats of 8, 16, 32 and 64 bits and whole numbers are: convert it in PyTorch",
      );
    }
    // A length beyond 2^53 can only stand beside a 0: that it is rounded changes nothing.
    return [name, { shape: shape.map(Number), data }] as const;
  });
  return {
    tensors: Object.fromEntries(tensors),
    metadata,
    ...(converted.size > 0 && { converted: [...converted] }),
  };
}

/** Ends the reading with a message. */
type Refuse = (problem: string) => never;

/** One tensor's entry in the header, checked by itself. */
interface Part {
  readonly name: string;
  readonly type: Dtype;
  readonly shape: readonly bigint[];
  /** First byte, and the one after the last, counted from the end of the header. */
  readonly begin: bigint;
  readonly end: bigint;
}

function parseHeader(bytes: Uint8Array, refuse: Refuse): { metadata: Record<string, string>; parts: Part[] } {
  const header = parseObject(bytes, refuse);
  let metadata: Record<string, string> | undefined;
  const parts = new Map<string, Part>(); // of doubled names the last one counts
  for (const [name, value] of header.pairs) {
    if (name !== "__metadata__") {
      parts.set(name, parsePart(name, value, refuse));
    } else if (metadata !== undefined) {
      refuse("there are two __metadata__");
    } else {
      metadata = parseMetadata(value, refuse);
    }
  }
  return { metadata: metadata ?? {}, parts: [...parts.values()] };
}

function parseObject(bytes: Uint8Array, refuse: Refuse): JsonObject {
  let header: Json;
  try {
    header = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return refuse("the header is not JSON in UTF-8");
  }
  return header instanceof JsonObject ? header : refuse("the header is not a JSON object");
}

function parseMetadata(value: Json, refuse: Refuse): Record<string, string> {
  if (value === null) return {};
  const isText = (pair: readonly [string, Json]): pair is [string, string] => typeof pair[1] === "string";
  return value instanceof JsonObject && value.pairs.every(isText)
    ? Object.fromEntries(value.pairs)
    : refuse("__metadata__ holds something else than texts");
}

const FIELDS = ["dtype", "shape", "data_offsets"] as const;

function parsePart(name: string, value: Json, refuse: Refuse): Part {
  const [dtype, shape, offsets] = parseFields(name, value, refuse);
  const type = parseDtype(dtype);
  if (type === undefined) {
    const known = DTYPES.map(({ dtype }) => dtype).join(", ");
    return refuse(`${quote(name)} has dtype ${show(dtype)}, known are ${known}`);
  }
  if (!isSizes(shape)) return refuse(`${quote(name)} has shape ${show(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(`${quote(name)} has data_offsets ${show(offsets)}`);
  }
  const [begin, end] = offsets;
  const what = (): string => `${quote(name)} ${type.dtype} ${cut(`[${shape.slice(0, 20).join(", ")}]`)}`;
  // Step by step, as the reference does it: a length of 0 does not make up for what came before it.
  const numbers = shape.reduce((product, length) => product < SIZE_LIMIT ? product * length : product, 1n);
  const bits = numbers * type.bits;
  if (numbers >= SIZE_LIMIT || bits >= SIZE_LIMIT) {
    refuse(`${what()} needs more bytes than 64 bits can count`);
  }
  if (bits % 8n !== 0n) refuse(`${what()} does not end at the end of a byte`);
  if (end - begin !== bits / 8n) {
    refuse(`${what()} needs ${bits / 8n} bytes, data_offsets give ${end - begin}`);
  }
  return { name, type, shape, begin, end };
}

/** The fields of an entry: by name, each once, or in their order without names. Others do not matter. */
function parseFields(name: string, value: Json, refuse: Refuse): readonly Json[] {
  if (isArray(value) && value.length === FIELDS.length) return value;
  if (!(value instanceof JsonObject)) return refuse(`the entry of ${quote(name)} is not an object`);
  return FIELDS.map((field) => {
    const found = value.pairs.filter(([key]) => key === field);
    return found.length === 1
      ? found[0][1]
      : refuse(`${quote(name)} has ${found.length === 0 ? "no" : "more than one"} ${field}`);
  });
}

/** A type by its name, which may also stand as a key beside `null`. */
function parseDtype(value: Json): Dtype | undefined {
  const [key, beside] = value instanceof JsonObject && value.pairs.length === 1
    ? value.pairs[0]
    : [value, null];
  return beside === null ? DTYPES.find(({ dtype }) => dtype === key) : undefined;
}

/** A value from the file on one line, cut. */
function show(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (isArray(value)) return cut(`[${value.slice(0, 40).map(show)}]`);
  if (Object.is(value, -0)) return "-0";
  // Else a length of 2.0 would look like one of 2.
  if (typeof value === "number" && value >= 0 && Number.isInteger(value)) return `${value}.0`;
  return value instanceof JsonObject ? "an object" : String(value);
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isSizes(value: Json): value is readonly bigint[] {
  return isArray(value) && value.every((item) => typeof item === "bigint");
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
