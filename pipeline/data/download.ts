/** A download that goes on where it stopped. */
import { createHash } from "node:crypto";
import { dirname } from "@std/path";
import * as v from "valibot";
import { formatBytes } from "../../runtime/system/bytes.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { readJsonIfThere, removeIfThere, statIfThere, writeFileAtomic } from "../../runtime/system/files.ts";
import { hashFile } from "../../runtime/system/hash.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { number, type Schema, someFields, text } from "../../runtime/system/schema.ts";

/** How a download is checked, shown and stopped. */
export interface DownloadOptions {
  /** SHA-256 that the file must have, in lower-case hexadecimal. Without it, only the length is checked. */
  readonly sha256?: string;
  /** Where the bar goes. */
  readonly progress: Progress;
  /** What the bar is called. */
  readonly label: string;
  /** Stops the download; what has come is kept. */
  readonly signal?: AbortSignal;
  /** Seconds without a byte after which the connection is given up. */
  readonly stallSeconds?: number;
}

/** The server or the network failed, or sent the wrong thing: another source may do. */
export class DownloadError extends UserError {
  /** What went wrong, without what to do about it. */
  readonly problem: string;

  /** An error whose message is `problem; advice`. */
  constructor(problem: string, advice: string, options?: ErrorOptions) {
    super(`${problem}; ${advice}`, options);
    this.problem = problem;
  }
}

/** What `<path>.partial.json` remembers of the file that `<path>.partial` is the beginning of. */
interface Origin {
  readonly url: string;
  /** The server's strong `ETag`, or its `Last-Modified`; absent if it gave neither. */
  readonly validator?: string;
  /** Length of the whole file in bytes; absent if the server did not say. */
  readonly total?: number;
}

const ORIGIN: Schema<Origin> = someFields({
  url: text,
  validator: v.optional(text),
  total: v.optional(number()),
});

/** What a server sends: the bytes from `offset` on, none if `body` is `null`. */
interface Answer extends Origin {
  readonly offset: number;
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Downloads a file over HTTP. The bytes go to `<path>.partial`, which gets its good name, after `fsync`, only when it
 * is whole and has the right hash. What a broken download left is gone on with if the server still has the same file
 * (`If-Range`; a server without validators is trusted only if there is a hash to tell), else all of it comes again. A
 * file that is there already with the right hash is left alone.
 *
 * @param url With `http:` or `https:`.
 * @param path Where the file goes; missing folders are made.
 * @throws {DownloadError} If the host cannot be reached, the server refuses, the connection breaks or stalls (what has
 *   come is kept), or the length or the hash is wrong (nothing is kept).
 * @throws {UserError} If a file cannot be written.
 * @example
 * ```ts ignore
 * await download("https://example.org/a.tar.gz", "data/a.tar.gz", { sha256, progress, label: "a.tar.gz" });
 * ```
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const partial = `${path}.partial`;
  await explainFileErrors(`Cannot write ${partial}`, "make room, or choose another folder", async () => {
    if (options.sha256 !== undefined && await hasHash(path, options.sha256)) return;
    await Deno.mkdir(dirname(path), { recursive: true });
    const problem = await fetchInto(partial, url, options);
    if (problem !== undefined) {
      await discardPartial(path);
      const advice = "what came was removed, run it again or choose another source";
      throw new DownloadError(`Cannot use ${url}: ${problem}`, advice);
    }
    await Deno.rename(partial, path);
    await discardPartial(path);
  });
}

/** Fills the partial file up. Returns what is wrong with the whole, if something is. */
async function fetchInto(
  partial: string,
  url: string,
  options: DownloadOptions,
): Promise<string | undefined> {
  const { sha256, progress, label, signal, stallSeconds = 30 } = options;
  const kept = await keptPart(partial, url, sha256 !== undefined);
  let received = kept?.size ?? 0;
  let resumable = kept !== undefined;
  try {
    const connection = new Connection(stallSeconds, signal);
    const { offset, total, validator, body } = await ask(url, kept, connection);
    const hash = createHash("sha256");
    using file = await Deno.open(partial, { write: true, create: true, truncate: offset === 0 });
    resumable = validator !== undefined || sha256 !== undefined;
    received = offset;
    if (offset > 0) {
      progress.message(`Going on at ${formatBytes(offset)} with a download that broke`);
      await hashFile(partial, hash);
    } else {
      await writeFileAtomic(originPath(partial), JSON.stringify({ url, validator, total }));
    }
    await file.seek(offset, Deno.SeekMode.Start);
    const bar = progress.start(label, total ?? 0, "bytes");
    try {
      bar.update(received);
      for await (const chunk of connection.chunks(body)) {
        for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
        hash.update(chunk);
        bar.update(received += chunk.length);
      }
    } finally {
      bar.stop();
    }
    await file.sync();
    const found = hash.digest("hex");
    if (sha256 !== undefined && found !== sha256) return `SHA-256 is ${found}, expected ${sha256}`;
    if (total !== undefined && received !== total) return `${received} bytes, expected ${total}`;
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    const next = resumable && received > 0
      ? `the first ${formatBytes(received)} are kept, run it again to go on from there`
      : signal?.aborted
      ? "run it again"
      : "check the network and run it again";
    throw new DownloadError(`Cannot download ${url}: ${error.message}`, next, { cause: error });
  }
}

