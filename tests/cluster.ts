/** Programs that compute together: a process for each worker of a cluster, on this machine. */
import { codeArgs } from "./child.ts";

/** How a worker ended. */
export interface WorkerEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ports that nobody listens at, all others than each other. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  listeners.forEach((listener) => listener.close());
  return ports;
}

/** The cluster's environment of each worker. */
export function clusterEnv(count: number): { TF_CONFIG: string }[] {
  const worker = freePorts(count).map((port) => `127.0.0.1:${port}`);
  return worker.map((_, index) => ({
    TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: "worker", index } }),
  }));
}

/**
 * Runs a piece of code as each of so many workers, and waits for all of them. One that fails leaves the
 * others waiting for it: they are ended.
 * @param options `threads`: of each, 1 unless given.
 * @param code Finds the runtime started; in it `./` of an import is the project's root.
 */
export async function runWorkers(
  count: number,
  code: string,
  { threads = 1 }: { threads?: number } = {},
): Promise<WorkerEnd[]> {
  const program = `
    import * as started from "./runtime/mod.ts";
    started.configure({ device: "cpu", threads: ${threads}, cluster: started.clusterOf(Deno.env.get("TF_CONFIG")) });
    await started.tf.ready();
    ${code}
  `;
  const processes = (count === 1 ? [{ TF_CONFIG: "" }] : clusterEnv(count)).map((env) =>
    new Deno.Command(Deno.execPath(), {
      args: codeArgs(program),
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn()
  );
  let failed = false;
  return await Promise.all(processes.map(async (process) => {
    process.status.then(({ success }) => {
      if (success || failed) return;
      failed = true;
      for (const other of processes) {
        try {
          other.kill("SIGKILL");
        } catch {
          // it has ended
        }
      }
    });
    const { code, stdout, stderr } = await process.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }));
}

/** What each worker printed as JSON. @throws {Error} If one has failed. */
export async function workersJson<T>(
  count: number,
  code: string,
  options?: { threads?: number },
): Promise<T[]> {
  const ends = await runWorkers(count, code, options);
  return ends.map(({ code, stdout, stderr }, index) => {
    if (code === 0) return JSON.parse(stdout) as T;
    throw new Error(
      `worker ${index} ended with ${code}: ${ends.map((end) => end.stderr).join("\n") || stderr}`,
    );
  });
}
