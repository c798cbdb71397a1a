/** Draws from a list of outcomes. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { jit, JitError, tf } from "../../../runtime/mod.ts";
import { eagerAndJitted, tidyTest } from "../harness.ts";

const DRAWS = 20_000;

/** How often each of three outcomes is drawn. */
function frequencies(draws: tf.Tensor): number[] {
  const counts = [0, 0, 0];
  for (const outcome of draws.dataSync()) counts[outcome]++;
  return counts.map((count) => count / DRAWS);
}

for (const normalized of [false, true]) {
  tidyTest(`multinomial draws by ${normalized ? "probabilities" : "logits"}`, () => {
    const probabilities = [0.2, 0.5, 0.3];
    const x = tf.tensor1d(normalized ? probabilities : probabilities.map((p) => Math.log(p) + 5));
    eagerAndJitted((x: tf.Tensor1D) => tf.multinomial(x, DRAWS, 7, normalized), [x], (draws) => {
      assertEquals(draws.dtype, "int32");
      // Five deviations of a frequency: sqrt(p (1 - p) / n).
      frequencies(draws).forEach((found, i) =>
        assert(
          Math.abs(found - probabilities[i]) <
            5 * Math.sqrt(probabilities[i] * (1 - probabilities[i]) / DRAWS),
        )
      );
    });
  });
}

tidyTest("an outcome of no probability is not drawn", () => {
  const draws = tf.multinomial(tf.tensor2d([[0, 1], [1, 0]]), 100, 3, true);
  assertEquals([...draws.dataSync()], [...new Array(100).fill(1), ...new Array(100).fill(0)]);
});

tidyTest(
  "multinomial repeats its draws with its seed, a fraction too, and draws others with another or without",
  () => {
    const draw = (seed?: number) => [...tf.multinomial(tf.zeros<tf.Rank.R1>([4]), 100, seed).dataSync()];
    assertEquals(draw(3.14), draw(3.14));
    assertNotEquals(draw(3.14), draw(3.15));
    assertNotEquals(draw(), draw());
    assertThrows(
      () => jit((x: tf.Tensor1D) => tf.multinomial(x, 100))(tf.zeros([4])),
      JitError,
      "Cannot draw",
    );
  },
);
