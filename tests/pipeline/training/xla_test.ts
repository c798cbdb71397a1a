/** Training steps that XLA compiles, against the same without it. */
import { assertEquals } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { pathName, startState } from "../../../pipeline/training/state.ts";
import { type StepState, trainStep } from "../../../pipeline/training/step.ts";
import { CIFAR10_STATS } from "../../../pipeline/transforms/transforms.ts";
import { configure, jit, tf, tree } from "../../../runtime/mod.ts";
import { assertClose } from "../../reference.ts";
import { tidyTest, uniform } from "../../runtime/harness.ts";
import { Recorder } from "../recorder.ts";
import { smallTraining } from "../small_run.ts";

/** Would be told if XLA could not compile the step. */
const progress = new Recorder();
configure({ progress });

/** After three steps; 4e-6 was seen, of a velocity. Nothing random: XLA draws other numbers. */
const THREE_STEPS = { relative: 1e-4, absolute: 0 };

tidyTest("three training steps by XLA end in the state that they end in without it", () => {
  const model = resnet([1, 1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6, 8], numClasses: 4 });
  const after = (xla: boolean): [name: string, tensor: tf.Tensor][] => {
    const step = trainStep(model, smallTraining, [{ kind: "normalize", ...CIFAR10_STATS }], "float32");
    const compiled = jit((...args: Parameters<typeof step>) => step(...args), { xla });
    const { variables, optState } = startState(model, init(model, 0), smallTraining);
    let state: StepState = { variables, optState };
    const losses = [];
    for (let i = 0; i < 3; i++) {
      const { loss, ...next } = compiled(state, {
        images: tf.mul(tf.add(uniform<tf.Tensor4D>(i, 16, 8, 8, 3), 1), 127.5),
        labels: tf.tensor1d(Array.from({ length: 16 }, (_, n) => n % 4), "int32"),
        learningRate: tf.scalar(0.05),
        seed: tf.tensor1d([0, i], "int32"),
      });
      losses.push(loss);
      state = next;
    }
    compiled.dispose();
    return tree.entries({ losses, state }).map(([path, tensor]) => [pathName(path), tensor]);
  };
  const [expected, found] = [after(false), after(true)];
  assertEquals(progress.messages, []);
  assertEquals(found.map(([name]) => name), expected.map(([name]) => name));
  found.forEach(([name, tensor], i) => assertClose(tensor, expected[i][1], THREE_STEPS, name));
});
