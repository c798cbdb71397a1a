/** `deno task serve`: predictions of a trained network over HTTP. */
import { availableParallelism } from "node:os";
import { picturePool } from "../pipeline/data/mod.ts";
import {
  afterMs,
  classifier,
  metrics,
  type Predictor,
  predictor,
  service,
  type ServiceLimits,
} from "../pipeline/inference/mod.ts";
import { configure } from "../runtime/mod.ts";
import { UserError } from "../runtime/system/errors.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { loadTrained, trainedFlag } from "./cli/trained.ts";
import { printUse } from "./cli/next.ts";
import { stopOnSignals } from "./cli/signals.ts";
import { deviceFlag, errorLine, precisionFlag, runTask, threadsFlag, type Values } from "./cli/task.ts";
import { printLine, printNote, terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "serve",
  summary: taskSummary("serve"),
  flags: {
    run: trainedFlag,
    port: { type: "integer", min: 0, max: 65535, default: 8000, help: "where to listen; 0 takes a free one" },
    host: {
      type: "string",
      placeholder: "ADDRESS",
      default: "127.0.0.1",
      help: "of which network; 0.0.0.0 is reached from other machines",
    },
    topk: { type: "integer", min: 1, default: 5, help: "classes a picture" },
    batch: { type: "integer", min: 1, max: 1024, default: 32, help: "pictures of a step, at the most" },
    delay: {
      type: "number",
      min: 0,
      max: 1000,
      default: 2,
      help: "milliseconds that a picture waits for others",
    },
    "max-bytes": { type: "integer", min: 1, default: 16_000_000, help: "bytes of a request" },
    "max-pixels": { type: "integer", min: 1, default: 50_000_000, help: "pixels of a picture" },
    "max-waiting": { type: "integer", min: 1, default: 256, help: "pictures that are not answered yet" },
    precision: { ...precisionFlag, default: "float32" },
    device: deviceFlag,
    threads: threadsFlag,
  },
  examples: ["--run runs/photos", "--port 80 --host 0.0.0.0"],
} as const;

/** Bytes of all requests that are not answered yet, unless one alone may have more. */
const HELD_BYTES = 256_000_000;

/** Milliseconds in which a request's body must come. */
const BODY_MS = 30_000;

/** Milliseconds after which a service that was asked to end does so, whatever is not answered. */
const END_MS = 30_000;

/** Milliseconds in which the last answers go out. Deno would wait for the rest of a body that nobody reads any more. */
const SENT_MS = 1000;

async function serve(flags: Values<typeof task.flags>): Promise<void> {
  const { run, port, host, batch, delay, topk, precision, device, threads } = flags;
  configure({ device, threads, progress: terminalProgress() });
  const trained = await loadTrained(run);
  const compiled = predictor(trained, { batchSize: batch, top: topk, precision });
  const length = trained.imageShape.reduce((product, size) => product * size, 1);
  warm(compiled, batch, length);
  const limits: ServiceLimits = {
    maxBytes: flags["max-bytes"],
    maxPixels: flags["max-pixels"],
    maxWaiting: flags["max-waiting"],
    maxHeldBytes: Math.max(HELD_BYTES, 2 * flags["max-bytes"]),
    maxBodyMs: BODY_MS,
  };
  const { imageShape, view, classes, model } = trained;
  const pool = picturePool("input", { imageShape, view, maxPixels: limits.maxPixels }, {
    threads: Math.min(4, availableParallelism()),
  });
  const measured = metrics();
  const sizes = measured.histogram("resnet_batch_size", "Pictures of a step.", powersOfTwo(batch));
  measured.gauge("process_resident_memory_bytes", "Memory of the process.", () => Deno.memoryUsage().rss);
  const { handle, stop } = service({
    classify: classifier(
      compiled,
      pool,
      { maxBatch: batch, delayMs: delay, after: afterMs },
      sizes.observe,
    ),
    limits,
    about: { model: model.name, classes: classes.length, imageShape },
    metrics: measured,
    onError: (error) => printNote(errorLine(error)),
    after: afterMs,
    now: () => performance.now(),
  });
  const { signal, listen: listenToSignals } = stopOnSignals(
    { message: printNote },
    "answering what has come",
  );
  listenToSignals();
  const server = listen(host, port, handle, (url) => {
    printLine(
      `Serving ${model.name}, ${classes.length} classes, at ${url}: POST /predict, GET /healthz, GET /metrics`,
    );
    printUse("Ask", `curl --data-binary @photo.jpg ${url}predict`);
  });
  await new Promise((heard) => signal.addEventListener("abort", heard));
  const ended = server.shutdown();
  await within(END_MS, stop());
  await within(SENT_MS, ended);
  pool.close();
  compiled.dispose();
  Deno.exit(0); // whatever a client still holds open
}

function listen(
  hostname: string,
  port: number,
  handle: (request: Request) => Promise<Response>,
  onUrl: (url: string) => void,
): Deno.HttpServer {
  try {
    return Deno.serve({
      hostname,
      port,
      onListen: ({ hostname, port }) =>
        onUrl(`http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`),
    }, handle);
  } catch (error) {
    const at = `Cannot listen at ${hostname}:${port}`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UserError(`${at}: the port is taken; choose another with --port`, { cause: error });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UserError(`${at}: it is not allowed; choose a port from 1024 on`, { cause: error });
    }
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw new UserError(`${at}: this machine has no such address; choose one with --host`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Waits, but not longer than so many milliseconds. */
function within(ms: number, work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((ended) => afterMs(ms, ended))]);
}

/** Compiles the sizes that batches are filled up to, so that no request waits for it. */
function warm({ predict }: Predictor, batch: number, length: number): void {
  for (const size of powersOfTwo(batch)) predict(new Uint8Array(size * length));
}

/** 1, 2, 4, ... below a number, and that number. */
function powersOfTwo(most: number): number[] {
  return [...Array.from({ length: Math.ceil(Math.log2(most)) }, (_, i) => 2 ** i), most];
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, serve, args);
}

if (import.meta.main) await main(Deno.args);
