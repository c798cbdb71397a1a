/** The pictures in a request, within limits. */
import { formatOf, readHeader } from "../data/images/header.ts";
import { UserError } from "../../runtime/system/errors.ts";
import type { After } from "./batch_queue.ts";

/** Why a request, or a picture in it, is refused. */
export type Refusal =
  | "no_picture"
  | "broken_off"
  | "not_a_picture"
  | "damaged"
  | "too_many_bytes"
  | "too_many_pixels"
  | "too_many_pictures"
  | "too_slow"
  | "busy"
  | "stopping";

/** A request, or a picture in it, that is refused. */
export class RefusedError extends Error {
  /** What kind of error it is. */
  override readonly name = "RefusedError";
  /**
   * One request's.
   * @param code Why, for programs.
   */
  constructor(readonly code: Refusal, message: string) {
    super(message);
  }
}

/** A picture as it was sent. */
export interface SentPicture {
  /** The name of its file, empty if it has none. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How a body is read. */
export interface BodyOptions {
  /** The most bytes that it may have. */
  readonly maxBytes: number;
  /** The longest time that it may take, in milliseconds. */
  readonly maxMs: number;
  /** Aborted when nothing more is waited for. */
  readonly signal: AbortSignal;
  /** Told of bytes that are held from now on, before they are; what it throws ends the reading. */
  readonly hold: (bytes: number) => void;
  /** The clock. */
  readonly after: After;
}

/**
 * Reads the body of a request, and no more of it than is allowed.
 * @throws {RefusedError} If it is too large, takes too long, or the client goes away.
 */
export async function readBody(
  request: Request,
  { maxBytes, maxMs, signal, hold, after }: BodyOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new RefusedError("too_many_bytes", `the request has more than the ${maxBytes} bytes that are allowed`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const end = Promise.withResolvers<never>();
  end.promise.catch(() => {});
  const forget = after(maxMs, () => {
    end.reject(
      new RefusedError("too_slow", `the request's body did not come within ${maxMs / 1000} seconds`),
    );
  });
  const stop = () =>
    end.reject(new RefusedError("stopping", "the service ends before the request's body has come"));
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const read = () =>
    reader.read().catch((cause: unknown) => {
      throw new RefusedError("broken_off", `the request's body broke off: ${cause}`);
    });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await Promise.race([read(), end.promise]);
      if (done) break;
      length += value.length;
      if (length > maxBytes) throw tooLarge();
      hold(value.length);
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // the client may be gone
    throw error;
  } finally {
    forget();
    signal.removeEventListener("abort", stop);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/**
 * The pictures of a body: the files of `multipart/form-data`, or the whole of it as one.
 * @param type The request's `Content-Type`.
 * @throws {RefusedError} If there is none, or they are more than allowed.
 */
export async function picturesIn(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  maxPictures: number,
): Promise<{ readonly pictures: readonly SentPicture[]; readonly isList: boolean }> {
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    if (body.length === 0) {
      throw new RefusedError(
        "no_picture",
        "the request is empty; send a picture's bytes, or files as form data",
      );
    }
    return { pictures: [{ name: "", bytes: body }], isList: false };
  }
  const files = (await formOf(body, type)).filter((value) => value instanceof File);
  if (files.length === 0) {
    throw new RefusedError("no_picture", "the form has no file; send each picture as one");
  }
  if (files.length > maxPictures) {
    throw new RefusedError(
      "too_many_pictures",
      `the form has ${files.length} files, more than the ${maxPictures} that are allowed`,
    );
  }
  const pictures = files.map(async (file) => ({ name: file.name, bytes: await file.bytes() }));
  return { pictures: await Promise.all(pictures), isList: true };
}

async function formOf(body: Uint8Array<ArrayBuffer>, type: string): Promise<FormDataEntryValue[]> {
  try {
    const form = await new Response(body, { headers: { "content-type": type } }).formData();
    return [...form.values()];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new RefusedError("no_picture", "the body is not the form data that it is said to be");
  }
}

/**
 * Looks at the beginning of a picture, before anything is decoded.
 * @throws {RefusedError} If it is none, or has more pixels than allowed.
 */
export function checkPicture({ bytes }: SentPicture, maxPixels: number): void {
  if (formatOf(bytes) === undefined) {
    throw new RefusedError("not_a_picture", "its bytes are none of JPEG, PNG, GIF, BMP and WebP");
  }
  try {
    const { format, width, height } = readHeader(bytes, (problem) => new UserError(problem));
    if (width * height <= maxPixels) return;
    throw new RefusedError(
      "too_many_pixels",
      `the ${format} has ${width} x ${height} pixels, more than the ${maxPixels} that are allowed`,
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new RefusedError("damaged", error.message);
  }
}
