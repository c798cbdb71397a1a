/** Runs specs in a process of their own: what TensorFlow crashes, it does not crash with. */
import { type Outcome, readOutcome } from "./outcome.ts";

/**
 * Runs a process that prints events, and reads them.
 * @param args What `deno` is given.
 * @param limit Milliseconds after which it is killed: it hangs.
 */
export async function runProcess(args: readonly string[], limit: number): Promise<Outcome> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), limit);
  const { code, signal, stdout, stderr } = await process.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return readOutcome(text(stdout), { code, signal, stderr: text(stderr) });
}
