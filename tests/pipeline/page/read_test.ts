/** Pictures of every kind, as a browser reads them beside Pillow. */
import { assertEquals } from "@std/assert";
import { encode } from "fast-png";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { join, toFileUrl } from "@std/path";
import { link } from "../../../pipeline/page/link.ts";
import { browserTest } from "../../browser.ts";
import { inFolder } from "../../in_folder.ts";

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);

/** Where Chromium has other pixels: the largest difference, or the size. */
const OTHERS: Readonly<Record<string, number | string>> = {
  // Rounded to the nearest by one, down by the other.
  "JPEG, CMYK": 1,
  "JPEG, YCCK": 1,
  "JPEG, CMYK without Adobe's segment": 1,
  // Where a GIF has nothing, Chromium keeps no colour under it.
  "GIF, a colour transparent": 255,
  "GIF, its image beside the corner": 253,
  // Chromium does not look for it there.
  "WebP, orientation 8": "21 x 13",
};

/** A PNG of colours from dark to light that says that its numbers are light itself, which no screen's are. */
function linearPng(): { name: string; width: number; height: number; file: string; pixels: string } {
  const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => i % 256);
  const plain = encode({ width: 16, height: 16, data: pixels, channels: 3, depth: 8 });
  const chunk = new DataView(new ArrayBuffer(16));
  chunk.setUint32(0, 4);
  new TextEncoder().encodeInto("gAMA", new Uint8Array(chunk.buffer, 4));
  chunk.setUint32(8, 100_000); // a gamma of 1
  chunk.setUint32(12, crc32(new Uint8Array(chunk.buffer, 4, 8)));
  const header = 8 + 25; // the signature and IHDR
  const file = Buffer.concat([
    plain.subarray(0, header),
    new Uint8Array(chunk.buffer),
    plain.subarray(header),
  ]);
  return { name: "PNG, linear", width: 16, height: 16, file: file.toBase64(), pixels: pixels.toBase64() };
}

browserTest("readPicture: Pillow's pixels, but where a browser is known to have others", async (open) => {
  const { cases } = JSON.parse(await Deno.readTextFile(at("tests/data/pictures.json")));
  const sources = ["pipeline/data/images/picture.ts", "pipeline/page/browser/read.ts"];
  const modules = await Promise.all(sources.map(async (path) => [path, await Deno.readTextFile(at(path))]));
  const script = link(
    {
      ...Object.fromEntries(modules),
      "give.ts": `import { readPicture } from "./${sources[1]}";\n` +
        "export function give() {\n  globalThis.readPicture = readPicture;\n}",
    },
    {},
    "give",
  );
  await inFolder(async (dir) => {
    const path = join(dir, "page.html");
    await Deno.writeTextFile(path, `<!DOCTYPE html><body><script>${script}</script></body>`);
    const page = await open(toFileUrl(path).href);
    await page.until("globalThis.readPicture");
    const others: Record<string, number | string> = {};
    for (const { name, width, height, file, pixels } of [...cases, linearPng()]) {
      const found = await page.evaluate(`(async () => {
        const bytes = Uint8Array.from(atob("${file}"), (c) => c.charCodeAt(0));
        const { width, height, pixels } = await readPicture(new Blob([bytes]));
        return { width, height, pixels: btoa(String.fromCharCode(...pixels)) };
      })().catch((error) => ({ problem: error.message }))`) as {
        width: number;
        height: number;
        pixels: string;
        problem?: string;
      };
      if (found.problem !== undefined) others[name] = found.problem;
      else if (found.width !== width || found.height !== height) {
        others[name] = `${found.width} x ${found.height}`;
      } else {
        const expected = Uint8Array.fromBase64(pixels);
        const own = Uint8Array.fromBase64(found.pixels);
        const largest = Math.max(...expected.map((value, i) => Math.abs(value - own[i])));
        if (largest > 0) others[name] = largest;
      }
    }
    assertEquals(Object.entries(others).filter(([name, found]) => found !== OTHERS[name]), []);
  });
});
