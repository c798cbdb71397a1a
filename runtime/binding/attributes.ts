/** Sets the attributes of an op, eager (`TFE_Op*`) or in a graph (`TF_OperationDescription*`). */
import { packPointers } from "./buffers.ts";
import type { Library } from "./library.ts";
import { cStringBytes } from "./library.ts";

/** The kinds of attribute that tfjs' kernels use; the numbers are this binding's own, handed to tfjs by name. */
export const AttrKind = {
  string: 0,
  int: 1,
  float: 2,
  bool: 3,
  type: 4,
  shape: 5,
  resource: 6,
  func: 7,
} as const;

/** One attribute, as tfjs-node's kernels give it (`TFEOpAttr`). */
export interface Attr {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

type Name = Uint8Array<ArrayBuffer>;
type Setter<T> = (op: Deno.PointerValue, name: Name, value: T) => void;
type Text = string | Uint8Array;

/** One function a kind of attribute, and one for lists of it. */
export interface AttrSetters {
  readonly string: Setter<Text>;
  readonly stringList: Setter<readonly Text[]>;
  readonly int: Setter<number>;
  readonly intList: Setter<readonly number[]>;
  readonly float: Setter<number>;
  readonly floatList: Setter<readonly number[]>;
  readonly bool: Setter<boolean>;
  readonly boolList: Setter<readonly boolean[]>;
  readonly type: Setter<number>;
  readonly typeList: Setter<readonly number[]>;
  readonly shape: Setter<readonly number[]>;
  /** A function, by its name. */
  readonly func: Setter<string>;
}

/** `int64_t[]` of whole numbers. */
export function int64s(values: readonly number[]): BigInt64Array<ArrayBuffer> {
  return BigInt64Array.from(values, BigInt);
}

/**
 * `int64_t` of a number as N-API makes it, which tfjs' kernels count on: what is behind the point is cut off, and what
 * is past 64 bits becomes the last number within.
 */
function int64(value: number): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  const whole = BigInt(Math.trunc(value));
  if (BigInt.asIntN(64, whole) === whole) return whole;
  return whole > 0n ? 2n ** 63n - 1n : -(2n ** 63n);
}

const encoder = new TextEncoder();

/** `const void* value, size_t length`. */
function packText(text: Text): [Uint8Array<ArrayBuffer>, bigint] {
  const bytes = typeof text === "string" ? encoder.encode(text) : new Uint8Array(text);
  return [bytes, BigInt(bytes.length)];
}

/** Calls `set` with `const void* const* values, const size_t* lengths, int num_values`. */
function withTexts(
  texts: readonly Text[],
  set: (values: BigUint64Array<ArrayBuffer>, lengths: BigUint64Array<ArrayBuffer>, count: number) => void,
): void {
  const packed = texts.map(packText); // alive until `set` is through
  set(
    packPointers(packed.map(([bytes]) => Deno.UnsafePointer.of(bytes))),
    BigUint64Array.from(packed, ([, length]) => length),
    packed.length,
  );
}

/** Setters for `TFE_Op*`. */
export function eagerSetters({ symbols: c, status, check }: Library): AttrSetters {
  const isList = new Uint8Array(1);
  return {
    string: (op, name, v) => c.TFE_OpSetAttrString(op, name, ...packText(v)),
    stringList: (op, name, v) => withTexts(v, (...texts) => c.TFE_OpSetAttrStringList(op, name, ...texts)),
    int: (op, name, v) => c.TFE_OpSetAttrInt(op, name, int64(v)),
    intList: (op, name, v) => c.TFE_OpSetAttrIntList(op, name, BigInt64Array.from(v, int64), v.length),
    float: (op, name, v) => c.TFE_OpSetAttrFloat(op, name, v),
    floatList: (op, name, v) => c.TFE_OpSetAttrFloatList(op, name, Float32Array.from(v), v.length),
    bool: (op, name, v) => c.TFE_OpSetAttrBool(op, name, Number(v)),
    boolList: (op, name, v) => c.TFE_OpSetAttrBoolList(op, name, Uint8Array.from(v, Number), v.length),
    type: (op, name, v) => c.TFE_OpSetAttrType(op, name, v),
    typeList: (op, name, v) => {
      // TensorFlow checks every kind itself but that of a type which it takes from the inputs.
      c.TFE_OpGetAttrType(op, name, isList, status);
      check("TFE_OpGetAttrType");
      if (isList[0] === 0) {
        const text = new TextDecoder().decode(name.subarray(0, -1));
        throw new TypeError(`Cannot set attribute "${text}": it takes one type, got the list ${v}`);
      }
      c.TFE_OpSetAttrTypeList(op, name, Int32Array.from(v), v.length);
    },
    shape: (op, name, v) => {
      c.TFE_OpSetAttrShape(op, name, int64s(v), v.length, status);
      check("TFE_OpSetAttrShape");
    },
    func: () => {
      throw new TypeError(
        "Cannot hand a function to an op that runs at once: only loops in a graph take one",
      );
    },
  };
}

