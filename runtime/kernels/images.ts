/** Images moved, turned and bent. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, T, type } from "../binding/kernel.ts";

setKernel<"image" | "transforms", tfjs.TransformAttrs>(
  tfjs.Transform,
  ({ image, transforms }, { interpolation, fillMode, fillValue, outputShape }) => {
    const sizes = tfjs.tensor1d(outputShape ?? image.shape.slice(1, 3), "int32");
    return callOp("ImageProjectiveTransformV3", {
      dtype: T,
      interpolation: interpolation.toUpperCase(),
      fill_mode: fillMode.toUpperCase(),
    }, [image, transforms, sizes, tfjs.scalar(fillValue)])[0];
  },
);

/** Every pixel is the nearest to where it comes from; what comes from outside the image has `fillValue`, and opacity 255. */
setKernel<"image", tfjs.RotateWithOffsetAttrs>(
  tfjs.RotateWithOffset,
  ({ image }, { radians, fillValue, center }) => {
    const [batch, height, width, channels] = image.shape;
    const [centerX, centerY] = tfjs.backend_util.getImageCenter(center, height, width);
    const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
    const sources = Int32Array.from({ length: height * width }, (_, place) => {
      const [x, y] = [place % width - centerX, Math.floor(place / width) - centerY];
      const column = Math.round(x * cos - y * sin + centerX);
      const row = Math.round(x * sin + y * cos + centerY);
      return row >= 0 && row < height && column >= 0 && column < width ? row * width + column : -1;
    });
    const fill = Array.from(
      { length: channels },
      (_, channel) => typeof fillValue === "number" ? fillValue : channel === 3 ? 255 : fillValue[channel],
    );
    const outside = tfjs.tensor(fill, [1, 1, channels], image.dtype);
    const isInside = tfjs.tensor(Array.from(sources, (place) => place >= 0), [1, height * width, 1], "bool");
    const attrs = { Tparams: type(image.dtype), Tindices: type("int32"), Taxis: type("int32") };
    const [turned] = callOp("GatherV2", attrs, [
      tfjs.reshape(image, [batch, height * width, channels]),
      tfjs.tensor1d(sources.map((place) => Math.max(0, place)), "int32"),
      tfjs.scalar(1, "int32"),
    ]);
    return tfjs.reshape(tfjs.where(isInside, turned, outside), image.shape);
  },
);
