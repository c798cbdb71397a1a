/** Threads that work on pictures, and what is said to them. */
import type { Picture } from "./images/picture.ts";
import type { PictureFiles, Pictures, Turn } from "./pictures.ts";

/** What the thread is asked. */
export type Request =
  /** A file's picture; a `Decoded` comes back. */
  | { readonly kind: "decode"; readonly at: number; readonly path: string }
    & Pick<
      PictureFiles,
      "keep" | "maxPixels"
    >
  /** Comes before all `make`: of which pictures, and where images go, `[slots, length]`. */
  | {
    readonly kind: "open";
    readonly pictures: Pictures;
    readonly images: Uint8Array<SharedArrayBuffer>;
    readonly done: Int32Array<SharedArrayBuffer>;
  }
  /** An image into a slot. When it is there `done` has the ticket, below 0 if it cannot be made. */
  | {
    readonly kind: "make";
    readonly slot: number;
    readonly ticket: number;
    readonly member: number;
    readonly turn?: Turn;
  };

/** What comes back for a file: its picture, or what is wrong with it. */
export type Decoded =
  & { readonly at: number }
  & ({ readonly picture: Picture; readonly digest: string } | { readonly problem: string });

/** A thread. Whoever starts it ends it, with `terminate`. */
export function pictureWorker(): Worker {
  return new Worker(new URL("./picture_worker.ts", import.meta.url).href, { type: "module" });
}