/** Setters for `TF_OperationDescription*`. */
export function graphSetters({ symbols: c }: Library): AttrSetters {
  return {
    string: (op, name, v) => c.TF_SetAttrString(op, name, ...packText(v)),
    stringList: (op, name, v) => withTexts(v, (...texts) => c.TF_SetAttrStringList(op, name, ...texts)),
    int: (op, name, v) => c.TF_SetAttrInt(op, name, int64(v)),
    intList: (op, name, v) => c.TF_SetAttrIntList(op, name, BigInt64Array.from(v, int64), v.length),
    float: (op, name, v) => c.TF_SetAttrFloat(op, name, v),
    floatList: (op, name, v) => c.TF_SetAttrFloatList(op, name, Float32Array.from(v), v.length),
    bool: (op, name, v) => c.TF_SetAttrBool(op, name, Number(v)),
    boolList: (op, name, v) => c.TF_SetAttrBoolList(op, name, Uint8Array.from(v, Number), v.length),
    type: (op, name, v) => c.TF_SetAttrType(op, name, v),
    typeList: (op, name, v) => c.TF_SetAttrTypeList(op, name, Int32Array.from(v), v.length),
    shape: (op, name, v) => c.TF_SetAttrShape(op, name, int64s(v), v.length),
    func: (op, name, v) => c.TF_SetAttrFuncName(op, name, ...packText(v)),
  };
}

/** Sets an attribute of one kind, and says what that kind takes. */
interface Kind {
  /** In words, for a person. */
  readonly takes: string;
  /** @returns Whether the value was one of those. */
  set(set: AttrSetters, op: Deno.PointerValue, name: Name, value: unknown): boolean;
}

function kind<T>(
  takes: string,
  fits: (value: unknown) => value is T,
  setters: (set: AttrSetters) => { one?: Setter<T>; list?: Setter<readonly T[]> },
): Kind {
  return {
    takes,
    set(set, op, name, value) {
      const { one, list } = setters(set);
      if (one !== undefined && fits(value)) one(op, name, value);
      else if (list !== undefined && Array.isArray(value) && value.every(fits)) list(op, name, value);
      else return false;
      return true;
    },
  };
}

const isText = (value: unknown): value is Text => typeof value === "string" || value instanceof Uint8Array;
const isNumber = (value: unknown): value is number => typeof value === "number";
const isFinite = (value: unknown): value is number => Number.isFinite(value);
const isWhole = (value: unknown): value is number => Number.isInteger(value);
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isString = (value: unknown): value is string => typeof value === "string";

const KINDS: Readonly<Record<number, Kind>> = {
  [AttrKind.string]: kind("a string, bytes or a list of them", isText, (set) => ({
    one: set.string,
    list: set.stringList,
  })),
  [AttrKind.int]: kind("a finite number or a list of them", isFinite, (set) => ({
    one: set.int,
    list: set.intList,
  })),
  [AttrKind.float]: kind("a number or a list of them", isNumber, (set) => ({
    one: set.float,
    list: set.floatList,
  })),
  [AttrKind.bool]: kind("true, false or a list of them", isBoolean, (set) => ({
    one: set.bool,
    list: set.boolList,
  })),
  [AttrKind.type]: kind("the number of a type or a list of them", isWhole, (set) => ({
    one: set.type,
    list: set.typeList,
  })),
  [AttrKind.shape]: kind("a list of whole numbers", isWhole, (set) => ({ list: set.shape })),
  [AttrKind.func]: kind("the name of a function", isString, (set) => ({ one: set.func })),
};

/**
 * Sets every attribute of `attrs` on `op`.
 * @throws {TypeError} If an attribute has a kind or a value that no setter takes.
 */
export function setAttrs(set: AttrSetters, op: Deno.PointerValue, attrs: readonly Attr[]): void {
  for (const { name, type, value } of attrs) {
    const kind = KINDS[type];
    if (kind?.set(set, op, cStringBytes(name), value)) continue;
    throw new TypeError(
      kind === undefined
        ? `Cannot set attribute "${name}": kind ${type} with ${typeof value} is not supported`
        : `Cannot set attribute "${name}": it takes ${kind.takes}, got ${brief(value)}`,
    );
  }
}

/** A value in one line. */
function brief(value: unknown): string {
  return Deno.inspect(value, {
    breakLength: Infinity,
    compact: true,
    depth: 0,
    iterableLimit: 8,
    strAbbreviateSize: 40,
  });
}
