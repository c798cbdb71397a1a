/**
 * Files of events for TensorBoard, by TensorFlow's own kernels. `tf.node.summaryFileWriter` stands on the same ones, but
 * has scalars and histograms only, and a writer that is kept, open, until the process ends.
 */
import { TensorFlowError, UserError } from "../system/errors.ts";
import { systemError } from "../system/file_errors.ts";
import { type Attr, AttrKind } from "./attributes.ts";
import { runtime } from "./backend.ts";
import { DType } from "./dtypes.ts";
import { encodeSessionStart, encodeSummaryMetadata } from "./protos.ts";
import type { Values } from "./tensors.ts";

/** What TensorBoard shows under a tag, by its slashes in groups. Plain data. */
export type Summary =
  /** A point of a curve. */
  | { readonly kind: "scalar"; readonly tag: string; readonly value: number }
  /** How values are spread; all of them are finite. */
  | { readonly kind: "histogram"; readonly tag: string; readonly values: Float32Array }
  /** Pictures `[N, H, W, C]` in row-major order, C being 1, 3 or 4: each is shown under `TAG/image/NUMBER`. */
  | {
    readonly kind: "images";
    readonly tag: string;
    readonly pixels: Uint8Array;
    readonly shape: readonly [count: number, height: number, width: number, channels: number];
  }
  /** Markdown. */
  | { readonly kind: "text"; readonly tag: string; readonly text: string };

/** A tensor to be made for one call. */
interface Input {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: Values;
}

/** Events in memory until they are written, which happens when there are more, or at the latest after so many ms. */
const [MAX_QUEUE, FLUSH_MS] = [1000, 10_000];

/** One file of events, in a folder that TensorBoard is pointed at. Must be closed. */
export class SummaryWriter implements Disposable {
  readonly #dir: string;
  readonly #id: number;

  /**
   * Makes a new file in a folder, whatever others are there.
   * @param dir Made if missing.
   * @throws {UserError} If it cannot be written.
   */
  constructor(dir: string) {
    this.#dir = dir;
    const { binding } = runtime();
    const names = { shared_name: crypto.randomUUID(), container: "" };
    const attrs = Object.entries(names).map(([name, value]) => ({ name, type: AttrKind.string, value }));
    this.#id = binding.executeOp("SummaryWriter", attrs, [], 1)[0].id;
    try {
      const inputs = [text(dir), int32(MAX_QUEUE), int32(FLUSH_MS), text(".v2")];
      this.#run("CreateSummaryFileWriter", [], inputs);
    } catch (error) {
      binding.deleteTensor(this.#id);
      throw error;
    }
  }

  /**
   * Tells TensorBoard to forget what older files of the folder say of a step and those after it: they come again.
   * @throws {UserError} If the file cannot be written.
   */
  restart(step: number): void {
    this.#run("ImportEvent", [], [bytes(encodeSessionStart(step))]);
  }

  /** @throws {UserError} If the file cannot be written, which may show at a later call only. */
  write(step: number, summary: Summary): void {
    const [at, tag] = [int64(step), text(summary.tag)];
    switch (summary.kind) {
      case "scalar":
        return this.#run("WriteScalarSummary", [type(DType.float32)], [at, tag, float32(summary.value)]);
      case "histogram": {
        const { values } = summary;
        const input = { shape: [values.length], dtype: DType.float32, values };
        return this.#run("WriteHistogramSummary", [type(DType.float32)], [at, tag, input]);
      }
      case "images": {
        const { pixels, shape } = summary;
        const attrs = [type(DType.uint8), { name: "max_images", type: AttrKind.int, value: shape[0] }];
        const images = { shape, dtype: DType.uint8, values: pixels };
        // The kernel asks for a colour for pixels that are no numbers, which bytes cannot be.
        const badColor = { shape: [4], dtype: DType.uint8, values: new Uint8Array(4) };
        return this.#run("WriteImageSummary", attrs, [at, tag, images, badColor]);
      }
      case "text": {
        const metadata = bytes(encodeSummaryMetadata("text"));
        return this.#run("WriteSummary", [type(DType.string)], [at, text(summary.text), tag, metadata]);
      }
    }
  }

  /**
   * Writes what is still in memory.
   * @throws {UserError} If the file cannot be written.
   */
  flush(): void {
    this.#run("FlushSummaryWriter", [], []);
    try {
      Deno.statSync(this.#dir); // the kernel loses events without an error where its folder was taken away
    } catch (error) {
      const found = systemError(error);
      throw found === undefined ? error : this.#problem(found.said, error);
    }
  }

  /** Closes the file. What is still in memory is written if it can be. */
  [Symbol.dispose](): void {
    this.#run("CloseSummaryWriter", [], []);
    runtime().binding.deleteTensor(this.#id);
  }

  #run(op: string, attrs: readonly Attr[], inputs: readonly Input[]): void {
    const { binding } = runtime();
    const ids: number[] = [];
    try {
      for (const { shape, dtype, values } of inputs) {
        ids.push(binding.createTensor([...shape], dtype, values));
      }
      binding.executeOp(op, attrs, [this.#id, ...ids], 0);
    } catch (error) {
      throw error instanceof TensorFlowError ? this.#problem(reason(error), error) : error;
    } finally {
      for (const id of ids) binding.deleteTensor(id);
    }
  }

  #problem(said: string, cause: unknown): UserError {
    return new UserError(`Cannot write TensorBoard's events to ${this.#dir}: ${said}`, { cause });
  }
}

/** What the system said: TensorFlow has the file before it, and in further lines what it was doing. */
function reason({ detail }: TensorFlowError): string {
  const said = detail.split("\n")[0].split("; ").at(-1)!;
  return said.charAt(0).toLowerCase() + said.slice(1);
}

function type(dtype: number): Attr {
  return { name: "T", type: AttrKind.type, value: dtype };
}

const encoder = new TextEncoder();

function bytes(value: Uint8Array): Input {
  return { shape: [], dtype: DType.string, values: [value] };
}

function text(value: string): Input {
  return bytes(encoder.encode(value));
}

function int32(value: number): Input {
  return { shape: [], dtype: DType.int32, values: Int32Array.of(value) };
}

function int64(value: number): Input {
  return { shape: [], dtype: DType.int64, values: BigInt64Array.of(BigInt(value)) };
}

function float32(value: number): Input {
  return { shape: [], dtype: DType.float32, values: Float32Array.of(value) };
}
