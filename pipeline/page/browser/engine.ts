/// <reference lib="dom" />
/** What computes: the first of what the browser has that computes what it should. */
import { tf } from "../../../runtime/mod.ts";
import type { PageNetwork } from "../content.ts";
import { bytesOf, type Classifier, loadClassifier, trialPicture } from "./classify.ts";

/** TensorFlow.js's names and people's, the fastest first. */
const ENGINES = { webgpu: "WebGPU", webgl: "WebGL", wasm: "WebAssembly", cpu: "JavaScript" } as const;

type Engine = keyof typeof ENGINES;

/** A network that is ready, and what computes it. */
export interface Started {
  readonly engine: string;
  readonly classifier: Classifier;
}

/**
 * Loads a network onto the fastest engine that answers as the network did where it was trained.
 * @param wasm TensorFlow.js's program for WebAssembly, by gzip and in base 64.
 * @param asked The only engine that may be, by TensorFlow.js's name for it.
 * @throws {Error} If there is none; the message says what is wrong with each.
 */
export async function start(network: PageNetwork, wasm: string, asked: string | null): Promise<Started> {
  tf.enableProdMode();
  const problems: string[] = [];
  for (const [name, engine] of Object.entries(ENGINES) as [Engine, string][]) {
    if (asked !== null && asked !== name) continue;
    try {
      if (name === "webgpu") await needAdapter(asked);
      if (name === "webgl" && asked === null) needCard();
      if (name === "wasm") await unpackWasm(wasm);
      if (!await tf.setBackend(name)) throw new Error("it does not start");
      return { engine, classifier: await loadChecked(network) };
    } catch (error) {
      problems.push(`${engine}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(problems.join("; ") || `There is no engine "${asked}".`);
}

/** How far a probability may be off: engines that compute in 16 bits are right, those that compute something else are not. */
const TOLERANCE = 0.02;

async function loadChecked(network: PageNetwork): Promise<Classifier> {
  const classifier = await loadClassifier(network);
  const { probabilities } = await classifier.classify(trialPicture(network));
  if (network.expected.every((value, label) => Math.abs(probabilities[label] - value) <= TOLERANCE)) {
    return classifier;
  }
  classifier.dispose();
  throw new Error("it computes something else than the network");
}

/** What a processor does in the place of a graphics card, slower than WebAssembly; whoever asks for it has it. */
const SOFTWARE = "it is not a graphics card's";

const NONE = "there is none";

/** @throws {Error} If there is nothing to compute on; TensorFlow.js would write that to the console. */
async function needAdapter(asked: string | null): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error(NONE);
  if (adapter.info.isFallbackAdapter && asked === null) throw new Error(SOFTWARE);
}

/** @throws {Error} If nothing draws, or a program does: SwiftShader, Mesa's llvmpipe, Windows' "Basic Render Driver". */
function needCard(): void {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  if (gl === null) throw new Error(NONE);
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = names === null ? "" : `${gl.getParameter(names.UNMASKED_RENDERER_WEBGL)}`;
  if (/swiftshader|llvmpipe|software|basic render/i.test(renderer)) throw new Error(SOFTWARE);
}

/** What TensorFlow.js's package for WebAssembly adds. */
type WithWasm = typeof tf & {
  readonly wasm: { setWasmPaths(paths: Readonly<Record<string, string>>): void };
};

/** Makes the program an address that TensorFlow.js loads it from. It is the one with SIMD and without threads. */
async function unpackWasm(wasm: string): Promise<void> {
  const program = new Blob([bytesOf(wasm)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const blob = new Blob([await new Response(program).arrayBuffer()], { type: "application/wasm" });
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  const names = [
    "tfjs-backend-wasm.wasm",
    "tfjs-backend-wasm-simd.wasm",
    "tfjs-backend-wasm-threaded-simd.wasm",
  ];
  const address = URL.createObjectURL(blob);
  (tf as WithWasm).wasm.setWasmPaths(Object.fromEntries(names.map((name) => [name, address])));
}
