/** Reads the images of a data set; those of pictures in files are made ahead, on other threads. */
import { availableParallelism } from "node:os";
import type { Dataset } from "./dataset.ts";
import { CHANNELS } from "./images/picture.ts";
import { pictureWorker, type Request } from "./picture_thread.ts";
import { imageOf, type Pictures, type Turn } from "./pictures.ts";

/** Reads images one after the other. */
export interface ImageReader {
  /**
   * Tells which images will be asked for, in which order; what was told before and is not asked for is forgotten. It only
   * saves time.
   * @param turn In training.
   */
  expect(members: Uint32Array, turn?: Turn): void;
  /**
   * An image, `[H, W, C]`; its bytes are another's after the next call.
   * @param member Its place in the store.
   * @param turn In training: what is random follows from it.
   */
  image(member: number, turn?: Turn): Uint8Array;
  /** Ends the threads. */
  dispose(): void;
}

/** What of a data set is read. */
export type Readable = Pick<Dataset, "images" | "pictures" | "imageShape">;

/** How images are read ahead. */
export interface AheadOptions {
  /** Threads; one less than there are processors, from 1 to 8, unless given. */
  readonly threads?: number;
  /** Images that are held ready at the most; as many as 64 MiB hold, up to 1024, unless given. */
  readonly slots?: number;
}

/** Bytes of the images that are held ready. */
const READY_BYTES = 2 ** 26;

/** Reads images when they are asked for, on this thread. */
export function directReader({ images, pictures, imageShape }: Readable): ImageReader {
  const [height, width, channels] = imageShape;
  const length = height * width * channels;
  return {
    expect() {},
    image: (member, turn) =>
      pictures === undefined
        ? images.subarray(member * length, (member + 1) * length)
        : imageOf(pictures, member, turn).pixels,
    dispose() {},
  };
}

/** Reads images ahead where they have to be made of pictures in files. */
export function aheadReader(dataset: Readable, options: AheadOptions = {}): ImageReader {
  const { pictures } = dataset;
  // Images in memory are not copied for every thread.
  if (pictures?.source.kind !== "files") return directReader(dataset);
  return pictureReader(pictures, directReader(dataset), options);
}

/** Milliseconds after which a thread is held to be dead. */
const PATIENCE = 60_000;

/** An image that is being made. */
interface Asked {
  readonly member: number;
  readonly ticket: number;
}

function pictureReader(
  pictures: Pictures,
  direct: ImageReader,
  { threads = Math.max(1, Math.min(8, availableParallelism() - 1)), slots }: AheadOptions,
): ImageReader {
  const length = pictures.view.size ** 2 * CHANNELS;
  const ready = slots ?? Math.max(2, Math.min(1024, Math.floor(READY_BYTES / length)));
  const images = new Uint8Array(new SharedArrayBuffer(ready * length));
  const done = new Int32Array(new SharedArrayBuffer(4 * ready));
  let workers: Worker[] | undefined;
  let isDead = false;
  let plan: { readonly members: Uint32Array; readonly turn?: Turn } = { members: new Uint32Array() };
  /** Of the plan, in its order; the slot of each follows from its ticket. */
  let asked: Asked[] = [];
  /** How many of the plan were asked for, those that were read included. */
  let next = 0;
  let ticket = 0;

  const ask = () => {
    // One less than there are slots: the image that was read last stays.
    for (; !isDead && asked.length < ready - 1 && next < plan.members.length; next++) {
      workers ??= Array.from({ length: threads }, () => {
        const worker = pictureWorker();
        worker.postMessage({ kind: "open", pictures, images, done } satisfies Request);
        return worker;
      });
      const member = plan.members[next];
      const slot = ++ticket % ready;
      // Always the same thread for a slot: what was asked for before and forgotten is written before.
      workers[slot % threads].postMessage(
        { kind: "make", slot, ticket, member, turn: plan.turn } satisfies Request,
      );
      asked.push({ member, ticket });
    }
  };
  const dispose = () => {
    isDead = true;
    asked = [];
    workers?.forEach((worker) => worker.terminate());
  };
  return {
    expect(members, turn) {
      const goesOn = isSame(turn, plan.turn) && asked.every(({ member }, i) => member === members[i]);
      if (!goesOn) asked = [];
      plan = { members, turn };
      next = asked.length;
      ask();
    },
    image(member, turn) {
      const [first] = asked;
      if (first?.member !== member || !isSame(turn, plan.turn)) return direct.image(member, turn);
      asked.shift();
      const slot = first.ticket % ready;
      let found = Atomics.load(done, slot);
      while (Math.abs(found) !== first.ticket) {
        if (Atomics.wait(done, slot, found, PATIENCE) === "timed-out") {
          dispose();
          return direct.image(member, turn);
        }
        found = Atomics.load(done, slot);
      }
      ask();
      // What could not be made there is tried here, where an error has somebody to hear it.
      return found < 0 ? direct.image(member, turn) : images.subarray(slot * length, (slot + 1) * length);
    },
    dispose,
  };
}

function isSame(a: Turn | undefined, b: Turn | undefined): boolean {
  return a?.seed === b?.seed && a?.epoch === b?.epoch;
}
