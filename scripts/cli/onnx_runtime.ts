/** What ONNX Runtime computes from a file, where it is installed. */
import { UserError } from "../../runtime/system/errors.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { NOT_INSTALLED, ONNX_RUNTIME, type OnnxHeader } from "./onnx_protocol.ts";

/** What installs it, outside of the lockfile of this package. */
export const INSTALL_ONNX_RUNTIME = `deno cache --no-lock ${ONNX_RUNTIME}`;

/** A file, and images for it. */
export interface OnnxJob {
  /** Bytes of the file. */
  readonly model: Uint8Array;
  /** What goes in, `[n, c, h, w]`. */
  readonly images: Float32Array;
  /** The sizes of that. */
  readonly shape: readonly number[];
  /** How many images at a time; 20 unless given. */
  readonly batchSize?: number;
}

/**
 * Runs files in onnxruntime-web, in a process of its own that may read files and nothing else, and downloads nothing.
 * @returns What comes out of each; nothing where onnxruntime-web is not installed.
 * @throws {UserError} If it does not take a file.
 */
export async function runOnnx(jobs: readonly OnnxJob[]): Promise<Float32Array[] | undefined> {
  const header: OnnxHeader = jobs.map(({ model, shape, batchSize = 20 }) => ({
    modelBytes: model.length,
    shape,
    batchSize,
  }));
  const json = new TextEncoder().encode(JSON.stringify(header));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-config", "--no-lock", "--cached-only", "--no-prompt", "--allow-read"],
      packageFile("scripts/cli/onnx_child.ts").href,
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    // It may end before it has read everything.
    new Blob([
      Uint32Array.of(json.length),
      json,
      ...jobs.flatMap(({ model, images }) => [new Uint8Array(model), new Float32Array(images)]),
    ]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  const said = new TextDecoder().decode(stderr).trim();
  if (code === NOT_INSTALLED || /not found in cache/.test(said)) return undefined;
  if (code !== 0) {
    const [reason] = said.replace(/^error: (Uncaught \(in promise\) )?(Error: )?/, "").split("\n");
    throw new UserError(`Cannot check with ONNX Runtime: ${reason}`);
  }
  let next = 0;
  return jobs.map(() => {
    const count = new DataView(stdout.buffer, stdout.byteOffset).getUint32(next, true);
    next += 4 * (1 + count);
    return new Float32Array(stdout.slice(next - 4 * count, next).buffer);
  });
}
