/** Pictures as files. */
import { encode } from "fast-png";
import { tf } from "../../runtime/mod.ts";
import { CHANNELS, type Picture } from "../data/images/picture.ts";

/** The bytes of a PNG, to the pixel. */
export function pngOf({ width, height, pixels }: Picture): Uint8Array {
  return encode({ width, height, data: pixels, channels: CHANNELS, depth: 8 });
}

/** Of 100: what is lost is not seen. */
const QUALITY = 90;

/** The bytes of a JPEG, which of a photo is a sixth as large as a PNG. Needs `tf.ready()` first. */
export async function jpegOf({ width, height, pixels }: Picture): Promise<Uint8Array> {
  const tensor = tf.tensor3d(pixels, [height, width, CHANNELS], "int32");
  try {
    return await tf.node.encodeJpeg(tensor, "rgb", QUALITY);
  } finally {
    tensor.dispose();
  }
}
