/** A process for each worker, all on this machine: one command starts them, one Ctrl-C stops them. */
import { fromFileUrl, join } from "@std/path";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Progress } from "../../runtime/system/progress.ts";

/** How long workers may take to end by themselves once another has failed, in milliseconds: they say what they noticed. */
const GRACE_MS = 10_000;

/** A worker's process. */
interface Worker {
  readonly index: number;
  readonly process: Deno.ChildProcess;
  /** Where its output is; that of worker 0 goes where this process's goes. */
  readonly log?: string;
}

/** What is started. */
export interface Launch {
  /** Workers. */
  readonly count: number;
  /** How often all are started again after one has failed. */
  readonly maxRestarts: number;
  /** What this program was started with. */
  readonly args: readonly string[];
  /** What to start with after a failure instead, if there is something to go on from. */
  readonly argsAgain: () => Promise<readonly string[]>;
}

/**
 * Starts this program again, once for each worker, with `TF_CONFIG` in the environment. Each has an equal part of the
 * cores, unless flags say otherwise, and of several GPUs one. Worker 0 has the terminal, the others write to files, which
 * are kept if one fails.
 *
 * @returns The exit code of worker 0; of the first that failed, if worker 0 did not.
 * @throws {UsageError} If there are fewer GPUs in `CUDA_VISIBLE_DEVICES` than workers.
 */
export async function launch(
  { count, maxRestarts, args, argsAgain }: Launch,
  progress: Progress,
): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "resnet-workers-" });
  progress.message(`${count} workers; the output of all but worker 0 goes to ${folder}`);
  let end = await runOnce(count, args, folder);
  for (let restart = 1; end.failed !== undefined && restart <= maxRestarts; restart++) {
    progress.message(`${await failureText(end.failed)}; starting all again (${restart} of ${maxRestarts})`);
    end = await runOnce(count, await argsAgain(), folder);
  }
  if (end.failed === undefined) await Deno.remove(folder, { recursive: true });
  else if (end.failed.log !== undefined) progress.message(await failureText(end.failed));
  return end.code;
}

/** A worker that failed. */
interface Failure {
  readonly index: number;
  readonly code: number;
  readonly log?: string;
}

/** Starts the workers, and waits for the end of all. */
async function runOnce(
  count: number,
  args: readonly string[],
  folder: string,
): Promise<{ code: number; failed?: Failure }> {
  const program = await commandOf(Deno.mainModule, args);
  const environments = workerEnvironments(count, Deno.env.toObject(), navigator.hardwareConcurrency);
  const workers = environments.map((env, index): Worker => {
    const isFirst = index === 0;
    const process = new Deno.Command(Deno.execPath(), {
      args: program,
      env,
      stdin: isFirst ? "inherit" : "null",
      stdout: isFirst ? "inherit" : "piped",
      stderr: isFirst ? "inherit" : "piped",
    }).spawn();
    return { index, process, ...(!isFirst && { log: join(folder, `worker-${index}.log`) }) };
  });
  const logs = workers.map(({ process, log }) => log === undefined ? undefined : writeLog(process, log));
  const signals = passOn(workers);

  let failed: Failure | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const codes = await Promise.all(workers.map(async ({ index, process, log }) => {
    const { code } = await process.status;
    if (code !== 0 && failed === undefined && !signals.received()) {
      failed = { index, code, log };
      timer = setTimeout(() => workers.forEach(({ process }) => kill(process, "SIGKILL")), GRACE_MS);
    }
    return code;
  }));
  clearTimeout(timer);
  signals.stop();
  await Promise.all(logs);
  return { code: codes[0] !== 0 ? codes[0] : failed?.code ?? 0, failed };
}

async function failureText({ index, code, log }: Failure): Promise<string> {
  const text = `Worker ${index} ended with exit code ${code}`;
  return log === undefined ? text : `${text}: ${await lastLine(log)}; see ${log}`;
}

/** What `deno` is given to run a program again, with what this process may do. */
async function commandOf(main: string, args: readonly string[]): Promise<string[]> {
  const { state } = await Deno.permissions.query({ name: "net" });
  const permissions = state === "granted" ? ["--allow-all"] : [
    ...["read", "write", "env", "run", "ffi", "sys"].map((name) => `--allow-${name}`),
    "--allow-net=127.0.0.1",
  ];
  return ["run", ...permissions, "--no-prompt", main.startsWith("file:") ? fromFileUrl(main) : main, ...args];
}

/** Arguments without a flag that takes a value. */
export function withoutFlag(args: readonly string[], name: string): string[] {
  return args.filter((arg, i) =>
    arg !== `--${name}` && !arg.startsWith(`--${name}=`) && args[i - 1] !== `--${name}`
  );
}

/**
 * What is in the environment of each worker beside what is in this process's.
 * @param env This process's.
 * @param cores Of the machine.
 * @throws {UsageError} If it names fewer GPUs than there are workers.
 */
export function workerEnvironments(
  count: number,
  env: Readonly<Record<string, string>>,
  cores: number,
): Record<string, string>[] {
  const gpus = env.CUDA_VISIBLE_DEVICES?.split(",").filter((gpu) => gpu !== "");
  if (gpus !== undefined && gpus.length > 0 && gpus.length < count) {
    throw new UsageError(
      `Cannot start ${count} workers: CUDA_VISIBLE_DEVICES names ${gpus.length} of the GPUs, and each worker takes one`,
    );
  }
  const worker = freePorts(count).map((port) => `127.0.0.1:${port}`);
  return worker.map((_, index) => ({
    TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: "worker", index } }),
    CUDA_VISIBLE_DEVICES: gpus === undefined ? `${index}` : gpus[index] ?? "",
    // Read by TensorFlow where the number of threads is not set.
    TF_NUM_INTRAOP_THREADS: env.TF_NUM_INTRAOP_THREADS ?? `${Math.max(1, Math.floor(cores / count))}`,
  }));
}

/** Ports that nobody listens at. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  listeners.forEach((listener) => listener.close());
  return ports;
}

async function writeLog({ stdout, stderr }: Deno.ChildProcess, path: string): Promise<void> {
  await Promise.all([stdout, stderr].map(async (stream) => {
    const file = await Deno.open(path, { create: true, append: true });
    await stream.pipeTo(file.writable);
  }));
}

async function lastLine(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).trimEnd().split("\n").at(-1) || "it said nothing";
}

/** Passes signals on to all workers, which stop together. */
function passOn(workers: readonly Worker[]): { received(): boolean; stop(): void } {
  let received = false;
  const listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
    const listener = () => {
      received = true;
      workers.forEach(({ process }) => kill(process, name));
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    received: () => received,
    stop: () => listeners.forEach(({ name, listener }) => Deno.removeSignalListener(name, listener)),
  };
}

function kill(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended.
  }
}
