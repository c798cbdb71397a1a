/**
 * The safetensors file format, in memory: 8 bytes with the length of the header (little-endian), the header
 * in JSON, then the numbers of all tensors, little-endian and without gaps.
 *
 * Specification and reference implementation: huggingface/safetensors on GitHub. What that one refuses is refused
 * here; what is written here is what it writes, byte for byte.
 */
import { UserError } from "../../runtime/system/errors.ts";
import type { NumericArray } from "../readers/arrays.ts";

/** Longest header that is read, in bytes; the reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes in front of the header. */
const LENGTH_BYTES = 8;

/** The types that are stored, in the reference implementation's order: wide ones first, so all are aligned. */
const DTYPES = [
  { dtype: "I64", array: BigInt64Array },
  { dtype: "F32", array: Float32Array },
  { dtype: "I32", array: Int32Array },
  { dtype: "U8", array: Uint8Array },
] as const;

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of the file. */
  readonly tensors: Readonly<Record<string, NumericArray>>;
  /** Texts about the whole file (`__metadata__`); empty if it has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The bytes of a safetensors file.
 * @param tensors Arrays of float32, int32, int64 or uint8 by name.
 * @param metadata Texts to store beside them.
 * @throws {TypeError} If an array has not as many numbers as its shape says, or is called `__metadata__`.
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
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
  return DTYPES.findIndex(({ array }) => data instanceof array);
}

/**
 * Reads the bytes of a safetensors file, trusting nothing in them.
 * @param source What messages call the file, e.g. its path.
 * @throws {UserError} If the file is truncated, too long, or not what the format says; the message tells.
 */
export function decodeSafetensors(bytes: Uint8Array, source = "safetensors"): Safetensors {
  const refuse: Refuse = (problem) => {
    throw new UserError(
      `Cannot read ${source}: ${problem}; the file is damaged or not safetensors, get it again`,
    );
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

  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start), refuse);
  const { __metadata__: about = {}, ...infos } = header;
  if (!isRecord(about) || !Object.values(about).every((text) => typeof text === "string")) {
    return refuse("__metadata__ holds something else than texts");
  }
  const parts = Object.entries(infos).map(([name, info]) => parseInfo(name, info, refuse));
  parts.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of parts) {
    if (begin !== covered) {
      refuse(`${quote(name)} begins at byte ${begin} of the data, the tensor before it ends at ${covered}`);
    }
    covered = end;
  }
  if (start + covered !== bytes.length) {
    refuse(`${bytes.length} bytes, header and tensors have ${start + covered}`);
  }

  const tensors = parts.map(({ name, type, shape, begin, end }) => {
    const { buffer } = new Uint8Array(bytes.subarray(start + begin, start + end)); // a copy is aligned
    return [name, { shape, data: new type.array(buffer) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: about as Record<string, string> };
}

/** Ends the reading with a message. */
type Refuse = (problem: string) => never;

function parseHeader(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  if (bytes[0] !== "{".charCodeAt(0)) refuse("the header does not begin with {");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuse("the header is not JSON in UTF-8");
  }
  return isRecord(header) ? header : refuse("the header is not a JSON object");
}

/** One tensor's entry in the header, checked by itself. */
interface Part {
  readonly name: string;
  readonly type: (typeof DTYPES)[number];
  readonly shape: readonly number[];
  /** First byte, and the one after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

function parseInfo(name: string, info: unknown, refuse: Refuse): Part {
  if (!isRecord(info)) return refuse(`the entry of ${quote(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = info;
  const type = DTYPES.find((type) => type.dtype === dtype);
  if (type === undefined) {
    const known = DTYPES.map((type) => type.dtype).join(", ");
    return refuse(`${quote(name)} has dtype ${quote(dtype)}, known are ${known}`);
  }
  if (!isSizes(shape)) return refuse(`${quote(name)} has shape ${quote(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(`${quote(name)} has data_offsets ${quote(offsets)}`);
  }
  const [begin, end] = offsets;
  const needed = shape.reduce((product, length) => product * length, type.array.BYTES_PER_ELEMENT);
  if (end - begin !== needed) {
    refuse(
      `${quote(name)} ${type.dtype} [${shape.join(", ")}] needs ${needed} bytes, data_offsets give ${
        end - begin
      }`,
    );
  }
  return { name, type, shape, begin, end };
}

/** A value from the file as JSON: on one line, whatever is in it. */
function quote(value: unknown): string {
  return JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
