/// <reference lib="deno.worker" />
/** A thread that decodes pictures, or makes images of them, as `picture_thread.ts` says. */
import { configure, tf } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import type { Decoded, Request } from "./picture_thread.ts";
import { imageOf, isKept, readPicture } from "./pictures.ts";

configure({ device: "cpu", threads: 1 });
/** One request after the other: a slot may be asked for again before it is filled. */
let last: Promise<unknown> = Promise.resolve();
let opened: Extract<Request, { kind: "open" }> | undefined;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() => answer(data));
};

async function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case "decode":
      await tf.ready();
      return decode(request);
    case "open":
      opened = request;
      // What is kept needs no library.
      if (!isKept(request.pictures.source)) await tf.ready();
      return;
    case "make":
      return make(request);
  }
}

function decode({ at, path, ...options }: Extract<Request, { kind: "decode" }>): void {
  try {
    const found = readPicture(path, options);
    postMessage({ at, ...found } satisfies Decoded, [found.picture.pixels.buffer as ArrayBuffer]);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    postMessage({ at, problem: error.message } satisfies Decoded);
  }
}

function make({ slot, ticket, member, turn }: Extract<Request, { kind: "make" }>): void {
  const { pictures, images, done } = opened!;
  let result = ticket;
  try {
    const { pixels } = imageOf(pictures, member, turn);
    images.set(pixels, slot * pixels.length);
  } catch {
    result = -ticket; // whoever asked tries it again, and sees why
  }
  Atomics.store(done, slot, result);
  Atomics.notify(done, slot);
}
