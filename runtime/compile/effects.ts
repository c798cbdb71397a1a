/** What a function must not do while it is traced: it would be done once, and not at the calls that follow. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { JitError } from "../binding/binding.ts";

/**
 * Runs `body` with what would go round the compiled code raising an error, before anything is changed: `Math.random`,
 * which tfjs' random ops draw their seeds from, assignments to variables, and variables made of tensors without a value.
 */
export function withoutEffects<T>(body: () => T): T {
  const engine = tfjs.engine();
  const { assign } = tfjs.Variable.prototype;
  const { random } = Math;
  const makeVariable = engine.makeVariable;
  Math.random = () => {
    throw new JitError(
      "Cannot draw a random number inside jit: it would be the same at every call; " +
        "pass a seed as a tensor and use statelessUniform or dropout from the runtime",
    );
  };
  tfjs.Variable.prototype.assign = function () {
    throw new JitError(
      `Cannot assign to the variable "${this.name}" inside jit: it would be done once, as the function is traced, and ` +
        `not when it runs; pass the variable as an argument, return its next value, and assign that outside`,
    );
  };
  engine.makeVariable = (value, ...others) => {
    const { backend, binding } = runtime();
    if (binding.isTraced(backend["getInputTensorIds"]([value])[0])) {
      throw new JitError(
        "Cannot make a variable inside jit of a tensor that has no value until the function runs; " +
          "return the tensor, and make the variable of it outside",
      );
    }
    return makeVariable.call(engine, value, ...others);
  };
  try {
    return body();
  } finally {
    Math.random = random;
    tfjs.Variable.prototype.assign = assign;
    engine.makeVariable = makeVariable;
  }
}