/** The beginning of the file from an earlier download, if it is good to go on with. */
async function keptPart(
  partial: string,
  url: string,
  hashed: boolean,
): Promise<Origin & { readonly size: number } | undefined> {
  const size = (await statIfThere(partial))?.size ?? 0;
  const origin = await readJsonIfThere(ORIGIN, originPath(partial));
  if (size === 0 || origin?.url !== url) return;
  if (origin.validator === undefined && !hashed) return;
  if (origin.total !== undefined && size > origin.total) return;
  return { ...origin, size };
}

/** Asks for the file, or for what is missing of it. */
async function ask(
  url: string,
  kept: Origin & { readonly size: number } | undefined,
  connection: Connection,
): Promise<Answer> {
  // The length, the range and the hash are those of the bytes as the server stores them.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (kept !== undefined) {
    headers.set("range", `bytes=${kept.size}-`);
    if (kept.validator !== undefined) headers.set("if-range", kept.validator);
  }
  const response = await connection.wait(fetch(url, { headers, signal: connection.signal }));
  const validator = validatorOf(response.headers);
  if (response.status === 200) {
    const length = response.headers.get("content-length");
    return {
      url,
      validator,
      total: length === null ? undefined : Number(length),
      offset: 0,
      body: response.body,
    };
  }
  if (kept !== undefined && (response.status === 206 || response.status === 416)) {
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
    const total = Number(range?.[2]);
    // A server that was asked with If-Range may leave the validator out.
    const same = total === (kept.total ?? total) && (validator ?? kept.validator) === kept.validator;
    if (same && response.status === 206 && Number(range?.[1]) === kept.size) {
      return { ...kept, total, offset: kept.size, body: response.body };
    }
    await response.body?.cancel();
    if (same && total === kept.size) return { ...kept, total, offset: kept.size, body: null };
    return await ask(url, undefined, connection);
  }
  await response.body?.cancel();
  const answer = `${response.status} ${response.statusText}`.trimEnd();
  throw new DownloadError(
    `Cannot download ${url}: the server answered ${answer}`,
    "check the address, or choose another source",
  );
}

/** `If-Range` takes a strong entity tag or a date (RFC 9110, section 13.1.5). */
function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get("etag");
  return (tag?.startsWith('"') ? tag : headers.get("last-modified")) ?? undefined;
}

/** What went wrong between here and the server. */
class NetworkError extends Error {}

/** The connection to the server, which may be cut, stall or be hung up. */
class Connection {
  readonly signal: AbortSignal;
  readonly #stalled = new AbortController();
  readonly #seconds: number;

  constructor(seconds: number, signal?: AbortSignal) {
    this.#seconds = seconds;
    this.signal = AbortSignal.any([this.#stalled.signal, ...(signal ? [signal] : [])]);
  }

  /** Waits for something that `signal` stops. @throws {NetworkError} */
  async wait<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#stalled.abort(), this.#seconds * 1000);
    try {
      return await work;
    } catch (error) {
      throw new NetworkError(this.#reason(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The pieces of a body as they come. @throws {NetworkError} */
  async *chunks(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.wait(reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {}); // whatever broke it has been thrown already
    }
  }

  #reason(error: unknown): string {
    if (this.#stalled.signal.aborted) return `no bytes for ${this.#seconds} s`;
    if (this.signal.aborted) return "stopped";
    // Deno: "error sending request for url (...): client error (Connect): dns error: failed to ...".
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const detail = (cause instanceof Error ? cause.message : message).replace(/ \(os error \d+\)$/, "");
    const connect = /client error \(Connect\): (.+)$/.exec(detail);
    return connect
      ? `cannot reach the host (${connect[1]})`
      : `the connection broke (${detail.replace(/^.*\): /, "")})`;
  }
}

/** Removes the partial file of `path`, if there is one, and the memory of where it came from. */
async function discardPartial(path: string): Promise<void> {
  await removeIfThere(`${path}.partial`);
  await removeIfThere(originPath(`${path}.partial`));
}

function originPath(partial: string): string {
  return `${partial}.json`;
}

async function hasHash(path: string, sha256: string): Promise<boolean> {
  try {
    return (await hashFile(path, createHash("sha256"))).digest("hex") === sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
