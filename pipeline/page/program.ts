/** The programs of a page: this project's own, and TensorFlow.js. */
import picture from "../data/images/picture.ts" with { type: "text" };
import adjust from "../data/images/adjust.ts" with { type: "text" };
import interpolation from "../data/images/interpolation.ts" with { type: "text" };
import resample from "../data/images/resample.ts" with { type: "text" };
import input from "../data/images/input.ts" with { type: "text" };
import resizeImages from "../transforms/resize_images.ts" with { type: "text" };
import activationMap from "../reports/activation_map.ts" with { type: "text" };
import texts from "../reports/page/texts.ts" with { type: "text" };
import elements from "./browser/elements.ts" with { type: "text" };
import classify from "./browser/classify.ts" with { type: "text" };
import engine from "./browser/engine.ts" with { type: "text" };
import read from "./browser/read.ts" with { type: "text" };
import card from "./browser/card.ts" with { type: "text" };
import camera from "./browser/camera.ts" with { type: "text" };
import main from "./browser/main.ts" with { type: "text" };
import { link } from "./link.ts";

/** The project's own: what a browser runs of it, from its sources. */
export function pageProgram(): string {
  return link(
    {
      "pipeline/data/images/picture.ts": picture,
      "pipeline/data/images/adjust.ts": adjust,
      "pipeline/data/images/interpolation.ts": interpolation,
      "pipeline/data/images/resample.ts": resample,
      "pipeline/data/images/input.ts": input,
      "pipeline/transforms/resize_images.ts": resizeImages,
      "pipeline/reports/activation_map.ts": activationMap,
      "pipeline/reports/page/texts.ts": texts,
      "pipeline/page/browser/elements.ts": elements,
      "pipeline/page/browser/classify.ts": classify,
      "pipeline/page/browser/engine.ts": engine,
      "pipeline/page/browser/read.ts": read,
      "pipeline/page/browser/card.ts": card,
      "pipeline/page/browser/camera.ts": camera,
      "pipeline/page/browser/main.ts": main,
    },
    { "runtime/mod.ts": "{ tf }" },
    "run",
  );
}

/** TensorFlow.js as a browser runs it. */
export interface Engine {
  /** Scripts, in their order. */
  readonly scripts: readonly string[];
  /** The program for WebAssembly, by gzip and in base 64. */
  readonly wasm: string;
}

/** TensorFlow.js for WebGPU, WebGL, WebAssembly and plain JavaScript, from its packages. */
export async function pageEngine(): Promise<Engine> {
  const scripts = await Promise.all([
    import("@tensorflow/tfjs/dist/tf.es2017.min.js", { with: { type: "text" } }),
    import("@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.es2017.min.js", {
      with: { type: "text" },
    }),
    import("@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js", { with: { type: "text" } }),
  ]);
  // No import takes bytes yet; the name is whole, since nobody maps what is resolved here.
  const { default: { version } } = await import("@tensorflow/tfjs-backend-wasm/package.json", {
    with: { type: "json" },
  });
  const file = `npm:/@tensorflow/tfjs-backend-wasm@${version}/dist/tfjs-backend-wasm-simd.wasm`;
  const bytes = new Blob([await Deno.readFile(new URL(import.meta.resolve(file)))]);
  const packed = new Response(bytes.stream().pipeThrough(new CompressionStream("gzip")));
  return { scripts: scripts.map((script) => script.default), wasm: (await packed.bytes()).toBase64() };
}
