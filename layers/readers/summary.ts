/** The table of a model's layers, as the Python package torchsummary prints it. */
import type { Model } from "../model.ts";
import { moduleOf, sizeOf } from "../nodes/facts.ts";
import type { Node, Shape } from "../nodes/node.ts";
import { parameterCount, parametersOf } from "./parameters.ts";

const MIB = 1024 ** 2;
const FLOAT32_BYTES = 4;

/**
 * The layers of a model in the order in which they run, with PyTorch's names, the shape that each puts out
 * (channels first, -1 for the batch) and its trained parameters; then totals and an estimate of the memory
 * that one image takes.
 *
 * The text is that of torchsummary 1.5.1 for the same network in PyTorch: its columns, its numbering, its
 * sizes (which count every row's output twice, once for the gradient, blocks included, at 4 bytes a number).
 *
 * @returns Lines without a line break at the end.
 * @example
 * ```ts
 * import { resnet, summary } from "@resnet/deno";
 * const rows = summary(resnet([3, 4, 6, 3])).split("\n").slice(3);
 * rows[0]; // "            Conv2d-1         [-1, 64, 112, 112]           9,472"
 * ```
 */
export function summary(model: Model): string {
  const rows = model.nodes.flatMap(rowsOf);
  const parameters = parameterCount(model);
  const numbersOut = rows.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

  const inputSize = sizeOf(model.input.shape) * FLOAT32_BYTES / MIB;
  const passSize = 2 * numbersOut * FLOAT32_BYTES / MIB;
  const parametersSize = parameters * FLOAT32_BYTES / MIB;

  const [thin, thick] = ["-".repeat(64), "=".repeat(64)];
  return [
    thin,
    line("Layer (type)", "Output Shape", "Param #"),
    thick,
    ...rows.map(({ type, shape, count }, i) => line(`${type}-${i + 1}`, channelsFirst(shape), group(count))),
    thick,
    `Total params: ${group(parameters)}`,
    `Trainable params: ${group(parameters)}`,
    "Non-trainable params: 0",
    thin,
    `Input size (MB): ${twoDecimals(inputSize)}`,
    `Forward/backward pass size (MB): ${twoDecimals(passSize)}`,
    `Params size (MB): ${twoDecimals(parametersSize)}`,
    `Estimated Total Size (MB): ${twoDecimals(parametersSize + passSize + inputSize)}`,
    thin,
  ].join("\n");
}

/** One call of a PyTorch module. */
interface Row {
  readonly type: string;
  readonly shape: Shape;
  readonly count: number;
}

/** The module calls that a node stands for: none, one, or one and the block that it ends. */
function rowsOf(node: Node): Row[] {
  const rows: Row[] = [];
  const type = moduleOf(node);
  if (type !== undefined) {
    const trained = parametersOf(node).filter(({ collection }) => collection === "params");
    const count = trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    rows.push({ type, shape: node.shape, count });
  }
  if ("block" in node.cfg && node.cfg.block !== "") {
    rows.push({ type: node.cfg.block, shape: node.shape, count: 0 });
  }
  return rows;
}

function line(type: string, shape: string, count: string): string {
  return `${type.padStart(20)}  ${shape.padStart(25)} ${count.padStart(15)}`;
}

function channelsFirst(shape: Shape): string {
  const lengths = shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
  return `[-1, ${lengths.join(", ")}]`;
}

/** Thousands apart by commas. */
function group(count: number): string {
  return count.toLocaleString("en-US");
}

/** Two decimals, and halves to even as Python rounds them (`toFixed` rounds them up). */
function twoDecimals(value: number): string {
  const hundredths = value * 100;
  // Of all binary fractions, only odd eighths lie half-way between two hundredths.
  const isHalf = hundredths % 1 === 0.5 && Number.isInteger(value * 8);
  return isHalf && Math.floor(hundredths) % 2 === 0
    ? (Math.floor(hundredths) / 100).toFixed(2)
    : value.toFixed(2);
}
