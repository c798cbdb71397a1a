/// <reference lib="deno.worker" />
/** A thread that reads pictures, or makes images of them, as `picture_thread.ts` says. */
import { configure, tf } from "../../runtime/mod.ts";
import { readAs, type Request } from "./picture_thread.ts";
import { imageOf, isKept } from "./pictures.ts";

configure({ device: "cpu", threads: 1 });
/** One request after the other: a slot may be asked for again before it is filled. */
let last: Promise<unknown> = Promise.resolve();
let opened: Extract<Request, { kind: "open" }> | undefined;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() => answer(data));
};

async function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case "read":
      await tf.ready();
      return postMessage(readAs(request.job, request.picture, request.options));
    case "open":
      opened = request;
      // What is kept needs no library.
      if (!isKept(request.pictures.source)) await tf.ready();
      return;
    case "make":
      return make(request);
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
