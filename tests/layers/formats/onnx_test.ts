/** ONNX files: what is in them, read from the wire by itself, and what ONNX Runtime computes from them. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import protobuf from "protobufjs";
import { roundedToInt8, toInt8 } from "../../../layers/formats/int8.ts";
import { encodeOnnx, type OnnxOptions } from "../../../layers/formats/onnx.ts";
import { defineModel } from "../../../layers/model.ts";
import { customLayer } from "../../../layers/nodes/custom.ts";
import { conv, dropout, flatten, input, linear, relu } from "../../../layers/nodes/nodes.ts";
import type { Arrays } from "../../../layers/readers/arrays.ts";
import { foldArrays } from "../../../layers/readers/fold_arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { tf, UserError } from "../../../runtime/mod.ts";
import { type OnnxJob, runOnnx } from "../../../scripts/cli/onnx_runtime.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import {
  EXPORTED_MODELS,
  logitsOf,
  relativeDifference,
  someImages,
  trainedArrays,
} from "./exported_models.ts";

/** As much of onnx/onnx.proto as is looked at. */
const { root } = protobuf.parse(
  `
syntax = "proto2";
message Tensor { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message Node { repeated string input = 1; repeated string output = 2; optional string op_type = 4; }
message Dim { optional int64 dim_value = 1; optional string dim_param = 2; }
message Shape { repeated Dim dim = 1; }
message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
message Type { optional TensorType tensor_type = 1; }
message Value { optional string name = 1; optional Type type = 2; }
message Graph { repeated Node node = 1; repeated Tensor initializer = 5; repeated Value input = 11; repeated Value output = 12; }
message Opset { optional string domain = 1; optional int64 version = 2; }
message Text { optional string key = 1; optional string value = 2; }
message Model { optional int64 ir_version = 1; optional Graph graph = 7; repeated Opset opset_import = 8; repeated Text metadata_props = 14; }
`,
  { keepCase: true },
);
const modelType = root.lookupType("Model");

interface Value {
  readonly name: string;
  readonly type: {
    tensor_type: { elem_type: number; shape: { dim: { dim_value?: number; dim_param?: string }[] } };
  };
}

interface OnnxModel {
  readonly ir_version: number;
  readonly graph: {
    readonly node: readonly { op_type: string; input: string[]; output: string[] }[];
    readonly initializer: readonly {
      name: string;
      dims: number[];
      data_type: number;
      raw_data: Uint8Array;
    }[];
    readonly input: readonly Value[];
    readonly output: readonly Value[];
  };
  readonly opset_import: readonly { domain: string; version: number }[];
  readonly metadata_props: readonly { key: string; value: string }[];
}

function decode(bytes: Uint8Array): OnnxModel {
  const options = { longs: Number, arrays: true };
  return modelType.toObject(modelType.decode(bytes), options) as unknown as OnnxModel;
}

/** A convolution of one pixel, relu, dropout and a linear layer, on images of two pixels side by side. */
const x = input([1, 2, 3]);
const head = flatten(relu(conv(x, { name: "conv", filters: 2, kernelSize: 1 }), { name: "relu" }), {
  name: "row",
});
const small = defineModel(
  linear(dropout(head, { name: "drop", rate: 0.5 }), { name: "fc", features: 2 }),
  { name: "small" },
);
const array = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
const smallArrays: Arrays = {
  params: {
    "conv.weight": array([1, 1, 3, 2], 1, 2, 3, 4, 5, 6), // [in, out]
    "conv.bias": array([2], 0.5, -0.5),
    "fc.weight": array([4, 2], 1, 2, 3, 4, 5, 6, 7, 8), // [in, out]
    "fc.bias": array([2], 9, 10),
  },
  batchStats: {},
};

