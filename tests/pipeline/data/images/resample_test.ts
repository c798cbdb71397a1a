import { assertEquals } from "@std/assert";
import type { Picture } from "../../../../pipeline/data/images/picture.ts";
import {
  centerView,
  cropPicture,
  resizePicture,
  shorterSize,
} from "../../../../pipeline/data/images/resample.ts";
import golden from "../../../data/photo_changes.json" with { type: "json" };
import pillow from "../../../data/pillow_resize.json" with { type: "json" };
import { pictureOf } from "./picture_of.ts";

Deno.test("centerView gives the bytes of torchvision's Resize and CenterCrop", () => {
  for (const { shorter, size, view, ...image } of golden.views) {
    const found = centerView(pictureOf(image), { shorter, size });
    assertEquals([found.width, found.height], [size, size]);
    assertEquals(found.pixels.toBase64(), view, `${image.width} x ${image.height} to ${shorter}, ${size}`);
  }
});

Deno.test("resizePicture of a box gives the bytes of torchvision's resized_crop", () => {
  for (const { size, view, ...box } of golden.boxes) {
    const found = resizePicture(pictureOf(golden.image), { width: size, height: size }, box);
    assertEquals(found.pixels.toBase64(), view, JSON.stringify(box));
  }
});

Deno.test("resizePicture gives Pillow's bytes where sums hit halves", () => {
  for (const { width, height, size, image, resized } of pillow.cases) {
    const found = resizePicture(pictureOf({ width, height, pixels: image }), { width: size, height: size });
    assertEquals(found.pixels.toBase64(), resized, `${width} x ${height} to ${size}`);
  }
});

Deno.test("a picture that has the size already is not copied", () => {
  const picture = pictureOf(golden.image);
  assertEquals(resizePicture(picture, picture) === picture, true);
  assertEquals(cropPicture(picture, { left: 0, top: 0, ...picture }) === picture, true);
});

Deno.test("shorterSize rounds the longer side down, to a pixel at least", () => {
  const size = (width: number, height: number): Pick<Picture, "width" | "height"> =>
    shorterSize({ width, height }, 64);
  assertEquals(size(640, 480), { width: 85, height: 64 });
  assertEquals(size(480, 640), { width: 64, height: 85 });
  assertEquals(size(3, 3), { width: 64, height: 64 });
});
