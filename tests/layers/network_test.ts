/**
 * Whole networks against PyTorch: logits in evaluation and training, loss, the gradient of every parameter and
 * the running statistics after one step; eager and jitted.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { fromPyTorch } from "../../layers/formats/pytorch.ts";
import type { Model } from "../../layers/model.ts";
import { fastResnet } from "../../layers/networks/fast_resnet.ts";
import { resnet } from "../../layers/networks/resnet.ts";
import { apply } from "../../layers/readers/apply.ts";
import { foldBatchNorm } from "../../layers/readers/fold.ts";
import { type Tensors, toTensors, type Variables } from "../../layers/readers/variables.ts";
import { crossEntropy, tf } from "../../runtime/mod.ts";
import { squeezedBlock } from "../../docs/examples/squeeze_excitation.ts";
import golden from "../data/golden/network.json" with { type: "json" };
import bottleneck from "../data/network_bottleneck.json" with { type: "json" };
import cifar from "../data/network_cifar.json" with { type: "json" };
import fast from "../data/network_fast.json" with { type: "json" };
import preActivation from "../data/network_preactivation.json" with { type: "json" };
import resnetD from "../data/network_resnet_d.json" with { type: "json" };
import resnext from "../data/network_resnext.json" with { type: "json" };
import squeeze from "../data/network_squeeze.json" with { type: "json" };
import wide from "../data/network_wide.json" with { type: "json" };
import { canLoadTensorFlow } from "../needs.ts";
import {
  assertClose,
  FORWARD,
  GRADIENT,
  nchwToNhwc,
  oihwToHwio,
  permute,
  type Reference,
} from "../reference.ts";
import { eagerAndJitted, toTensor } from "../runtime/harness.ts";

/** A network as tests/data holds it, in PyTorch's names and layouts. */
interface Network {
  readonly x: Reference;
  readonly labels: readonly number[];
  readonly before: Readonly<Record<string, Reference>>;
  readonly eval_logits: Reference;
  readonly train_logits: Reference;
  readonly loss: number;
  readonly grads: Readonly<Record<string, Reference>>;
  readonly batch_stats_after: Readonly<Record<string, Reference>>;
}

const SMALL = { stem: "cifar", shortcut: "projection", inputSize: 9, numClasses: 4 } as const;

const networks: Record<string, { model: Model; network: Network }> = {
  "the tutorial's kind of network": {
    model: resnet([1, 2], { widths: [4, 6], inputSize: 32, numClasses: 5 }),
    network: golden,
  },
  "a CIFAR ResNet with option-A shortcuts": {
    model: resnet([1, 1, 1], { stem: "cifar", widths: [3, 4, 7], inputSize: 9, numClasses: 5 }),
    network: cifar,
  },
  "a network of torchvision's bottleneck blocks": {
    model: resnet([2, 1], {
      block: "bottleneck",
      naming: "torchvision",
      widths: [2, 3],
      inputSize: 24,
      numClasses: 5,
    }),
    network: bottleneck,
  },
  "a network of pre-activation blocks": {
    model: resnet([2, 1], {
      ...SMALL,
      widths: [3, 5],
      block: "preActivation",
    }),
    network: preActivation,
  },
  "a network with torchvision's squeeze and excitation": {
    model: resnet([1, 1], { ...SMALL, widths: [4, 6], block: squeezedBlock(3) }),
    network: squeeze,
  },
  "a ResNeXt of torchvision's blocks": {
    model: resnet([1, 1], {
      block: "bottleneck",
      groups: 2,
      widthPerGroup: 32,
      naming: "torchvision",
      widths: [8, 12],
      inputSize: 20,
      numClasses: 5,
    }),
    network: resnext,
  },
  "a ResNet-D for grey images that are not square": {
    model: resnet([1, 1], {
      stem: "deep",
      shortcut: "average",
      naming: "torchvision",
      widths: [6, 8],
      inputSize: [24, 16],
      channels: 1,
      numClasses: 4,
    }),
    network: resnetD,
  },
  "a wide ResNet for CIFAR": {
    model: resnet([1, 1, 1], {
      stem: "cifar",
      block: "preActivation",
      shortcut: "projection",
      stemFilters: 2,
      widths: [4, 8, 16],
      inputSize: 8,
      numClasses: 4,
    }),
    network: wide,
  },
  "the fast recipe's kind of network": {
    model: fastResnet({ stemFilters: 5, widths: [4, 6, 7], inputSize: 20, numClasses: 3, headScale: 0.125 }),
    network: fast,
  },
};

/** The values before the step, converted by the project's own reader of PyTorch weights. */
function load(model: Model, { before }: Network): Variables {
  const entries = Object.entries(before).map(([name, { shape, data }]) => {
    return [name, { shape, data: Float32Array.from(data) }] as const;
  });
  return toTensors(fromPyTorch(model, Object.fromEntries(entries)));
}

/** A reference in the layout of memory. */
function inMemory(reference: Reference): Reference {
  if (reference.shape.length === 4) return oihwToHwio(reference);
  return reference.shape.length === 2 ? permute(reference, [1, 0]) : reference;
}

function assertAllClose(
  actual: Tensors,
  expected: Network["grads"],
  tolerance: typeof FORWARD,
  mode: string,
): void {
  assertEquals(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [name, reference] of Object.entries(expected)) {
    assertClose(actual[name], inMemory(reference), tolerance, `${mode} ${name}`);
  }
}

for (const [name, { model, network }] of Object.entries(networks)) {
  Deno.test({
    name: `parity with PyTorch: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      await tf.ready();
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const variables = load(model, network);
        const x = toTensor(nchwToNhwc(network.x));
        const labels = tf.tensor1d([...network.labels], "int32");

        const evaluate = (variables: Variables, x: tf.Tensor) => apply(model, variables, x, { train: false });
        eagerAndJitted(evaluate, [variables, x], ([logits], mode) => {
          assertClose(logits, network.eval_logits, FORWARD, `${mode} evaluation`);
        });

        const folding = (variables: Variables, x: tf.Tensor) => {
          const folded = foldBatchNorm(model, variables);
          return apply(folded.model, folded.variables, x, { train: false });
        };
        eagerAndJitted(folding, [variables, x], ([logits], mode) => {
          assertClose(logits, network.eval_logits, FORWARD, `${mode} evaluation with folded batch norms`);
        });

        const forward = (variables: Variables, x: tf.Tensor) => apply(model, variables, x, { train: true });
        eagerAndJitted(forward, [variables, x], ([logits, batchStats], mode) => {
          assertClose(logits, network.train_logits, FORWARD, `${mode} training`);
          assertAllClose(batchStats, network.batch_stats_after, FORWARD, mode);
        });

        const names = Object.keys(variables.params);
        const backward = ({ params, batchStats }: Variables, x: tf.Tensor, labels: tf.Tensor1D) => {
          const loss = (...values: tf.Tensor[]): tf.Scalar => {
            const params = Object.fromEntries(names.map((name, i) => [name, values[i]]));
            const [logits] = apply(model, { params, batchStats }, x, { train: true });
            return crossEntropy(logits, labels);
          };
          const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => params[name]));
          return { value, grads: Object.fromEntries(names.map((name, i) => [name, grads[i]])) };
        };
        eagerAndJitted(backward, [variables, x, labels], ({ value, grads }, mode) => {
          assertAlmostEquals(value.dataSync()[0], network.loss, 1e-5 * network.loss, `${mode} loss`);
          assertAllClose(grads, network.grads, GRADIENT, mode);
        });
      });
      assertEquals(tf.memory().numTensors, before, "live tensors");
    },
  });
}
