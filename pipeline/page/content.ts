/** What the program in a page is told. Plain data, as JSON in the page. */
import type { tf } from "../../runtime/mod.ts";
import type { ImageSpec, Resize } from "../data/dataset.ts";

/** A trained network, all that it takes to classify a picture. */
export interface PageNetwork extends Pick<ImageSpec, "imageShape" | "classes" | "view"> {
  /** What is done to an image before the network takes it, in order. */
  readonly resizes: readonly Resize[];
  /**
   * A LayersModel of TensorFlow.js that takes pixels from 0 to 255. It ends in the last feature map where there is a head,
   * in probabilities where there is none.
   */
  readonly modelTopology: tf.io.ModelJSON["modelTopology"];
  /** Its weights by name, shape and type. */
  readonly weightSpecs: tf.io.WeightsManifestEntry[];
  /** Their bytes, in base 64. */
  readonly weights: string;
  /** What is behind the last feature map, where that is no more than this: then there are maps of what is seen where. */
  readonly head?: PageHead;
  /** The probabilities of `trialPicture`, `[classes]`. */
  readonly expected: readonly number[];
}

/** The mean or the maximum over a feature map, and a linear layer. */
export interface PageHead {
  readonly pool: "mean" | "max";
  /** `[channels, classes]`, float32 in base 64. */
  readonly weight: string;
  /** `[classes]`, float32 in base 64; zeros unless given. */
  readonly bias?: string;
}
