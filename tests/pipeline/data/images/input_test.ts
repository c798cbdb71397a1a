/** Pictures as a network's images, against torchvision 0.29.2 on Pillow 13.0. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { inputOf, inputProblem, shownPart } from "../../../../pipeline/data/images/input.ts";
import golden from "../../../data/photo_changes.json" with { type: "json" };
import { pictureOf } from "./picture_of.ts";
import { pictureFile } from "../../pictures.ts";

Deno.test("inputOf: what torchvision's Resize and CenterCrop make of a picture", () => {
  const squares = golden.views.filter(({ shorter, size }) => shorter === size);
  assertEquals(squares.length > 0, true);
  for (const { size, view, ...image } of squares) {
    assertEquals(inputOf(pictureOf(image), { imageShape: [size, size, 3] }).toBase64(), view);
  }
});

Deno.test("inputOf: by a view that shows less than the middle", () => {
  const smaller = golden.views.filter(({ shorter, size }) => shorter > size);
  assertEquals(smaller.length > 0, true);
  for (const { size, shorter, view, ...image } of smaller) {
    const spec = { imageShape: [size, size, 3], view: { shorter, size } } as const;
    assertEquals(inputOf(pictureOf(image), spec).toBase64(), view);
  }
});

Deno.test("inputOf: images that are not square, and grey ones", () => {
  const picture = pictureFile("PNG");
  // center_crop(resize(image, [8, 14]), [6, 14])
  assertEquals(
    inputOf(picture, { imageShape: [6, 14, 3] }).toBase64(),
    "/wAA/wAA/wAAx3BWprxjscpKzsUv4tge4+oO9vcI/u0A//QA/+8A//wAmVxzk2pymG5hj6l9hsF1lNpemutgoeNWZ3iMcm6Uc2mMc3KM" +
      "c3KMc3OMI7fpJc3ZOdvCU+K/V9epafKGgeNwdNKHDhrvAAD/AAD/AAD/AAD/AAD/Ds/5Dd/nF+vkL/LTQuW8SfixbPiVcfaAZreiY7KW" +
      "cbKLirJ5h7J7nbJuAdz/BN35COX8Iu7oIOrbMP/IRv+uaP+wbv6obv+Bjv9zn/9Puv9GzP8zAM7/AOL/AOz/BPj7BfT1Dv7vMP/HRP/K" +
      "T//MYP+ga/+Ncf+Bi/9gsP9K",
  );
  // center_crop(resize(image, [6]), [6, 6]): of 9 columns 1.5 would be left out on the left, which Python rounds to 2.
  assertEquals(
    inputOf(picture, { imageShape: [6, 6, 3] }).toBase64(),
    "xI5P17ot7b4S9dEG/eQB/+kApZ1nosxUvdw+u8g7y8E2zcYyXtescOeDft96JTrXEBHvERLuNOzORvWzbPiTaMqccMCLjsByEPHwHvvcS/+8" +
      "Xf+1cf+Ii/9lAPz+Bf72Ff/hKv/JUP+qXv+N",
  );
  // center_crop(resize(image, [8]), [8, 8]).convert("L")
  assertEquals(
    inputOf(picture, { imageShape: [8, 8, 1] }).toBase64(),
    "X6GzsrvCzdJdpbC3x9Pa2IWlssG2c3F0r624uZ8kHR2xsbjCvZmYnq6ruL7JycjNrK2yusHExcatsrOzs7W/wQ==",
  );
});

Deno.test("inputOf: a picture of the size stays as it is, in bytes of its own", () => {
  const picture = pictureFile("PNG");
  const input = inputOf(picture, { imageShape: [13, 21, 3] });
  assertEquals(input, picture.pixels);
  assertEquals(input.buffer === picture.pixels.buffer, false);
});

Deno.test("inputOf: a picture that is one pixel high or wide", () => {
  for (const [width, height] of [[50, 1], [1, 50], [1, 1]]) {
    const pixels = new Uint8Array(width * height * 3).fill(7);
    assertEquals(inputOf({ width, height, pixels }, { imageShape: [4, 4, 3] }), new Uint8Array(48).fill(7));
  }
});

Deno.test("shownPart: the part of the picture, in its own pixels", () => {
  // 640 x 480 becomes 42 x 32, of which 5 columns are cut off on either side.
  const part = shownPart({ width: 640, height: 480 }, { imageShape: [32, 32, 3] });
  assertAlmostEquals(part.left, 5 * 640 / 42);
  assertAlmostEquals(part.width, 32 * 640 / 42);
  assertEquals([part.top, part.height], [0, 480]);
  assertEquals(shownPart({ width: 8, height: 8 }, { imageShape: [16, 16, 3] }), {
    left: 0,
    top: 0,
    width: 8,
    height: 8,
  });
});

Deno.test("shownPart: by a view that shows less than the middle", () => {
  // 640 x 480 becomes 53 x 40. Cut off on the left are 10 columns (of 10.5, which Python rounds to the even), above 4 rows.
  const spec = { imageShape: [32, 32, 3], view: { shorter: 40, size: 32 } } as const;
  const part = shownPart({ width: 640, height: 480 }, spec);
  const expected = { left: 10 * 640 / 53, top: 4 * 480 / 40, width: 32 * 640 / 53, height: 32 * 480 / 40 };
  for (const side of ["left", "top", "width", "height"] as const) {
    assertAlmostEquals(part[side], expected[side], 1e-9);
  }
});

Deno.test("inputProblem: pictures have one channel or three", () => {
  assertEquals([1, 3].map((channels) => inputProblem({ imageShape: [8, 8, channels] })), [
    undefined,
    undefined,
  ]);
  assertEquals(
    inputProblem({ imageShape: [8, 8, 4] }),
    "it takes images of 4 channels, a picture has 3, or 1 if it is grey",
  );
});
