/**
 * The process in which ONNX Runtime runs: files and images come in, what the files compute goes out. `onnx_runtime.ts`
 * starts it, and says what the bytes are.
 */
import { NOT_INSTALLED, ONNX_RUNTIME, type OnnxHeader } from "./onnx_protocol.ts";

/** As much of ONNX Runtime as is used here. */
interface OnnxRuntime {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly InferenceSession: {
    create(model: Uint8Array, options: { executionProviders: string[] }): Promise<{
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
      run(
        inputs: Record<string, unknown>,
      ): Promise<Record<string, { readonly data: Float32Array<ArrayBuffer> }>>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
}

/** The package, of a name that is not known before it runs: else it would be one that all tasks install. */
async function load(): Promise<OnnxRuntime> {
  try {
    return await import(ONNX_RUNTIME);
  } catch {
    Deno.exit(NOT_INSTALLED);
  }
}

const { env, InferenceSession, Tensor } = await load();
env.wasm.numThreads = 1; // its threads are web workers of a kind that Deno has not
const bytes = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
const headerBytes = new DataView(bytes.buffer).getUint32(0, true);
const header: OnnxHeader = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headerBytes)));
let next = 4 + headerBytes;
const take = (length: number): Uint8Array<ArrayBuffer> => bytes.slice(next, next += length);

for (const { modelBytes, shape: [images, ...image], batchSize } of header) {
  const session = await InferenceSession.create(take(modelBytes), { executionProviders: ["wasm"] });
  const length = image.reduce((product, size) => product * size, 1);
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (let done = 0; done < images; done += batchSize) {
    const size = Math.min(batchSize, images - done);
    const data = new Float32Array(take(4 * size * length).buffer);
    const outputs = await session.run({
      [session.inputNames[0]]: new Tensor("float32", data, [size, ...image]),
    });
    found.push(new Uint8Array(outputs[session.outputNames[0]].data.slice().buffer));
  }
  const count = found.reduce((sum, { length }) => sum + length, 0) / 4;
  await new Blob([Uint32Array.of(count), ...found]).stream()
    .pipeTo(Deno.stdout.writable, { preventClose: true });
}
