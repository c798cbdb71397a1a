/** A data set to learn from, made of nothing but numbers: gratings of one direction a class, under noise. */
import { createDataset, type Data, type Dataset } from "../pipeline/data/dataset.ts";

/** How the set is made. */
export interface MadeDataCfg {
  /** Training images. */
  readonly images: number;
  /** Test images, drawn after the training images; none unless given. */
  readonly testImages?: number;
  /** From 2 to 10; 4 unless given. */
  readonly classes?: number;
  /** Height and width; 16 unless given. */
  readonly size?: number;
  /** 0 unless given: the same seed gives the same bytes on every machine. */
  readonly seed?: number;
}

/** Standard deviation of the noise and height of the wave, in pixel values: the noise of a pixel drowns its wave. */
const NOISE = 60;
const AMPLITUDE = 45;

/**
 * Images with waves across them, class numbers 0, 1, 2, ... in turn. The class is the direction of the waves, from
 * upright to level, so that mirroring an image never gives one of another class. Their length, phase and colour are
 * drawn for each image, and every pixel has noise: no pixel tells the class, a neighbourhood does.
 */
export function madeData(
  { images, testImages = 0, classes = 4, size = 16, seed = 0 }: MadeDataCfg,
): Data {
  const draw = generator(seed);
  const train = madeDataset(images, classes, size, draw);
  return testImages === 0 ? { train } : { train, test: madeDataset(testImages, classes, size, draw) };
}

function madeDataset(count: number, classes: number, size: number, draw: () => number): Dataset {
  const pixels = new Uint8ClampedArray(count * size * size * 3);
  const labels = Uint8Array.from({ length: count }, (_, image) => image % classes);
  let at = 0;
  for (const label of labels) {
    const direction = (Math.PI / 2) * label / (classes - 1);
    const waveNumber = 2 * Math.PI / (4 + 2 * draw()); // a wave is 4 to 6 pixels long
    const phase = 2 * Math.PI * draw();
    const heights = [draw(), draw(), draw()].map((share) => AMPLITUDE * (0.5 + share / 2));
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const wave = Math.cos(waveNumber * (x * Math.cos(direction) + y * Math.sin(direction)) + phase);
        for (const height of heights) {
          // The sum of four draws is nearly normal; its deviation is sqrt(4 / 12).
          const noise = (draw() + draw() + draw() + draw() - 2) * Math.sqrt(3) * NOISE;
          pixels[at++] = 128 + height * wave + noise;
        }
      }
    }
  }
  return createDataset({
    images: new Uint8Array(pixels.buffer),
    labels,
    imageShape: [size, size, 3],
    classes: Array.from({ length: classes }, (_, label) => `direction ${label}`),
  });
}

/** Draws in [0, 1): a linear congruential generator modulo 2^32 with the constants of Numerical Recipes (1992). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
