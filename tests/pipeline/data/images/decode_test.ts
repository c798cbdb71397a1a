import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeImage, MAX_PIXELS } from "../../../../pipeline/data/images/decode.ts";
import { formatOf } from "../../../../pipeline/data/images/header.ts";
import { liveHandles, tf } from "../../../../runtime/mod.ts";
import { UserError } from "../../../../runtime/system/errors.ts";
import pictures from "../../../data/pictures.json" with { type: "json" };
import { canLoadTensorFlow } from "../../../needs.ts";

const ignore = !canLoadTensorFlow;

for (const { name, width, height, file, pixels } of pictures.cases) {
  Deno.test({
    name: `decodeImage gives Pillow's pixels: ${name}`,
    ignore,
    async fn() {
      await tf.ready();
      const before = liveHandles();
      const found = decodeImage(Uint8Array.fromBase64(file));
      assertEquals(liveHandles(), before, "tensors left");
      assertEquals([found.width, found.height], [width, height]);
      const wanted = Uint8Array.fromBase64(pixels);
      assertEquals(found.pixels.length, wanted.length);
      const differences = found.pixels.map((value, i) => Math.abs(value - wanted[i]));
      // TensorFlow rounds down where Pillow rounds to the nearest.
      const allowed = /CMYK|YCCK/.test(name) ? 1 : 0;
      assert(Math.max(...differences) <= allowed, `off by ${Math.max(...differences)}`);
    },
  });
}

/** The first file of each format. */
const FILES = new Map(
  pictures.cases.toReversed().map(({ file }) => {
    const bytes = Uint8Array.fromBase64(file);
    return [formatOf(bytes)!, bytes];
  }),
);

Deno.test({
  name: "decodeImage says what it was given instead of a picture, and of which file",
  ignore,
  async fn() {
    await tf.ready();
    const message = (bytes: Uint8Array): string =>
      assertThrows(() => decodeImage(bytes, { name: "a/cat.jpg" }), UserError).message;
    assertEquals(
      message(new Uint8Array()),
      "Cannot decode a/cat.jpg: the file is empty; take it out, or put a good one in its place",
    );
    const none = "Cannot decode a/cat.jpg: its bytes are none of JPEG, PNG, GIF, BMP and WebP; take it out";
    for (const text of ["<svg/>", "\x89PNG\n", "%PDF-1.4", "RIFF0000WAVE", "\0", "\xff\xd8", "GIF90a"]) {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      assertEquals(message(bytes).slice(0, none.length), none, text);
    }
    const isCutOff = /^Cannot decode a\/cat.jpg: the (\w+) (is cut off|is damaged or cut off); take it out/;
    for (const [format, bytes] of FILES) {
      const [, named] = isCutOff.exec(message(bytes.slice(0, 22))) ?? [];
      assertEquals(named, format);
      const [, half] = isCutOff.exec(message(bytes.slice(0, bytes.length / 2))) ?? [];
      assertEquals(half, format);
    }
  },
});

Deno.test({
  name: "decodeImage looks at the bytes, not at the name",
  ignore,
  async fn() {
    await tf.ready();
    for (const bytes of FILES.values()) {
      assertEquals(decodeImage(bytes, { name: "cat.txt" }).width, pictures.cases[0].width);
    }
  },
});

Deno.test({
  name: "decodeImage gives an error or the whole picture of a file that is cut off anywhere",
  ignore,
  async fn() {
    await tf.ready();
    const before = liveHandles();
    for (const { name, file, pixels } of pictures.cases) {
      const bytes = Uint8Array.fromBase64(file);
      for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 150)) {
        try {
          const found = decodeImage(bytes.subarray(0, length));
          // What Pillow differs in has a test above.
          if (!/CMYK|YCCK/.test(name)) {
            assertEquals(found.pixels.toBase64(), pixels, `${name}, ${length} bytes`);
          }
        } catch (error) {
          assert(error instanceof UserError, `${name}, ${length} bytes: ${error}`);
        }
      }
    }
    assertEquals(liveHandles(), before, "tensors left");
  },
});

Deno.test({
  name: "decodeImage gives an error or a picture of a damaged file",
  ignore,
  async fn() {
    await tf.ready();
    const before = liveHandles();
    let refused = 0;
    for (const [format, bytes] of FILES) {
      for (let at = 0; at < bytes.length; at++) {
        const damaged = bytes.slice();
        damaged[at] ^= 0xff;
        try {
          const { width, height, pixels } = decodeImage(damaged, { maxPixels: 10_000 });
          assertEquals(pixels.length, width * height * 3);
        } catch (error) {
          assert(error instanceof UserError, `${format}, byte ${at}: ${error}`);
          refused++;
        }
      }
    }
    assert(refused > 100);
    assertEquals(liveHandles(), before, "tensors left");
  },
});

Deno.test({
  name: "decodeImage decodes nothing that says that it is too large",
  ignore,
  async fn() {
    await tf.ready();
    const big = (name: keyof typeof SIZES): Uint8Array => {
      const bytes = FILES.get(name)!.slice();
      SIZES[name].forEach((at) => bytes.set([0x3f, 0x3f], at));
      return bytes;
    };
    const jpeg = FILES.get("JPEG")!;
    const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
    // Where height and width, or of 32 bits their lower halves, lie; the WebP is lossy.
    const SIZES = { JPEG: [frame + 5, frame + 7], PNG: [18, 22], BMP: [18, 22], WebP: [26, 28] };
    for (const format of ["JPEG", "PNG", "BMP", "WebP"] as const) {
      assertThrows(
        () => decodeImage(big(format), { name: "bomb" }),
        UserError,
        `Cannot decode bomb: the ${format} has 16191 x 16191 pixels, more than the ${MAX_PIXELS} that are allowed`,
      );
    }
    const gif = FILES.get("GIF")!.slice();
    gif.set([0xff, 0xff, 0xff, 0xff], 6); // the screen
    assertThrows(() => decodeImage(gif), UserError, "the GIF has 65535 x 65535 pixels");
    gif.set(FILES.get("GIF")!.subarray(6, 10), 6);
    gif.set([0xff, 0xff, 0xff, 0xff], gif.indexOf(0x2c, 13 + 3 * 8) + 1); // where its image lies
    assertThrows(() => decodeImage(gif), UserError, "more than the");
    assertThrows(
      () => decodeImage(FILES.get("PNG")!, { maxPixels: 272 }),
      UserError,
      "the PNG has 21 x 13 pixels, more than the 272 that are allowed",
    );
    assertEquals(decodeImage(FILES.get("PNG")!, { maxPixels: 273 }).width, 21);
  },
});

Deno.test({
  name: "decodeImage refuses the kinds of BMP that it does not read",
  ignore,
  async fn() {
    await tf.ready();
    const bmp = FILES.get("BMP")!.slice();
    const view = new DataView(bmp.buffer);
    view.setUint16(28, 16, true);
    assertThrows(() => decodeImage(bmp), UserError, "the BMP has 16 bits a pixel, which is not read");
    view.setUint16(28, 8, true);
    view.setUint32(30, 1, true); // run lengths
    assertThrows(() => decodeImage(bmp), UserError, "8 bits a pixel in an unusual order, which is not read");
  },
});
