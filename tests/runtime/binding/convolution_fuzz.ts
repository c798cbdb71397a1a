/**
 * Convolutions of random shapes and their gradients against tfjs' plain "cpu" backend, eager and compiled:
 *
 *     deno run -A tests/runtime/binding/convolution_fuzz.ts CASES [SEED] [OPS]
 *
 * `ONEDNN_MAX_CPU_ISA` (AVX512_CORE, AVX2, SSE41) chooses among oneDNN's kernels. Pixels, weights and what comes in from
 * behind are small whole numbers, so that every sum is exact in float32, in whatever order it is taken: each difference is
 * a fault. (bfloat16 rounds the results once.) The last line counts cases and differences; the exit code is 1 if there are
 * any.
 */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import { jit, type Precision, readCpu, tf } from "../../../runtime/mod.ts";

/** One function of an image and a kernel, with what it is tried on. */
interface Case {
  readonly x: number[];
  readonly kernel: number[];
  /** What else defines it, for the report. */
  readonly options: Record<string, unknown>;
  /** Whether tfjs has its gradients: not with dilations. */
  readonly differentiable: boolean;
  run(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor;
}

/** A whole number from `least` to `most`. */
type Draw = (least: number, most: number) => number;
type Pair = [number, number];
type Padding = "same" | "valid";

const OPS: Record<string, (draw: Draw) => Case> = {
  conv2d: (draw) => {
    const { x, kernel, strides, pad } = plane(draw);
    const dilated = draw(0, 5) === 0 && [0, 1].every((axis) => x[axis + 1] >= 2 * kernel[axis]);
    const options = dilated ? { pad, dilations: 2 } : { strides, pad };
    return {
      x,
      kernel,
      options,
      differentiable: !dilated,
      run: (x: tf.Tensor4D, kernel: tf.Tensor4D) =>
        tf.conv2d(x, kernel, dilated ? 1 : strides, pad, "NHWC", dilated ? 2 : 1),
    };
  },
  fusedConv2d: (draw) => {
    const { x, kernel, strides, pad } = plane(draw);
    const bias = Array.from({ length: kernel[3] }, () => draw(-2, 2));
    return {
      x,
      kernel,
      options: { strides, pad, bias },
      differentiable: true,
      run: (x: tf.Tensor4D, filter: tf.Tensor4D) =>
        tf.fused.conv2d({ x, filter, strides, pad, bias: tf.tensor1d(bias), activation: "relu" }),
    };
  },
  depthwiseConv2d: (draw) => {
    const { x, kernel: [height, width, channels], strides, pad } = plane(draw);
    return {
      x,
      kernel: [height, width, channels, channels === 1 ? channelCount(draw) : draw(1, 4)],
      options: { strides, pad },
      differentiable: true,
      run: (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.depthwiseConv2d(x, kernel, strides, pad),
    };
  },
  conv2dTranspose: (draw) => {
    const { x: [n, ...rest], kernel: [height, width, filters], strides, pad } = plane(draw);
    const sides = rest.slice(0, 2).map((side) => Math.ceil(side / 2));
    const channels = rest[2];
    const [outHeight, outWidth] = sides.map((side, axis) => {
      const leftOver = draw(0, strides[axis] - 1);
      return pad === "same"
        ? side * strides[axis] - leftOver
        : (side - 1) * strides[axis] + [height, width][axis] + leftOver;
    });
    const shape: [number, number, number, number] = [n, outHeight, outWidth, filters];
    return {
      x: [n, ...sides, channels],
      kernel: [height, width, filters, channels],
      options: { strides, pad, shape },
      differentiable: true,
      run: (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.conv2dTranspose(x, kernel, shape, strides, pad),
    };
  },
  conv1d: (draw) => {
    const [length, size, stride] = [draw(1, 24), kernelSizes(draw, 1)[0], draw(1, 3)];
    const pad = padding(draw, [length], [size]);
    const channels = channelCount(draw);
    return {
      x: [draw(1, 3), length, channels],
      kernel: [size, channels, channelCount(draw)],
      options: { stride, pad },
      differentiable: true,
      run: (x: tf.Tensor3D, kernel: tf.Tensor3D) => tf.conv1d(x, kernel, stride, pad),
    };
  },
  conv3d: (draw) => {
    const sides = [draw(1, 6), draw(1, 6), draw(1, 6)];
    const sizes = kernelSizes(draw, 3).map((size, axis) => Math.min(size, sides[axis]));
    const strides: [number, number, number] = [draw(1, 2), draw(1, 3), draw(1, 3)];
    // tfjs' own conv3d shifts the image where "same" needs no padding and pixels are left over.
    const leftOver = sides.some((side, axis) =>
      (Math.ceil(side / strides[axis]) - 1) * strides[axis] + sizes[axis] < side
    );
    const pad = leftOver ? "valid" : padding(draw, sides, sizes);
    const channels = channelCount(draw);
    return {
      x: [draw(1, 2), ...sides, channels],
      kernel: [...sizes, channels, channelCount(draw)],
      options: { strides, pad },
      differentiable: true,
      run: (x: tf.Tensor5D, kernel: tf.Tensor5D) => tf.conv3d(x, kernel, strides, pad),
    };
  },
};

/** An image, a kernel, and how it moves. */
function plane(draw: Draw): { x: number[]; kernel: number[]; strides: Pair; pad: Padding } {
  const small = draw(0, 2) === 0;
  const sides = small ? [draw(1, 5), draw(1, 5)] : [draw(6, 16), draw(6, 16)];
  const sizes = kernelSizes(draw, 2);
  const stride = draw(0, 2) === 0 ? 1 : draw(2, 3);
  const channels = channelCount(draw);
  return {
    x: [draw(1, 3), ...sides, channels],
    kernel: [...sizes, channels, channelCount(draw)],
    strides: draw(0, 3) > 0 ? [stride, stride] : [draw(1, 3), draw(1, 3)],
    pad: padding(draw, sides, sizes),
  };
}

/** Half of all kernels are of a single pixel. */
function kernelSizes(draw: Draw, rank: number): number[] {
  const most = draw(0, 1) ? 1 : 4;
  return Array.from({ length: rank }, () => draw(1, most));
}

/** Mostly few: around the blocks of 8 and 16 that the kernels work in. */
function channelCount(draw: Draw): number {
  return draw(0, 2) ? draw(1, 19) : draw(1, 40);
}

function padding(draw: Draw, sides: readonly number[], sizes: readonly number[]): Padding {
  return draw(0, 1) || sizes.some((size, axis) => size > sides[axis]) ? "same" : "valid";
}

/** What is compared: the value and the gradients of image and kernel. */
type Results = Float32Array[];
type Compute = (x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor) => tf.Tensor[];

function measure(compute: Compute, inputs: readonly tf.Tensor[]): Results {
  return tf.tidy(() => {
    const [x, kernel, dy] = inputs;
    return compute(x, kernel, dy).map((result) => result.dataSync<"float32">());
  });
}

function measureCompiled(compute: Compute, inputs: readonly tf.Tensor[], precision: Precision): Results {
  const compiled = jit(compute, { precision });
  try {
    return measure(compiled, inputs);
  } finally {
    compiled.dispose();
  }
}

/** Whether oneDNN may use the processor's bfloat16 instructions. */
const hasBfloat16 = readCpu().hasBfloat16 &&
  ["", "AVX512_CORE_BF16"].includes(Deno.env.get("ONEDNN_MAX_CPU_ISA") ?? "");

/**
 * One case: eager always, compiled in every fourth, in bfloat16 in every eighth.
 * @returns What differed, a line each.
 */
async function differences(i: number, op: string, draw: Draw): Promise<string[]> {
  const { x, kernel, options, differentiable, run } = OPS[op](draw);
  const values = (shape: readonly number[]) =>
    tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => draw(-2, 2)), [
      ...shape,
    ]);
  const compute: Compute = (x, kernel, dy) => [
    run(x, kernel),
    ...differentiable ? tf.grads((x, kernel) => tf.sum(tf.mul(run(x, kernel), dy)))([x, kernel]) : [],
  ];
  await tf.setBackend("cpu");
  const [image, weights] = [values(x), values(kernel)];
  const inputs = [image, weights, values(tf.tidy(() => run(image, weights).shape))];
  const expected = measure(compute, inputs);
  await tf.setBackend("tensorflow");
  const modes: [mode: string, results: () => Results, slack: number][] = [
    ["eager", () => measure(compute, inputs), 0],
  ];
  if (i % 4 === 0) modes.push(["jit", () => measureCompiled(compute, inputs, "float32"), 0]);
  if (i % 8 === 0 && hasBfloat16) {
    modes.push(["bfloat16", () => measureCompiled(compute, inputs, "bfloat16"), 2 ** -8]);
  }
  const found = modes.flatMap(([mode, results, slack]) => {
    const title = `${op}, ${mode}, x [${x}], kernel [${kernel}], ${JSON.stringify(options)}`;
    try {
      return results().flatMap((actual, part) => {
        const wrong = expected[part].findIndex((value, at) =>
          !(Math.abs(actual[at] - value) <= slack * Math.abs(value))
        );
        return wrong < 0 ? [] : [
          `${title}: ${["value", "dx", "dkernel"][part]}[${wrong}] is ${actual[wrong]}, ` +
          `should be ${expected[part][wrong]}`,
        ];
      });
    } catch (error) {
      return [`${title}: ${error}`];
    }
  });
  tf.dispose(inputs);
  return found;
}

if (import.meta.main) {
  const [cases, seed = "1", ops = Object.keys(OPS).join()] = Deno.args;
  await tf.ready();
  const generator = mersenne(Number(seed));
  const draw: Draw = (least, most) => uniformInt(generator, least, most);
  const names = ops.split(",");
  let wrong = 0;
  for (let i = 0; i < Number(cases); i++) {
    const found = await differences(Math.floor(i / names.length), names[i % names.length], draw);
    for (const line of found) console.log(line);
    wrong += found.length;
  }
  console.log(`${cases} cases of ${names.join(", ")}: ${wrong} differences`);
  Deno.exit(wrong === 0 ? 0 : 1);
}
