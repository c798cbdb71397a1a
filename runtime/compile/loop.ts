/** Loops inside compiled code: the same steps many times in one call, without the host between them. */
import * as tfjs from "@tensorflow/tfjs";
import { type Attr, AttrKind } from "../binding/attributes.ts";
import { runtime } from "../binding/backend.ts";
import { flatten, rebuild, type Structure } from "./structure.ts";
import { tidy } from "./tree.ts";

/**
 * What `count` rounds of `body` make of `carry`: `body(0, carry, given)`, then `body(1, ...)` of that, and so on. In a trace
 * it is one loop of the graph (TensorFlow's `StatelessWhile`). As its number of rounds is known, a GPU need not ask the
 * host after each whether there is another.
 *
 * @param count Whole number from 0.
 * @param body Pure. Gives a carry of the same structure, shapes and types. Inside `jit` it may use its arguments and
 *   constants, and no other tensor of the function around it.
 * @param given Tensors that every round is handed as they are.
 * @throws {TypeError} If the carry changes its structure, a shape or a type.
 * @throws {Error} Where gradients are taken: none flow through the loop.
 * @example
 * ```ts
 * import { jit, repeat, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const power = jit((x: tf.Scalar) => repeat(10, (_, y: tf.Scalar, x: tf.Scalar) => tf.mul(y, x), tf.scalar(1), x));
 * power(tf.scalar(2)).dataSync(); // [1024]
 * ```
 */
export function repeat<C, G>(
  count: number,
  body: (round: tfjs.Scalar, carry: C, given: G) => C,
  carry: C,
  given: G,
): C {
  const { backend, binding } = runtime();
  if (tfjs.engine().isTapeOn()) {
    throw new Error("Cannot differentiate a loop: take gradients inside its body");
  }
  const carried = flatten(carry, "carry");
  if (!binding.isTracing) return repeatNow(count, body, carry, given);

  const handed = flatten(given, "given");
  const round = tfjs.tensor(0, [], "int32");
  const variables = [round, ...carried.tensors, ...handed.tensors];
  const ids = backend["getInputTensorIds"](variables);
  const inputs = variables.map(({ shape, dtype }) => ({ shape, dtype: backend.getDTypeInteger(dtype) }));
  /** A function of the loop's variables. */
  const trace = (name: string, fn: (tensors: tfjs.Tensor[]) => tfjs.Tensor[]) =>
    binding.traceCallee(name, inputs, (metadata, finish) => {
      tfjs.tidy(() =>
        finish(backend["getInputTensorIds"](fn(metadata.map((m) => backend["createOutputTensor"](m)))))
      );
    });
  const condition = trace("loop_condition", ([round]) => [tfjs.less(round, tfjs.tensor(count, [], "int32"))]);
  const rounds = trace("loop_body", ([round, ...rest]) => {
    const before = rest.slice(0, carried.tensors.length);
    const same = rest.slice(carried.tensors.length);
    const after = body(
      round as tfjs.Scalar,
      rebuild(carried.structure, before) as C,
      rebuild(handed.structure, same) as G,
    );
    return [tfjs.add(round, tfjs.tensor(1, [], "int32")), ...checked(carried, after), ...same];
  });
  const attrs: Attr[] = [
    { name: "cond", type: AttrKind.func, value: condition.name },
    { name: "body", type: AttrKind.func, value: rounds.name },
    { name: "T", type: AttrKind.type, value: inputs.map(({ dtype }) => dtype) },
    { name: "parallel_iterations", type: AttrKind.int, value: 1 },
  ];
  const outputs = binding.executeOp("StatelessWhile", attrs, ids, variables.length);
  const tensors = outputs.map((output) => backend["createOutputTensor"](output));
  return rebuild(carried.structure, tensors.slice(1, 1 + carried.tensors.length)) as C;
}

function repeatNow<C, G>(
  count: number,
  body: (round: tfjs.Scalar, carry: C, given: G) => C,
  carry: C,
  given: G,
): C {
  const first = flatten(carry, "carry");
  let result = carry;
  for (let round = 0; round < count; round++) {
    const next = tidy(() => {
      const after = body(tfjs.tensor(round, [], "int32") as tfjs.Scalar, result, given);
      checked(first, after);
      return after;
    });
    if (round > 0) tfjs.dispose(flatten(result, "carry").tensors);
    result = next;
  }
  return result;
}

/** The tensors of a carry that has the structure, shapes and types of the one before. */
function checked(
  before: { readonly tensors: readonly tfjs.Tensor[]; readonly structure: Structure },
  carry: unknown,
): tfjs.Tensor[] {
  const { tensors, structure } = flatten(carry, "carry");
  const isSame = JSON.stringify(structure) === JSON.stringify(before.structure) &&
    tensors.every(({ shape, dtype }, i) =>
      `${shape}` === `${before.tensors[i].shape}` && dtype === before.tensors[i].dtype
    );
  if (isSame) return tensors;
  throw new TypeError(
    "Cannot repeat: the carry has another structure, shape or type after a round than before it",
  );
}