Deno.test("encodeOnnx: opset, any number of images, channels first, layers by name, metadata", () => {
  const about = { classes: '["cat","dog"]', network: "small" };
  const { ir_version, graph, opset_import, metadata_props } = decode(
    encodeOnnx(small, smallArrays, { about }),
  );
  assertEquals([ir_version, opset_import], [8, [{ domain: "", version: 17 }]]);
  assertEquals(metadata_props, Object.entries(about).map(([key, value]) => ({ key, value })));
  const places = [...graph.input, ...graph.output].map(({ name, type: { tensor_type } }) =>
    [
      name,
      tensor_type.elem_type,
      tensor_type.shape.dim.map(({ dim_value, dim_param }) => dim_param ?? dim_value),
    ] as const
  );
  assertEquals(places, [["images", 1, ["n", 3, 1, 2]], ["logits", 1, ["n", 2]]]);
  assertEquals(graph.node.map(({ op_type, input, output }) => [op_type, input.join(" "), output.join(" ")]), [
    ["Conv", "images conv.weight conv.bias", "conv/Conv"],
    ["Relu", "conv/Conv", "relu/Relu"],
    ["Flatten", "relu/Relu", "row/Flatten"],
    ["Gemm", "row/Flatten fc.weight fc.bias", "logits"], // the dropout is left out
  ]);
  // Output channels first, as PyTorch has them.
  const kernel = graph.initializer.find(({ name }) => name === "conv.weight")!;
  const values = new Float32Array(kernel.raw_data.slice().buffer);
  assertEquals([kernel.dims, kernel.data_type, [...values]], [[2, 3, 1, 1], 1, [1, 3, 5, 2, 4, 6]]);
});

Deno.test("encodeOnnx: normalisation, softmax and weights of 8 bits are nodes of the graph", () => {
  const options: OnnxOptions = {
    normalize: { mean: [0.5, 0, 1], std: [0.2, 1, 2] },
    softmax: true,
    int8: true,
  };
  const { graph } = decode(encodeOnnx(small, smallArrays, options));
  assertEquals(graph.node.map(({ op_type }) => op_type), [
    ...["Sub", "Div", "DequantizeLinear", "Conv", "Relu", "Flatten", "DequantizeLinear", "Gemm", "Softmax"],
  ]);
  assertEquals(graph.node.at(-1)!.output, ["probabilities"]);
  const values = (name: string): ArrayLike<number> => {
    const { raw_data, data_type } = graph.initializer.find((tensor) => tensor.name === name)!;
    const { buffer } = raw_data.slice();
    return data_type === 3 ? new Int8Array(buffer) : new Float32Array(buffer);
  };
  assertEquals(Array.from(values("images/mean")), [127.5, 0, 255]);
  assertEquals(Array.from(values("images/std")), [51, 255, 510]);
  // The kernel's channels are [1, 3, 5] and [2, 4, 6]: the largest is 127, the others 127 / 5 and so on, rounded.
  assertEquals(Array.from(values("conv.weight/int8")), [25, 76, 127, 42, 85, 127]);
  assertAlmostEquals(values("conv.weight/scale")[0], 5 / 127, 1e-8);
});

Deno.test("toInt8: each channel by itself, symmetric, zeros stay zeros", () => {
  const { values, scales } = toInt8(array([2, 3], -1.27, 0, 0.1, 0.635, 0, -0.2), 1);
  assertEquals([...values], [-127, 0, 64, 64, 0, -127]); // 0.635 / 0.01 is 63.5
  assertEquals([...scales].map((scale) => scale.toFixed(6)), ["0.010000", "1.000000", "0.001575"]);
});

Deno.test("encodeOnnx: a layer of one's own is named, with what to do", () => {
  const own = customLayer({ kind: "Swish", run: ([x]) => tf.mul(x, tf.sigmoid(x)) });
  const model = defineModel(own(small.output, { name: "act" }), { name: "own" });
  assertThrows(
    () => encodeOnnx(model, smallArrays),
    UserError,
    "Cannot write ONNX: layer \"act\" is a Swish, a layer of one's own, of which only TensorFlow's graph is known; " +
      "write a SavedModel, or take the layer out",
  );
});

