/** Numbers of fewer bits, and of more, as float32. */

/** What a format of 8 bits is made of: a sign, an exponent, and the bits that are left. */
interface Float8 {
  readonly exponentBits: number;
  readonly bias: number;
  /** Whether a byte is no number. */
  readonly isNaN: (byte: number) => boolean;
  /** Whether the largest exponent stands for infinity, as in IEEE 754. */
  readonly infinite?: boolean;
}

/**
 * The formats of P. Micikevicius et al., "FP8 Formats for Deep Learning" (arXiv:2209.05433), and `FNUZ`, "finite and
 * unsigned zero", of B. Noune et al., "8-bit Numerical Formats for Deep Neural Networks" (arXiv:2206.02915), where the
 * place of -0 is NaN's.
 */
const FLOAT8 = {
  F8_E5M2: { exponentBits: 5, bias: 15, isNaN: (byte) => (byte & 0x7f) > 0x7c, infinite: true },
  F8_E4M3: { exponentBits: 4, bias: 7, isNaN: (byte) => (byte & 0x7f) === 0x7f },
  F8_E5M2FNUZ: { exponentBits: 5, bias: 16, isNaN: (byte) => byte === 0x80 },
  F8_E4M3FNUZ: { exponentBits: 4, bias: 8, isNaN: (byte) => byte === 0x80 },
} as const satisfies Record<string, Float8>;

/** The types that are read as float32, by their names in safetensors; each from its bytes, aligned. */
export const TO_FLOAT32 = {
  F64: (buffer: ArrayBuffer): Float32Array<ArrayBuffer> => Float32Array.from(new Float64Array(buffer)),
  F16: (buffer: ArrayBuffer): Float32Array<ArrayBuffer> => Float32Array.from(new Float16Array(buffer)),
  /** The upper half of a float32. */
  BF16: (buffer: ArrayBuffer): Float32Array<ArrayBuffer> =>
    new Float32Array(Uint32Array.from(new Uint16Array(buffer), (upper) => upper << 16).buffer),
  F8_E5M2: byTable((byte) => float8(byte, FLOAT8.F8_E5M2)),
  F8_E4M3: byTable((byte) => float8(byte, FLOAT8.F8_E4M3)),
  F8_E5M2FNUZ: byTable((byte) => float8(byte, FLOAT8.F8_E5M2FNUZ)),
  F8_E4M3FNUZ: byTable((byte) => float8(byte, FLOAT8.F8_E4M3FNUZ)),
  /** An exponent alone: the scales of the "OCP Microscaling Formats (MX) Specification", version 1.0. */
  F8_E8M0: byTable((byte) => byte === 0xff ? NaN : 2 ** (byte - 127)),
} as const;

function byTable(valueOf: (byte: number) => number): (buffer: ArrayBuffer) => Float32Array<ArrayBuffer> {
  const values = Float32Array.from({ length: 256 }, (_, byte) => valueOf(byte));
  return (buffer) => Float32Array.from(new Uint8Array(buffer), (byte) => values[byte]);
}

function float8(byte: number, { exponentBits, bias, isNaN, infinite = false }: Float8): number {
  if (isNaN(byte)) return NaN;
  const fractionBits = 7 - exponentBits;
  const sign = byte < 0x80 ? 1 : -1;
  const exponent = (byte & 0x7f) >> fractionBits;
  const fraction = (byte & (1 << fractionBits) - 1) / (1 << fractionBits);
  if (infinite && exponent === (1 << exponentBits) - 1) return sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}
