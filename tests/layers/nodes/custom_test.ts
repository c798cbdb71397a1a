/** Layers of a user's own: they are checked, drawn, counted, shown, trained, saved and resumed like any other. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import {
  apply,
  customLayer,
  forwardMultiplyAdds,
  globalAvgPool,
  init,
  initArrays,
  type Model,
  type Node,
  parameters,
  residualBlock,
  type ResidualBlockCfg,
  resnet,
  summary,
  tf,
  toPyTorch,
} from "../../../mod.ts";
import { conv, defineModel, flatten, fromPyTorch, input, linear, relu } from "../../../mod.ts";
import { loadCheckpoint, saveCheckpoint, startState, train } from "../../../mod.ts";
import { disposeState, random } from "../../../mod.ts";
import { inFolder } from "../../in_folder.ts";
import { bits, smallRunData, smallTraining } from "../../pipeline/small_run.ts";
import { assertClose, FORWARD } from "../../reference.ts";
import { leakTest, tidyTest } from "../../runtime/harness.ts";

/** One layer with everything: weights of three roles, settings, another shape, randomness while training. */
const mix = customLayer<{ out: number; rate: number }, "matrix" | "gain" | "shift">({
  kind: "Mix",
  shape: ([[height, width]], { out }) => [height, width!, out],
  weights: ([shape], { out }) => ({
    matrix: { shape: [shape[2]!, out], role: "linearWeight", fanIn: shape[2]! },
    gain: { shape: [1, out], role: "scale" },
    shift: { shape: [out], role: "offset" },
  }),
  multiplyAdds: ([[height, width, channels]], { out }) => height * width! * channels! * out,
  run: ([x], { matrix, gain, shift }, { out, rate }, { train, seed }) => {
    const mixed = tf.matMul(tf.reshape(x, [-1, x.shape[3]!]), matrix);
    const y = tf.reshape(tf.add(tf.mul(mixed, gain), shift), [...x.shape.slice(0, 3), out]);
    return train ? random.dropout(y, rate, seed!) : y;
  },
});

/** A block with it at its end. */
function mixedBlock(x: Node, cfg: ResidualBlockCfg): Node {
  return mix(residualBlock(x, cfg), { name: `${cfg.name}.mix`, out: cfg.filters, rate: 0.25 });
}

const model: Model = resnet([1, 1], {
  stem: "cifar",
  inputSize: 8,
  widths: [4, 6],
  numClasses: 4,
  block: mixedBlock,
});

Deno.test("customLayer: names, shapes and roles of its weights, and how they are drawn and laid out", () => {
  const own = parameters(model).filter(({ name }) => name.startsWith("layer1.0.mix"));
  assertEquals(own.map(({ name, shape, role, collection }) => [name, shape, role, collection]), [
    ["layer1.0.mix.matrix", [6, 6], "linearWeight", "params"],
    ["layer1.0.mix.gain", [1, 6], "scale", "params"],
    ["layer1.0.mix.shift", [6], "offset", "params"],
  ]);
  const arrays = initArrays(model, 3);
  const { data: matrix } = arrays.params["layer1.0.mix.matrix"];
  assertEquals(matrix.some((value) => value !== 0), true);
  assertEquals([...arrays.params["layer1.0.mix.gain"].data], Array(6).fill(1));
  assertEquals([...arrays.params["layer1.0.mix.shift"].data], Array(6).fill(0));
  const stored = toPyTorch(model, arrays);
  assertEquals(stored["layer1.0.mix.gain"].shape, [1, 6]);
  // A linear weight is transposed there: row 0, column 1 is row 1, column 0 here.
  assertEquals(stored["layer1.0.mix.matrix"].data[1], matrix[6]);
  assertEquals(fromPyTorch(model, stored), arrays);
});

Deno.test("customLayer: summary shows it, and its arithmetic is counted", () => {
  const rows = summary(model).split("\n").filter((line) => line.includes("Mix"));
  assertEquals(rows.map((row) => row.trim().split(/\s{2,}/)), [
    ["Mix-11", "[-1, 4, 8, 8]", "24"], // 4 * 4 + 4 + 4
    ["Mix-20", "[-1, 6, 4, 4]", "48"], // 6 * 6 + 6 + 6
  ]);
  const plain = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6], numClasses: 4 });
  assertEquals(forwardMultiplyAdds(model) - forwardMultiplyAdds(plain), 8 * 8 * 4 * 4 + 4 * 4 * 6 * 6);
});

