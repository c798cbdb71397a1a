/** What XLA is told about NaN, and what the user says. */
import { assertEquals } from "@std/assert";
import { propagateNaN } from "../../../runtime/binding/xla_flags.ts";
import { jit, tf } from "../../../runtime/mod.ts";
import { granted } from "../../needs.ts";
import { tidyTest } from "../harness.ts";

Deno.test({
  name: "propagateNaN: behind the user's flags, once, and not against them",
  ignore: !granted("env"),
  fn() {
    const before = Deno.env.get("XLA_FLAGS");
    const after = (given: string): string | undefined => {
      Deno.env.set("XLA_FLAGS", given);
      propagateNaN();
      return Deno.env.get("XLA_FLAGS");
    };
    try {
      assertEquals(after(""), "--xla_cpu_enable_fast_min_max=false");
      assertEquals(after("--xla_dump_to=here"), "--xla_dump_to=here --xla_cpu_enable_fast_min_max=false");
      for (const chosen of ["--xla_cpu_enable_fast_min_max=false", "--xla_cpu_enable_fast_min_max=true"]) {
        assertEquals(after(chosen), chosen);
      }
    } finally {
      if (before === undefined) Deno.env.delete("XLA_FLAGS");
      else Deno.env.set("XLA_FLAGS", before);
    }
  },
});

tidyTest(
  "compiled by XLA, the largest and the smallest of numbers with NaN are NaN, whichever is first",
  () => {
    const both = jit(
      (x: tf.Tensor1D, y: tf.Tensor1D) => [tf.max(x), tf.min(x), tf.maximum(x, y), tf.minimum(x, y)],
      {
        xla: true,
      },
    );
    const found = both(tf.tensor1d([1, NaN, 3]), tf.tensor1d([NaN, 2, 2]));
    assertEquals(found.map((tensor) => [...tensor.dataSync()]), [[NaN], [NaN], [NaN, NaN, 3], [NaN, NaN, 2]]);
    both.dispose();
  },
);
