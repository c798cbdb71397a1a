/** Sets the attributes of an op, eager (`TFE_Op*`) or in a graph (`TF_OperationDescription*`). */
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

/** One function a kind of attribute. */
export interface AttrSetters {
  readonly string: Setter<Uint8Array<ArrayBuffer>>;
  readonly int: Setter<number>;
  readonly intList: Setter<readonly number[]>;
  readonly float: Setter<number>;
  readonly bool: Setter<boolean>;
  readonly type: Setter<number>;
  readonly typeList: Setter<readonly number[]>;
  readonly shape: Setter<readonly number[]>;
  /** A function, by its name. */
  readonly func: Setter<Uint8Array<ArrayBuffer>>;
}

/** `int64_t[]` of whole numbers. */
export function int64s(values: readonly number[]): BigInt64Array<ArrayBuffer> {
  return BigInt64Array.from(values, BigInt);
}

/** Setters for `TFE_Op*`. */
export function eagerSetters({ symbols: c, status, check }: Library): AttrSetters {
  return {
    string: (op, name, v) => c.TFE_OpSetAttrString(op, name, v, BigInt(v.length)),
    int: (op, name, v) => c.TFE_OpSetAttrInt(op, name, BigInt(v)),
    intList: (op, name, v) => c.TFE_OpSetAttrIntList(op, name, int64s(v), v.length),
    float: (op, name, v) => c.TFE_OpSetAttrFloat(op, name, v),
    bool: (op, name, v) => c.TFE_OpSetAttrBool(op, name, Number(v)),
    type: (op, name, v) => c.TFE_OpSetAttrType(op, name, v),
    typeList: (op, name, v) => c.TFE_OpSetAttrTypeList(op, name, Int32Array.from(v), v.length),
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
    string: (op, name, v) => c.TF_SetAttrString(op, name, v, BigInt(v.length)),
    int: (op, name, v) => c.TF_SetAttrInt(op, name, BigInt(v)),
    intList: (op, name, v) => c.TF_SetAttrIntList(op, name, int64s(v), v.length),
    float: (op, name, v) => c.TF_SetAttrFloat(op, name, v),
    bool: (op, name, v) => c.TF_SetAttrBool(op, name, Number(v)),
    type: (op, name, v) => c.TF_SetAttrType(op, name, v),
    typeList: (op, name, v) => c.TF_SetAttrTypeList(op, name, Int32Array.from(v), v.length),
    shape: (op, name, v) => c.TF_SetAttrShape(op, name, int64s(v), v.length),
    func: (op, name, v) => c.TF_SetAttrFuncName(op, name, v, BigInt(v.length)),
  };
}

const encoder = new TextEncoder();

/**
 * Sets every attribute of `attrs` on `op`.
 * @throws {TypeError} If an attribute has a kind or a value that no setter takes.
 */
export function setAttrs(set: AttrSetters, op: Deno.PointerValue, attrs: readonly Attr[]): void {
  for (const { name, type, value } of attrs) {
    const key = cStringBytes(name);
    if (type === AttrKind.string && typeof value === "string") set.string(op, key, encoder.encode(value));
    else if (type === AttrKind.string && value instanceof Uint8Array) {
      set.string(op, key, new Uint8Array(value));
    } else if (type === AttrKind.int && typeof value === "number") set.int(op, key, value);
    else if (type === AttrKind.int && isNumbers(value)) set.intList(op, key, value);
    else if (type === AttrKind.float && typeof value === "number") set.float(op, key, value);
    else if (type === AttrKind.bool) set.bool(op, key, Boolean(value));
    else if (type === AttrKind.type && typeof value === "number") set.type(op, key, value);
    else if (type === AttrKind.type && isNumbers(value)) set.typeList(op, key, value);
    else if (type === AttrKind.shape && isNumbers(value)) set.shape(op, key, value);
    else if (type === AttrKind.func && typeof value === "string") set.func(op, key, encoder.encode(value));
    else {throw new TypeError(
        `Cannot set attribute "${name}": kind ${type} with ${typeof value} is not supported`,
      );}
  }
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}
