/** Flags that TensorFlow and XLA read from variables of the environment, when there is a context or when XLA first compiles. */

/** Adds flags to a variable, but for those that the user has set there. */
export function addFlags(variable: string, flags: readonly string[]): void {
  const given = Deno.env.get(variable) ?? "";
  const more = flags.filter((flag) => !given.includes(flag.split("=")[0]));
  if (more.length > 0) Deno.env.set(variable, [given, ...more].join(" ").trim());
}

/** Makes the larger and the smaller of a number and NaN be NaN: for processors, XLA takes whichever is faster. */
export function propagateNaN(): void {
  addFlags("XLA_FLAGS", ["--xla_cpu_enable_fast_min_max=false"]);
}
