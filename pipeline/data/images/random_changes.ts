/** What is drawn for a training picture, and what it does to it. The draws come from outside: numbers in [0, 1). */
import {
  autoContrast,
  brightness,
  contrast,
  equalized,
  posterized,
  rotated,
  saturation,
  sharpness,
  sheared,
  shifted,
  solarized,
} from "./adjust.ts";
import type { Picture } from "./picture.ts";
import type { Box } from "./resample.ts";

/** Uniform numbers in [0, 1), one a call. */
export type Draw = () => number;

/** How large and how wide a random part of a picture is. */
export interface CropRange {
  /** Its share of the area. */
  readonly scale: readonly [min: number, max: number];
  /** Its width divided by its height; as often above 1 as below if the two are each other's inverse. */
  readonly ratio: readonly [min: number, max: number];
}

/** Parts that are drawn before one is taken from the middle. */
const ATTEMPTS = 10;

/**
 * A random part of a picture, as torchvision's `RandomResizedCrop` chooses it: its area uniform, its ratio log-uniform, its
 * place uniform; after ten that do not fit the largest one in the middle whose ratio is allowed.
 */
export function drawBox(
  { width, height }: Pick<Picture, "width" | "height">,
  { scale, ratio }: CropRange,
  draw: Draw,
): Box {
  const uniform = ([min, max]: readonly number[]): number => min + (max - min) * draw();
  const below = (n: number): number => Math.floor(n * draw());
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * uniform(scale);
    const wide = Math.exp(uniform(ratio.map(Math.log)));
    const box = { width: Math.round(Math.sqrt(area * wide)), height: Math.round(Math.sqrt(area / wide)) };
    if (box.width < 1 || box.width > width || box.height < 1 || box.height > height) continue;
    const top = below(height - box.height + 1);
    return { left: below(width - box.width + 1), top, ...box };
  }
  const [narrowest, widest] = ratio;
  const box = {
    width: Math.min(width, Math.round(height * widest)),
    height: Math.min(height, Math.round(width / narrowest)),
  };
  return { left: Math.floor((width - box.width) / 2), top: Math.floor((height - box.height) / 2), ...box };
}

/** One change with its strength. */
export interface Change {
  /** Which. */
  readonly kind: keyof typeof CHANGES;
  /** In the unit of the kind, below 0 for the other direction. */
  readonly strength: number;
}

/** A kind of change. */
interface Kind {
  /** The weakest and the strongest, of which there are `STRENGTHS`; none if there is one only. */
  readonly range?: readonly [weakest: number, strongest: number];
  /** Whether it goes in either direction. */
  readonly isSigned?: true;
  apply(picture: Picture, strength: number): Picture;
}

/** Steps from the weakest to the strongest. */
const STRENGTHS = 31;

/**
 * The changes of TrivialAugment's wide space, with torchvision's strengths (S. Müller and F. Hutter 2021, "TrivialAugment:
 * Tuning-free Yet State-of-the-Art Data Augmentation", arXiv:2103.10158, table 5).
 */
const CHANGES = {
  identity: { apply: (picture) => picture },
  shearX: { range: [0, 0.99], isSigned: true, apply: (picture, by) => sheared(picture, "across", by) },
  shearY: { range: [0, 0.99], isSigned: true, apply: (picture, by) => sheared(picture, "down", by) },
  translateX: { range: [0, 32], isSigned: true, apply: (picture, by) => shifted(picture, Math.trunc(by), 0) },
  translateY: { range: [0, 32], isSigned: true, apply: (picture, by) => shifted(picture, 0, Math.trunc(by)) },
  rotate: { range: [0, 135], isSigned: true, apply: rotated },
  brightness: { range: [0, 0.99], isSigned: true, apply: (picture, by) => brightness(picture, 1 + by) },
  color: { range: [0, 0.99], isSigned: true, apply: (picture, by) => saturation(picture, 1 + by) },
  contrast: { range: [0, 0.99], isSigned: true, apply: (picture, by) => contrast(picture, 1 + by) },
  sharpness: { range: [0, 0.99], isSigned: true, apply: (picture, by) => sharpness(picture, 1 + by) },
  posterize: { range: [8, 2], apply: (picture, bits) => posterized(picture, Math.round(bits)) },
  solarize: { range: [255, 0], apply: solarized },
  autoContrast: { apply: autoContrast },
  equalize: { apply: equalized },
} satisfies Record<string, Kind>;

const KINDS = Object.keys(CHANGES) as Change["kind"][];

/** The change that TrivialAugment makes of a picture: any kind, any strength, either direction. */
export function drawChange(draw: Draw): Change {
  const kind = KINDS[Math.floor(KINDS.length * draw())];
  const { range, isSigned }: Kind = CHANGES[kind];
  if (range === undefined) return { kind, strength: 0 };
  const strength = strengthOf(range, Math.floor(STRENGTHS * draw()));
  return { kind, strength: isSigned && draw() < 0.5 ? -strength : strength };
}

/** One of the steps between two ends, in float32 as torchvision has them. */
function strengthOf([weakest, strongest]: readonly number[], step: number): number {
  return Math.fround(weakest + (strongest - weakest) * step / (STRENGTHS - 1));
}

/** A picture with a change. */
export function changed(picture: Picture, { kind, strength }: Change): Picture {
  const { apply }: Kind = CHANGES[kind];
  return apply(picture, strength);
}
