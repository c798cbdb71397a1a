/** Which permissions the test run was given, so that plain `deno test` runs the pure tests and ignores the rest. */

/**
 * The tests' servers are on this machine, and what else is on the network they may not reach: libtensorflow's first
 * install is pip's, a process that is not Deno's.
 */
export const LOOPBACK = "127.0.0.1";

/**
 * Whether all the named permissions are granted.
 * @example
 * ```ts ignore
 * Deno.test({ name: "...", ignore: !granted("read", "write"), fn() {} });
 * ```
 */
export function granted(...names: ("ffi" | "read" | "write" | "env" | "run" | "net" | "sys")[]): boolean {
  return names.every((name) =>
    Deno.permissions.querySync(name === "net" ? { name, host: LOOPBACK } : { name }).state === "granted"
  );
}

/** Whether libtensorflow can be loaded: everything that finding, installing and opening it asks for. */
export const canLoadTensorFlow = granted("ffi", "read", "write", "env", "run", "sys");
