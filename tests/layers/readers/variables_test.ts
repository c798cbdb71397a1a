/** Arrays to tensors and back. */
import { assertEquals, assertThrows } from "@std/assert";
import { resnet } from "../../../layers/networks/resnet.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { init, toArrays, toTensors } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";

const model = resnet([1, 1], { widths: [2, 3], inputSize: 32, numClasses: 4 });

Deno.test({
  name: "init: the tensors hold what initArrays draws, by its names and shapes",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    tf.tidy(() => {
      assertEquals(toArrays(init(model, 9)), initArrays(model, 9));
      assertEquals(toArrays(init(model, 9, "heNormal")), initArrays(model, 9, "heNormal"));
      const { params, batchStats } = init(model, 9);
      assertEquals(
        Object.values({ ...params, ...batchStats }).every(({ dtype }) => dtype === "float32"),
        true,
      );
    });
  },
});

Deno.test({
  name: "toTensors, toArrays: there and back, also after a computation; other types are refused",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    tf.tidy(() => {
      const variables = toTensors({
        params: { a: { shape: [1, 2], data: Float32Array.of(1, 2) } },
        batchStats: {},
      });
      const doubled = { params: { a: tf.add(variables.params.a, variables.params.a) }, batchStats: {} };
      assertEquals(toArrays(doubled).params.a, { shape: [1, 2], data: Float32Array.of(2, 4) });
      assertEquals(
        assertThrows(
          () => toArrays({ params: {}, batchStats: { b: tf.tensor1d([1], "int32") } }),
          TypeError,
        ).message,
        'toArrays: "b" must be float32, found int32',
      );
    });
  },
});
