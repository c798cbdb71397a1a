/** A `jit` in twenty lines, for docs/how-jit-works.md: numbers in the place of tensors, and two ops. */

const kernels = { add: (a: number, b: number) => a + b, mul: (a: number, b: number) => a * b };
/** A number, or the place where there will be one: that of an argument, or of what a line gives. */
export type Value = number | { readonly place: number };
/** An op that was called while tracing; nothing for an argument. */
export type Line = { readonly op: keyof typeof kernels; readonly a: Value; readonly b: Value } | undefined;

let lines: Line[] = [];
const record = (line?: Line): Value => ({ place: lines.push(line) - 1 });
const call = (op: keyof typeof kernels) => (a: Value, b: Value): Value =>
  typeof a === "number" && typeof b === "number" ? kernels[op](a, b) : record({ op, a, b });
export const [add, mul] = [call("add"), call("mul")];

/** Runs a function on places instead of numbers, and keeps what it calls. */
export function trace(fn: (...args: Value[]) => Value, args: number) {
  lines = [];
  const result = fn(...Array.from({ length: args }, () => record()));
  return { lines, result };
}

/** A function that runs what `fn` called when it was traced, at the first call. */
export function jit(fn: (...args: Value[]) => Value) {
  let traced: ReturnType<typeof trace> | undefined;
  return (...args: number[]): number => {
    const { lines, result } = traced ??= trace(fn, args.length);
    const values: number[] = [];
    const valueOf = (value: Value) => typeof value === "number" ? value : values[value.place];
    lines.forEach((line, i) =>
      values.push(line ? kernels[line.op](valueOf(line.a), valueOf(line.b)) : args[i])
    );
    return valueOf(result);
  };
}
