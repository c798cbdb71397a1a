/** What a network takes a picture for, in a browser; the same program checks the page where it is written. */
import { tf } from "../../../runtime/mod.ts";
import type { Picture } from "../../data/images/picture.ts";
import type { ActivationMap } from "../../inference/activation_map.ts";
import { inputOf } from "../../data/images/input.ts";
import { resizeImages } from "../../transforms/resize_images.ts";
import type { PageHead, PageNetwork } from "../content.ts";

/** What a network says of a picture. */
export interface Answer {
  /** By class number. */
  readonly probabilities: readonly number[];
  /** Where it sees a class in the picture, by the class's number; missing where it has no maps. */
  readonly mapOf?: (label: number) => ActivationMap;
}

/** A network that is ready. */
export interface Classifier {
  classify(picture: Picture): Promise<Answer>;
  dispose(): void;
}

/** Loads a network onto the engine that is chosen. */
export async function loadClassifier(network: PageNetwork): Promise<Classifier> {
  const { imageShape, resizes, modelTopology, weightSpecs, head } = network;
  const weightData = bytesOf(network.weights).buffer;
  const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
  const end = head && endOf(head, network.classes.length);
  return {
    async classify(picture) {
      const output = tf.tidy(() => {
        const image = Float32Array.from(inputOf(picture, network));
        const x = tf.tensor4d(image, [1, ...imageShape]);
        return model.predict(resizes.reduce((x, step) => resizeImages(x, step), x)) as tf.Tensor;
      });
      const values = await output.data<"float32">();
      output.dispose();
      const [, height, width] = output.shape;
      return end === undefined ? { probabilities: [...values] } : end({ values, height, width });
    },
    dispose: () => model.dispose(),
  };
}

/**
 * A picture that looks like nothing, of the size that the network takes. Its answer, which the page has from where the
 * network was trained, shows whether a browser computes what it should.
 */
export function trialPicture({ imageShape: [height, width] }: Pick<PageNetwork, "imageShape">): Picture {
  const pixels = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * i + 37 * i) % 256);
  return { width, height, pixels };
}

/** The bytes of a text in base 64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const floatsOf = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);

/** From the last feature map, `[height, width, channels]`, to the answer. */
function endOf(head: PageHead, classes: number): (map: ActivationMap) => Answer {
  const { pool } = head;
  const weight = floatsOf(head.weight);
  const bias = head.bias === undefined ? new Float32Array(classes) : floatsOf(head.bias);
  const channels = weight.length / classes;
  return ({ values, height, width }) => {
    const places = height * width;
    const logits = Float64Array.from(bias);
    for (let channel = 0; channel < channels; channel++) {
      let [sum, highest] = [0, -Infinity];
      for (let i = channel; i < values.length; i += channels) {
        sum += values[i];
        highest = Math.max(highest, values[i]);
      }
      const pooled = pool === "mean" ? sum / places : highest;
      for (let label = 0; label < classes; label++) {
        logits[label] += pooled * weight[channel * classes + label];
      }
    }
    // The class activation map, whose mean plus the bias is the logit. Behind a maximum it is Grad-CAM: the gradient of a
    // logit is the weight at one place of each channel, the mean over the places the weight by their number.
    const mapOf = (label: number): ActivationMap => {
      const seen = Float32Array.from({ length: places }, (_, place) => {
        let sum = 0;
        for (let channel = 0; channel < channels; channel++) {
          sum += values[place * channels + channel] * weight[channel * classes + label];
        }
        return pool === "mean" ? sum : Math.max(0, sum) / places;
      });
      return { width, height, values: seen };
    };
    return { probabilities: softmax(logits), mapOf };
  };
}

function softmax(logits: Float64Array): number[] {
  const highest = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = shares.reduce((sum, share) => sum + share);
  return shares.map((share) => share / sum);
}
