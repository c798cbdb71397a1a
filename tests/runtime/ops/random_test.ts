/** Random draws keyed by a seed tensor: repeatable everywhere, evenly spread, unrelated between seeds. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { dropout, foldSeed, statelessUniform, statelessUniformInt, tf } from "../../../runtime/mod.ts";
import { codeArgs } from "../../child.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT, FORWARD } from "../../reference.ts";
import { eagerAndJitted, gradients } from "../harness.ts";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({
    name: `random: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      tf.engine().startScope();
      try {
        await fn();
      } finally {
        tf.engine().endScope();
      }
    },
  });
}

const seed = (a: number, b: number): tf.Tensor1D => tf.tensor1d([a, b], "int32");
const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** Correlation of two rows of draws; for n independent ones it has a standard deviation of 1 / sqrt(n). */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - meanA) * (b[i] - meanB);
    aa += (a[i] - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Draws a test. Bounds below are five standard deviations: one run in two million fails by chance, and none by luck. */
const N = 40_000;

type Words = [number, number, number, number];

/** High and low half of a 32 x 32 bit product. */
function product(a: number, b: number): [high: number, low: number] {
  const wide = BigInt(a) * BigInt(b);
  return [Number(wide >> 32n), Number(wide & 0xffffffffn)];
}

/** The block function Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). */
function philox(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, c0);
    const [high1, low1] = product(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * TensorFlow's use of it (core/kernels/stateless_random_ops.cc): one block under a fixed key turns the seed into key and
 * counter; the upper counter words number the stream, the lower ones the blocks; 23 bits of a word make a float.
 */
function uniformByHand(length: number, a: number, b: number): Float32Array {
  const halves = (value: number): [number, number] => [value >>> 0, value < 0 ? 0xffffffff : 0];
  const [key0, key1, stream0, stream1] = philox([...halves(a), ...halves(b)], [0x3ec8f720, 0x02461e29]);
  return Float32Array.from({ length }, (_, i) => {
    const block = philox([Math.floor(i / 4), 0, stream0, stream1], [key0, key1]);
    return (block[i % 4] & 0x7fffff) / 2 ** 23;
  });
}

Deno.test("random: the reference generator gives the published test vectors of Philox 4x32-10", () => {
  // Random123's kat_vectors: all zeros, all ones.
  assertEquals(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  assertEquals(philox([ones, ones, ones, ones], [ones, ones]), [
    0x408f276d,
    0x41c83b0e,
    0xa20bc7c6,
    0x6d5451fd,
  ]);
});

test("statelessUniform: the values of Philox 4x32-10, to the last bit", () => {
  for (const [a, b] of [[0, 0], [1, 2], [-1, 2 ** 31 - 1]]) {
    assertEquals(statelessUniform([3, 7], seed(a, b)).dataSync(), uniformByHand(21, a, b), `seed ${a}, ${b}`);
  }
});

test("statelessUniform: in [0, 1), with mean 1/2, variance 1/12 and every tenth equally full", () => {
  const draws = statelessUniform([N], seed(1, 2)).dataSync();
  assert(draws.every((value) => value >= 0 && value < 1));
  const variance = mean(draws.map((value) => (value - 0.5) ** 2));
  assert(Math.abs(mean(draws) - 0.5) < 5 * Math.sqrt(1 / 12 / N), `mean ${mean(draws)}`);
  // The variance of (u - 1/2)^2 is 1/80 - 1/144 = 1/180.
  assert(Math.abs(variance - 1 / 12) < 5 * Math.sqrt(1 / 180 / N), `variance ${variance}`);
  const tenths = new Array<number>(10).fill(0);
  for (const value of draws) tenths[Math.floor(10 * value)]++;
  const chiSquared = tenths.reduce((sum, count) => sum + (count - N / 10) ** 2 / (N / 10), 0);
  assert(chiSquared < 9 + 5 * Math.sqrt(2 * 9), `chi squared ${chiSquared} at 9 degrees of freedom`);
});

test("statelessUniform: neighbours are unrelated", () => {
  const draws = statelessUniform([N], seed(5, 6)).dataSync();
  for (const lag of [1, 2, 4]) {
    const found = correlation(draws.slice(lag), draws.slice(0, -lag));
    assert(Math.abs(found) < 5 / Math.sqrt(N), `correlation ${found} at distance ${lag}`);
  }
});

test("statelessUniformInt: whole numbers in [min, max), each equally often", () => {
  const draws = statelessUniformInt([N], seed(1, 2), -3, 5);
  assertEquals(draws.dtype, "int32");
  const counts = new Map<number, number>();
  for (const value of draws.dataSync()) counts.set(value, (counts.get(value) ?? 0) + 1);
  assertEquals([...counts.keys()].sort((a, b) => a - b), [-3, -2, -1, 0, 1, 2, 3, 4]);
  const deviation = Math.sqrt(N * (1 / 8) * (7 / 8));
  for (const [value, count] of counts) {
    assert(Math.abs(count - N / 8) < 5 * deviation, `${value} came ${count} times`);
  }
});

test("the same seed gives the same draws, eagerly and jitted; another seed gives others", () => {
  const draw = (key: tf.Tensor1D) => [
    statelessUniform([3, 4], key),
    statelessUniformInt([3, 4], key, 0, 1000),
    foldSeed(key, 7),
    dropout(tf.ones([3, 4]), 0.5, key),
  ];
  const expected = draw(seed(8, 9)).map((tensor) => tensor.dataSync());
  eagerAndJitted(draw, [seed(8, 9)], (found, mode) => {
    assertEquals(found.map((tensor) => tensor.dataSync()), expected, mode);
  });
  for (const other of [seed(9, 8), seed(8, 10), seed(9, 9), seed(-8, -9)]) {
    draw(other).forEach((tensor, i) => assertNotEquals(tensor.dataSync(), expected[i]));
  }
});

test("another process draws the same numbers", async () => {
  const code = `
    import { foldSeed, statelessUniform, tf } from "./runtime/mod.ts";
    await tf.ready();
    console.log(JSON.stringify(Array.from(statelessUniform([6], foldSeed(tf.tensor1d([8, 9], "int32"), 3)).dataSync())));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: codeArgs(code),
    cwd: new URL("../../..", import.meta.url),
  });
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(
    JSON.parse(new TextDecoder().decode(stdout)),
    Array.from(statelessUniform([6], foldSeed(seed(8, 9), 3)).dataSync()),
  );
});

test("foldSeed: folded seeds draw numbers unrelated to each other and to the seed's own", () => {
  const key = seed(42, 0);
  const streams = [
    key,
    foldSeed(key, 0),
    foldSeed(key, 1),
    foldSeed(key, 2),
    foldSeed(key, 1_000_000),
    foldSeed(foldSeed(key, 1), 1),
    foldSeed(seed(43, 0), 1),
    foldSeed(seed(42, 1), 1),
  ].map((key) => statelessUniform([N], key).dataSync());
  for (const [i, a] of streams.entries()) {
    for (const [j, b] of streams.entries()) {
      if (i >= j) continue;
      const found = correlation(a, b);
      assert(Math.abs(found) < 5 / Math.sqrt(N), `correlation ${found} of streams ${i} and ${j}`);
    }
  }
});

test("foldSeed: no two of 500 salts and seeds give the same seed", () => {
  const found = new Set<string>();
  for (let base = 0; base < 2; base++) {
    const key = seed(base, 5);
    for (let salt = 0; salt < 250; salt++) found.add(foldSeed(key, salt).dataSync().join());
  }
  assertEquals(found.size, 500);
});

test("dropout: drops the share asked for and keeps the expectation", () => {
  for (const rate of [0.1, 0.5, 0.9]) {
    const y = dropout(tf.ones([N]), rate, seed(3, 4)).dataSync();
    const dropped = y.filter((value) => value === 0).length / N;
    assert(
      Math.abs(dropped - rate) < 5 * Math.sqrt(rate * (1 - rate) / N),
      `dropped ${dropped} of ${rate}`,
    );
    assert(y.every((value) => value === 0 || Math.abs(value - 1 / (1 - rate)) < 1e-5));
  }
});

test("dropout: the gradient goes through the same mask", () => {
  const x = tf.range(1, 101) as tf.Tensor1D;
  const dy = tf.linspace(-1, 1, 100);
  const both = (x: tf.Tensor1D, dy: tf.Tensor1D, key: tf.Tensor1D) => ({
    y: dropout(x, 0.25, key),
    dx: gradients((x: tf.Tensor1D) => dropout(x, 0.25, key), [x], [dy])[0],
  });
  eagerAndJitted(both, [x, dy, seed(1, 1)], ({ y, dx }, mode) => {
    const mask = y.dataSync().map((value, i) => value / (i + 1)); // 0 or 4/3
    assert(mask.some((value) => value === 0) && mask.some((value) => value > 1));
    const expected = dy.dataSync().map((value, i) => value * mask[i]);
    assertClose(dx, { shape: [100], data: expected }, FORWARD, mode);
  });
});

test("dropout: some rows of a batch are treated as in all of it", () => {
  const x = statelessUniform([5, 3], seed(8, 8)) as tf.Tensor2D;
  const whole = dropout(x, 0.5, seed(3, 4)).slice([2, 0], [2, 3]);
  assertClose(dropout(x.slice([2, 0], [2, 3]), 0.5, seed(3, 4), { from: 2, of: 5 }), whole, EXACT);
});

test("dropout: rate 0 keeps everything; a rate that is no probability is refused", () => {
  const x = tf.tensor1d([1, -2, 3]);
  assertClose(dropout(x, 0, seed(1, 1)), x, EXACT);
  for (const rate of [-0.1, 1, 1.5, NaN]) {
    assertThrows(() => dropout(x, rate, seed(1, 1)), RangeError, `dropout: rate ${rate} is not in [0, 1)`);
  }
});

test("a seed that is not an int32 [2] is refused", () => {
  const wrong: [tf.Tensor, string][] = [
    [tf.tensor1d([1, 2]), "float32 [2]"],
    [tf.tensor1d([1, 2, 3], "int32"), "int32 [3]"],
    [tf.scalar(1, "int32"), "int32 []"],
  ];
  for (const [key, found] of wrong) {
    const text = `the seed is an int32 tensor of shape [2], got ${found}`;
    const bad = key as tf.Tensor1D;
    assertThrows(() => statelessUniform([1], bad), TypeError, `statelessUniform: ${text}`);
    assertThrows(() => statelessUniformInt([1], bad, 0, 2), TypeError, `statelessUniformInt: ${text}`);
    assertThrows(() => foldSeed(bad, 1), TypeError, `foldSeed: ${text}`);
    assertThrows(() => dropout(tf.ones([1]), 0.5, bad), TypeError, text);
  }
});
