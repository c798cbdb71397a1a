/// <reference lib="dom" />
/** From what a person gives a page to pixels. */
import { CHANNELS, type Picture } from "../../data/images/picture.ts";

/** The most pixels that are read, the most that Safari's canvas has on a phone; a larger picture is made smaller first. */
const MAX_PIXELS = 2 ** 24;

/**
 * A picture as its file has it: upright, its colours not changed to those of the screen, its opacity dropped.
 * @param source A file, a picture in the page, or a camera's.
 * @throws {Error} If it is no picture that the browser reads.
 */
export async function readPicture(source: Blob | HTMLImageElement | HTMLVideoElement): Promise<Picture> {
  const bitmap = await createImageBitmap(source, {
    imageOrientation: "from-image",
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  try {
    const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (bitmap.width * bitmap.height)));
    const [width, height] = [bitmap.width, bitmap.height].map((side) =>
      Math.max(1, Math.floor(side * scale))
    );
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const hidden = scale === 1 && !isOpaque(data) ? coloursOf(bitmap) : undefined;
    return { width, height, pixels: rgbOf(hidden ?? data) };
  } finally {
    bitmap.close();
  }
}

function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] < 255) return false;
  return true;
}

function rgbOf(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const pixels = new Uint8Array(rgba.length / 4 * CHANNELS);
  for (let from = 0, to = 0; to < pixels.length; from += 4) {
    pixels[to++] = rgba[from];
    pixels[to++] = rgba[from + 1];
    pixels[to++] = rgba[from + 2];
  }
  return pixels;
}

/** The colours under transparency, of which a canvas keeps only what is seen; nothing where there is no WebGL. */
function coloursOf(bitmap: ImageBitmap): Uint8Array | undefined {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  if (gl === null) return undefined;
  const { width, height } = bitmap;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const rgba = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
  const isRead = gl.getError() === gl.NO_ERROR;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return isRead ? rgba : undefined;
}