tidyTest("customLayer: its values by hand, and its seed while training", () => {
  const x = input([1, 2, 2]);
  const mixed = mix(x, { name: "mix", out: 1, rate: 0.5 });
  const variables = {
    params: {
      "mix.matrix": tf.tensor2d([[2], [3]]),
      "mix.gain": tf.tensor2d([[10]]),
      "mix.shift": tf.tensor1d([0.5]),
    },
    batchStats: {},
  };
  const network = defineModel(mixed, { name: "mixed" });
  const images = tf.tensor4d([1, 2, 3, -4], [1, 1, 2, 2]);
  const [y] = apply(network, variables, images, { train: false });
  // (1 * 2 + 2 * 3) * 10 + 0.5, and (3 * 2 - 4 * 3) * 10 + 0.5
  assertClose(y, { shape: [1, 1, 2, 1], data: [80.5, -59.5] }, FORWARD, "y");
  const many = tf.ones<tf.Rank.R4>([50, 1, 2, 2]);
  const trained = (seed: number): number[] => {
    const options = { train: true, seed: tf.tensor1d([seed, 1], "int32") } as const;
    return [...apply(network, variables, many, options)[0].dataSync()];
  };
  assertEquals(trained(1), trained(1));
  assertEquals(trained(1).join() === trained(2).join(), false);
  assertEquals([...new Set(trained(1))].sort((a, b) => a - b), [0, 101]); // dropped, or (2 + 3) * 10 + 0.5, twice
});

leakTest(
  "customLayer: trains, and goes on after a checkpoint with the same bits",
  () =>
    inFolder(async (dir) => {
      const path = join(dir, "checkpoint.safetensors");
      const start = () => startState(model, init(model, 5), smallTraining);
      const data = smallRunData();
      const whole = await train(model, data, smallTraining, { state: start() });

      const stop = new AbortController();
      const onStep = ({ step }: { step: number }): void => {
        if (step === 4) stop.abort();
      };
      const half = await train(model, data, smallTraining, { state: start(), signal: stop.signal, onStep });
      await saveCheckpoint(path, half, { seconds: 1 });
      disposeState(half);
      const { state } = await loadCheckpoint(path, model, smallTraining);
      const resumed = await train(model, data, smallTraining, { state });
      assertEquals(bits(resumed), bits(whole));
      assertEquals(
        whole.variables.params["layer1.0.mix.shift"].dataSync().some((value) => value !== 0),
        true,
      );
      disposeState(whole);
      disposeState(resumed);
    }),
);

Deno.test("customLayer: settings and weights that cannot be are refused, with the layer's name", () => {
  const x = input([4, 4, 3]);
  const withWeight = (shape: number[], role: "linearWeight" | "scale" | "runningMean") =>
    customLayer({ kind: "Own", weights: () => ({ w: { shape, role, fanIn: 3 } as never }), run: ([x]) => x });
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [
      () => withWeight([3], "linearWeight")(x, { name: "a" }),
      TypeError,
      'Own "a.w": a linearWeight has 2 sizes, found [3]',
    ],
    [
      () => withWeight([3, 0], "scale")(x, { name: "a" }),
      RangeError,
      'Own "a.w": size 1 must be a whole number from 1 up, found 0',
    ],
    [
      () => withWeight([3], "runningMean")(x, { name: "a" }),
      TypeError,
      'Own "a.w": the role runningMean is for batch norms only',
    ],
    [
      () => mix(x, { name: "m", out: 0.5, rate: 0 }),
      RangeError,
      'Mix "m": size 2 must be a whole number from 1 up, found 0.5',
    ],
    [() => mix([], { name: "m", out: 1, rate: 0 }), TypeError, 'Mix "m": needs an input, found none'],
  ];
  for (const [make, type, text] of cases) assertThrows(make, type, text);
});

tidyTest("customLayer: an output of another shape than it says is refused when it runs", () => {
  const halved = customLayer({ kind: "Halved", run: ([x]) => tf.slice(x, 0, 1) && tf.mean(x, [1, 2]) });
  const x = relu(conv(input([4, 4, 3]), { name: "c", filters: 2, kernelSize: 1 }), { name: "r" });
  const y = globalAvgPool(halved(x, { name: "h" }), { name: "p" });
  const network = defineModel(linear(flatten(y, { name: "f" }), { name: "fc", features: 2 }), {
    name: "bent",
  });
  assertThrows(
    () => apply(network, init(network, 1), tf.ones([2, 4, 4, 3]), { train: false }),
    TypeError,
    'apply: Halved "h" must put out float32 [n, 4, 4, 2], found float32 [2, 2]',
  );
});
