/**
 * Which algorithm computes a convolution, as a function of its shapes, of the precision and of the processor. The limits
 * follow measurements: docs/performance.md, "Which convolution where".
 */
import type { Precision } from "../compile/jit.ts";
import { type Block, fitsBlocks } from "./blocks.ts";
import { type Convolution, outputSize } from "./geometry.ts";

/** The precisions that graphs differ in. */
type Traced = Exclude<Precision, "tf32">;

/** What a convolution is for, and what runs it. */
export interface Setting {
  /** Number format of the graph that it becomes a part of, where tf32 is float32; `undefined` where it runs at once. */
  readonly precision: Traced | undefined;
  /** Whether its gradients will be taken too. */
  readonly isDifferentiated: boolean;
  /** Whether XLA compiles that graph. */
  readonly isXla: boolean;
  /** "GPU", or the processor's instructions as `readCpu` names them. */
  readonly processor: string;
}

/**
 * Winograd's convolution with that tile, for the gradients too; or TensorFlow's direct one, with the gradient of the
 * kernel by TensorFlow too or as a product of patches; or that of blocks of pixels.
 */
export type Algorithm =
  | { readonly kind: "winograd"; readonly tile: number }
  | { readonly kind: "blocks"; readonly block: Block }
  | {
    readonly kind: "direct";
    readonly filterGradient: "direct" | "patches";
    /** Whether gradients see an image that is padded before, since there is no fast kernel for padding on both sides. */
    readonly padsApart: boolean;
  };

/** The fastest algorithm that is known for a convolution and its gradients. */
export function chooseAlgorithm(convolution: Convolution, setting: Setting): Algorithm {
  const tile = winogradTile(convolution, setting);
  if (tile !== undefined) return { kind: "winograd", tile };
  const block = blockFor(convolution, setting);
  if (block !== undefined) return { kind: "blocks", block };
  // cuDNN has kernels for every shape and padding.
  const isOnGpu = setting.processor === "GPU";
  const takesPatches = !isOnGpu && setting.precision === "bfloat16" && hasSmallMap(convolution);
  return { kind: "direct", filterGradient: takesPatches ? "patches" : "direct", padsApart: !isOnGpu };
}

/** Channels that a GPU's matrix units are busy with. */
const BUSY = 64;

/**
 * The blocks in which a GPU is faster, whose matrix units a convolution of few channels leaves idle: those that give 64
 * channels, or of a first layer with a stride four pixels. Only in a graph of XLA's, where the kernel of blocks and what
 * moves pixels are part of other kernels.
 */
function blockFor(convolution: Convolution, { precision, isXla, processor }: Setting): Block | undefined {
  if (processor !== "GPU" || precision !== "bfloat16" || !isXla) return undefined;
  const { stride, xShape, kernelShape: [, , channels, filters] } = convolution;
  if (xShape[3] !== channels) return undefined; // in groups
  const columns = BUSY / filters;
  const block = stride === 1 ? { rows: 1, columns } : { rows: 2, columns: 2 };
  const isWanted = stride === 1
    ? [2, 4].includes(columns) && channels <= filters
    : stride === 2 && channels <= 4 && filters <= BUSY;
  return isWanted && fitsBlocks(convolution, block) ? block : undefined;
}

/**
 * The tile of Winograd's convolution where that is faster than TensorFlow's own. Only in a graph, as its many small ops
 * are slow one by one; not on GPUs, where cuDNN has the choice; not where it was not measured.
 */
function winogradTile(
  { stride, padding, xShape, kernelShape: [height, width, ...channels] }: Convolution,
  { precision, isDifferentiated, processor }: Setting,
): number | undefined {
  if (precision === undefined || !MEASURED[precision].includes(processor)) return undefined;
  if (stride !== 1 || padding !== 1 || height !== 3 || width !== 3) return undefined;
  return fasterTile(xShape, Math.min(...channels), precision, isDifferentiated);
}

/**
 * Where Winograd's convolution is known to be faster: in float32 the instruction sets that oneDNN is written for, in
 * bfloat16 AVX-512 alone (with AMX the products cost least).
 */
const MEASURED = { float32: ["AVX2", "AVX-512", "AMX"], bfloat16: ["AVX-512"] };

/**
 * The tile with which Winograd's convolution is faster than oneDNN's direct one; `undefined` where the direct one is.
 * The share of the direct one's multiplications that are left (more where tiles reach beyond a small map) must be the less
 * the fewer the channels, since what is moved grows with the pixels alone; a gradient shares some of that.
 * @param channels The fewer of the kernel's input and output channels.
 */
function fasterTile(
  [, height, width]: readonly number[],
  channels: number,
  precision: Traced,
  isDifferentiated: boolean,
): number | undefined {
  const share = (tile: number): number =>
    (tile + 2) ** 2 * Math.ceil(height / tile) * Math.ceil(width / tile) / (9 * height * width);
  const { tiles, mostShare } =
    LIMITS[precision].find(({ fewest, fewestAlone }) =>
      channels >= (isDifferentiated ? fewest : fewestAlone)
    ) ?? { tiles: [], mostShare: 0 };
  const [tile] = tiles.toSorted((a, b) => share(a) - share(b));
  return share(tile) <= mostShare ? tile : undefined;
}

/** The first that applies counts: with so many channels, or so many without gradients, these tiles up to that share. */
const LIMITS = {
  float32: [
    { fewest: 128, fewestAlone: 128, tiles: [4, 5], mostShare: 0.45 },
    { fewest: 64, fewestAlone: Infinity, tiles: [4], mostShare: 0.26 },
  ],
  bfloat16: [
    { fewest: 512, fewestAlone: 512, tiles: [2], mostShare: 0.6 },
    { fewest: 128, fewestAlone: 256, tiles: [2], mostShare: 0.45 },
  ],
};

/**
 * Whether oneDNN's bfloat16 filter gradient is slower than the product of patches: where rows are short, and the more
 * channels, the longer they may be.
 */
function hasSmallMap({ xShape, kernelShape, stride, padding }: Convolution): boolean {
  const [height, width, channels] = kernelShape;
  const [rows, columns] = outputSize(xShape, kernelShape, { stride, padding });
  const pixels = rows * columns;
  if (height * width === 1) return false;
  return stride === 1 ? pixels <= 16 || pixels <= 64 && channels >= 256 : pixels <= 196 && channels >= 128;
}
