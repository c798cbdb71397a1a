/// <reference lib="deno.worker" />
/** A thread that reads pictures for `input_pool.ts`, with a TensorFlow of its own that has one thread. */
import { configure, tf } from "../../runtime/mod.ts";
import { type InputRequest, readInputs } from "./read_inputs.ts";

configure({ device: "cpu", threads: 1 });
/** One request after the other. */
let last: Promise<unknown> = tf.ready();

self.onmessage = ({ data }: MessageEvent<InputRequest>) => {
  last = last.then(async () => {
    const answer = await readInputs(data);
    const { inputs, results } = answer;
    const previews = results.flatMap((result) => "preview" in result ? [result.preview!.pixels.buffer] : []);
    postMessage(answer, [inputs.buffer, ...previews as ArrayBuffer[]]);
  });
};
