/** The product of patches: PyTorch's gradients of kernels, for windows of any kind. */
import { tf } from "../../../runtime/mod.ts";
import { patchesFilterGradient } from "../../../runtime/ops/patches.ts";
import goldens from "../../data/golden/conv2d.json" with { type: "json" };
import { assertClose, GRADIENT, nchwToNhwc, oihwToHwio } from "../../reference.ts";
import { eagerAndJitted, tidyTest, toTensor } from "../harness.ts";

for (const { x, weight, dy, dweight, stride, padding } of goldens) {
  tidyTest(
    `patches: PyTorch's gradient of a kernel [${weight.shape}], stride ${stride}, padding ${padding}`,
    () => {
      const kernelShape = [...oihwToHwio(weight).shape];
      const gradient = (x: tf.Tensor4D, dy: tf.Tensor4D) =>
        patchesFilterGradient(x, dy, { stride, padding, xShape: x.shape, kernelShape });
      const args: [tf.Tensor4D, tf.Tensor4D] = [toTensor(nchwToNhwc(x)), toTensor(nchwToNhwc(dy))];
      eagerAndJitted(
        gradient,
        args,
        (found, mode) => assertClose(found, oihwToHwio(dweight), GRADIENT, mode),
      );
    },
  );
}
