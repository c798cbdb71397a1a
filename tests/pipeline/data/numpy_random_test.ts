import { assertEquals, assertThrows } from "@std/assert";
import { numpyShuffle, numpyUniform } from "../../../pipeline/data/numpy_random.ts";
import reference from "../../data/numpy_shuffle.json" with { type: "json" };

/** A number that changes when any element or the order does; `make_pipeline.py` has the same function. */
function fingerprint(order: Uint32Array): number {
  return order.reduce((value, index) => (value * 31 + index) % 4294967291, 0);
}

for (const { seed, n, head, fingerprint: expected } of reference.orders) {
  Deno.test(`numpyShuffle is NumPy's for seed ${JSON.stringify(seed)} and n ${n}`, () => {
    const order = numpyShuffle(n, seed);
    assertEquals([...order.subarray(0, 10)], head);
    assertEquals(fingerprint(order), expected);
  });
}

Deno.test("numpyShuffle of nothing is empty", () => {
  assertEquals(numpyShuffle(0, 1), new Uint32Array());
});

Deno.test("numpyShuffle gives every order of three equally often", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = numpyShuffle(3, seed).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  // 1000 each, standard deviation 28.9: within 5 deviations.
  for (const [order, count] of counts) assertEquals(Math.abs(count - 1000) < 145, true, `${order}: ${count}`);
});

Deno.test("numpyShuffle refuses what is no seed and no length", () => {
  for (const seed of [-1, 2 ** 32, 0.5, NaN, [], [1, -1]]) {
    assertThrows(
      () => numpyShuffle(3, seed),
      RangeError,
      "numpyShuffle: a seed must be an integer from 0 to 2^32 - 1",
    );
  }
  assertThrows(
    () => numpyShuffle(-1, 0),
    RangeError,
    "numpyShuffle: n must be an integer from 0 to 2^32 - 1, found -1",
  );
});

Deno.test("numpyUniform gives NumPy's numbers", () => {
  // numpy.random.RandomState(seed).random_sample(4) of NumPy 2
  const cases = [
    [7, [0.07630828937395717, 0.7799187922401146, 0.4384092314408935, 0.7234651778309412]],
    [[0, 0, 0], [0.06398605732583595, 0.07569866418299176, 0.8116225382312026, 0.30322280785542]],
    [[42, 3, 1999], [0.5419905849280517, 0.18373964657730513, 0.16134682483519525, 0.27437826041123503]],
  ] as const;
  for (const [seed, expected] of cases) {
    const draw = numpyUniform(seed);
    assertEquals(expected.map(() => draw()), [...expected]);
  }
  assertThrows(() => numpyUniform([0, -1]), RangeError, "numpyUniform: a seed must be an integer");
});
