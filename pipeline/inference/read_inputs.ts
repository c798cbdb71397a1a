/** From files, or bytes that are there already, to the images that a network takes. */
import { UserError } from "../../runtime/system/errors.ts";
import { systemError } from "../../runtime/system/file_errors.ts";
import { decodeImage, MAX_PIXELS } from "../data/images/decode.ts";
import type { Picture } from "../data/images/picture.ts";
import { longerSize, resizePicture } from "../data/images/resample.ts";
import { inputOf, type InputSpec } from "./picture_input.ts";

/** The largest file that is read, in bytes: more than a picture of `MAX_PIXELS` has that is not packed at all. */
const MAX_FILE_BYTES = 2 ** 30;

/** A picture to be read: its file, or its bytes and what errors call them. */
export type PictureSource = string | { readonly name: string; readonly bytes: Uint8Array };

/** How pictures are read. */
export interface InputOptions extends InputSpec {
  /** The most pixels that a picture may have; `MAX_PIXELS` unless given. */
  readonly maxPixels?: number;
  /** The longer side of a copy of each picture to show, in pixels; none is made unless given. */
  readonly preview?: number;
}

/** Pictures that are read together. */
export interface InputRequest extends InputOptions {
  readonly sources: readonly PictureSource[];
}

/** What a picture was, and what it is now. */
export interface InputRead extends Pick<Picture, "width" | "height"> {
  /** Milliseconds that decoding and resizing took. */
  readonly ms: number;
  /** The copy, if one was asked for. */
  readonly preview?: Picture;
}

/** Why a picture could not be read. */
export interface InputProblem {
  readonly problem: string;
}

/** What comes of them, in their order. */
export interface InputAnswer {
  /** `[n, H, W, C]`; black where a picture could not be read. */
  readonly inputs: Uint8Array<ArrayBuffer>;
  /** `[n]`. */
  readonly results: readonly (InputRead | InputProblem)[];
}

/** Reads pictures, the next file while one is decoded. */
export async function readInputs({ sources, ...options }: InputRequest): Promise<InputAnswer> {
  const length = options.imageShape.reduce((product, size) => product * size, 1);
  const inputs = new Uint8Array(sources.length * length);
  const results: (InputRead | InputProblem)[] = [];
  let ahead = bytesOf(sources[0]);
  for (const [at, source] of sources.entries()) {
    const bytes = await ahead;
    if (at + 1 < sources.length) ahead = bytesOf(sources[at + 1]);
    if (typeof bytes === "string") {
      results.push({ problem: bytes });
      continue;
    }
    try {
      results.push(
        readInput(bytes, nameOf(source), options, inputs.subarray(at * length, (at + 1) * length)),
      );
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      results.push({ problem: error.message });
    }
  }
  return { inputs, results };
}

/** Decodes a picture and puts its image where it belongs. */
function readInput(
  bytes: Uint8Array,
  name: string,
  { preview, maxPixels = MAX_PIXELS, ...spec }: InputOptions,
  input: Uint8Array,
): InputRead {
  const start = performance.now();
  const picture = decodeImage(bytes, { name, maxPixels });
  input.set(inputOf(picture, spec));
  const { width, height } = picture;
  const read = { width, height, ms: performance.now() - start };
  if (preview === undefined) return read;
  const small = resizePicture(picture, longerSize(picture, preview));
  return { ...read, preview: { ...small, pixels: new Uint8Array(small.pixels) } }; // a copy, even of the same size
}

/** What errors call a picture. */
export function nameOf(source: PictureSource): string {
  return typeof source === "string" ? source : source.name;
}

/** A file's bytes, or what is wrong with it. */
async function bytesOf(source: PictureSource): Promise<Uint8Array | string> {
  if (typeof source !== "string") return source.bytes;
  try {
    // Not opened before it is known to be a file: whoever opens a pipe waits.
    const { isFile, size } = await Deno.stat(source);
    if (!isFile) return `Cannot read ${source}: it is no file`;
    if (size > MAX_FILE_BYTES) return `Cannot read ${source}: its ${size} bytes are more than a picture has`;
    return await Deno.readFile(source);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `Cannot read ${source}: no such file`;
    const said = systemError(error)?.said;
    if (said === undefined) throw error;
    return `Cannot read ${source}: ${said}`;
  }
}