Deno.test("encodeOnnx: arrays and options that are not the model's are refused", () => {
  const { "fc.bias": _, ...params } = smallArrays.params;
  assertThrows(
    () => encodeOnnx(small, { ...smallArrays, params }),
    TypeError,
    'Cannot export small: "fc.bias" must be [2], found none',
  );
  assertThrows(
    () => encodeOnnx(small, smallArrays, { normalize: { mean: [0], std: [1] } }),
    TypeError,
    "Cannot export small: 1 means and 1 deviations for images of 3 channels",
  );
  assertThrows(
    () => encodeOnnx(small, smallArrays, { normalize: { mean: [0, 0, 0], std: [1, 0, 1] } }),
    RangeError,
    "Cannot export small: std must be above 0, found 0 for channel 1",
  );
  const map = defineModel(relu(input([2, 2, 1]), { name: "relu" }), { name: "map" });
  assertThrows(
    () => encodeOnnx(map, initArrays(map, 0), { softmax: true }),
    TypeError,
    "Cannot export map with softmax: it ends in [2, 2, 1], not in one number a class",
  );
});

/** The same images with channels first. */
function channelsFirst({ shape, data }: ReturnType<typeof someImages>): Pick<OnnxJob, "images" | "shape"> {
  return tf.tidy(() => {
    const turned = tf.transpose(tf.tensor4d(data, shape), [0, 3, 1, 2]);
    return { images: turned.dataSync<"float32">(), shape: turned.shape };
  });
}

Deno.test({
  name: "encodeOnnx: ONNX Runtime computes what apply does, for networks of every family",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const cases = Object.entries(EXPORTED_MODELS).flatMap(([family, model]) => {
      const arrays = trainedArrays(model);
      const images = someImages(model, 3);
      const given = channelsFirst(images);
      const job = (options: OnnxOptions): OnnxJob => ({
        model: encodeOnnx(model, arrays, options),
        ...given,
        batchSize: 2, // then one
      });
      const expected = logitsOf(model, arrays, images);
      const folded = foldArrays(model, arrays);
      const rounded = logitsOf(folded.model, roundedToInt8(folded.model, folded.arrays), images);
      return [
        { name: family, job: job({}), expected },
        { name: `${family}, not folded`, job: job({ foldBatchNorm: false }), expected },
        { name: `${family}, 8 bits`, job: job({ int8: true }), expected: rounded },
      ];
    });
    const found = await runOnnx(cases.map(({ job }) => job));
    if (found === undefined) return console.log("onnxruntime-web is not installed: ONNX files are not run");
    for (const [i, { name, expected }] of cases.entries()) {
      const difference = relativeDifference(found[i], expected);
      assert(difference < 1e-5, `${name}: off by ${difference} of the largest logit`);
    }
  },
});

Deno.test({
  name: "encodeOnnx: raw pixels in, probabilities out, in ONNX Runtime; a file that is none is said so",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const normalize = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] };
    const model = EXPORTED_MODELS["fast"];
    const arrays = trainedArrays(model);
    const [height, width, channels] = model.input.shape;
    const shape: [number, number, number, number] = [2, height, width, channels];
    const data = Float32Array.from({ length: 2 * height * width * channels }, (_, i) => (7 * i) % 256);
    const normalized = data.map((pixel, i) => (pixel / 255 - normalize.mean[i % 3]) / normalize.std[i % 3]);
    const logits = logitsOf(model, arrays, { shape, data: normalized });
    const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits, [2, 10])).dataSync<"float32">());
    const file = encodeOnnx(model, arrays, { normalize, softmax: true });
    const images = channelsFirst({ shape, data });
    const found = await runOnnx([{ model: file, ...images }]);
    if (found === undefined) return console.log("onnxruntime-web is not installed: ONNX files are not run");
    assert(relativeDifference(found[0], expected) < 1e-5);
    let message = "";
    await runOnnx([{ model: file.slice(0, 1000), ...images }]).catch((error) => message = error.message);
    assert(message.startsWith("Cannot check with ONNX Runtime: Can't create a session."), message);
  },
});
