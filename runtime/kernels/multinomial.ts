/** Draws from a list of outcomes. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, type } from "../binding/kernel.ts";

/**
 * The same draws for the same seed, any number. tfjs draws the seed where none is given: `jit` refuses that.
 * Logits that are normalized are probabilities.
 */
setKernel<"logits", tfjs.MultinomialAttrs>(
  tfjs.Multinomial,
  ({ logits }, { numSamples, seed, normalized }) => {
    const bits = tfjs.tensor1d(new Int32Array(Float64Array.of(seed).buffer), "int32");
    const attrs = { T: type("float32"), output_dtype: type("int32"), Tseed: type("int32") };
    const inputs = [normalized ? tfjs.log(logits) : logits, tfjs.scalar(numSamples, "int32"), bits];
    return callOp("StatelessMultinomial", attrs, inputs)[0];
  },
);
