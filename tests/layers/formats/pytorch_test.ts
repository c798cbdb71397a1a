/** Conversion to PyTorch's layout and back, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromPyTorch, toPyTorch } from "../../../layers/formats/pytorch.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import type { Arrays, NumericArray } from "../../../layers/readers/arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import stateDict from "../../data/state_dict_resnet34.json" with { type: "json" };

const model = resnet([1, 1], { widths: [2, 3], inputSize: 32, numClasses: 4 });
const arrays = initArrays(model, 5);

Deno.test("toPyTorch: keys, order and shapes are those of the tutorial's state_dict, with counters", () => {
  const resnet34 = resnet([3, 4, 6, 3]);
  const entries = toPyTorch(resnet34, initArrays(resnet34, 0));
  assertEquals(Object.entries(entries).map(([name, { shape }]) => [name, [...shape]]), stateDict);
});

Deno.test("toPyTorch: a kernel's value at [o, i, y, x] is the one at [y, x, i, o] in memory", () => {
  const { params } = arrays;
  const entries = toPyTorch(model, arrays, 12);
  const [ours, theirs] = [params["layer1.0.conv1.0.weight"], entries["layer1.0.conv1.0.weight"]];
  assertEquals([ours.shape, theirs.shape], [[3, 3, 2, 3], [3, 2, 3, 3]]);
  for (let o = 0; o < 3; o++) {
    for (let i = 0; i < 2; i++) {
      for (let y = 0; y < 3; y++) {
        for (let x = 0; x < 3; x++) {
          const [there, here] = [((o * 2 + i) * 3 + y) * 3 + x, ((y * 3 + x) * 2 + i) * 3 + o];
          assertEquals(theirs.data[there], ours.data[here]);
        }
      }
    }
  }
  const [fc, theirFc] = [params["fc.weight"], entries["fc.weight"]]; // [3, 4] and [4, 3]
  assertEquals(theirFc.shape, [4, 3]);
  assertEquals([...theirFc.data].slice(0, 4), [fc.data[0], fc.data[4], fc.data[8], fc.data[1]]);
  assertEquals(entries["conv1.1.num_batches_tracked"], { shape: [], data: BigInt64Array.of(12n) });
});

Deno.test("fromPyTorch: brings back what toPyTorch made, with counters or without", () => {
  const entries = toPyTorch(model, arrays, 3);
  assertEquals(fromPyTorch(model, entries), arrays as Arrays);
  const old = Object.entries(entries).filter(([name]) => !name.endsWith("num_batches_tracked"));
  assertEquals(fromPyTorch(model, Object.fromEntries(old)), arrays as Arrays);
});

Deno.test("fromPyTorch: counters of any type, of shape [] or [1], and others that the network does not have", () => {
  const entries = toPyTorch(model, arrays, 3);
  const counts: NumericArray["data"][] = [
    Int8Array.of(3),
    Uint8Array.of(3),
    Int16Array.of(3),
    Uint16Array.of(3),
    Int32Array.of(3),
    Uint32Array.of(3),
    BigInt64Array.of(3n),
    BigUint64Array.of(3n),
    Float32Array.of(3),
  ];
  for (const data of counts) {
    for (const shape of [[], [1]]) {
      const counted = { ...entries, "conv1.1.num_batches_tracked": { shape, data } };
      assertEquals(fromPyTorch(model, counted), arrays as Arrays);
    }
  }
  const averaged = { ...entries, n_averaged: { shape: [], data: BigInt64Array.of(9n) } };
  assertEquals(fromPyTorch(model, averaged), arrays as Arrays);
});

Deno.test("fromPyTorch: one line for a missing, unknown, misshapen or mistyped entry", () => {
  const good = toPyTorch(model, arrays);
  const { "fc.bias": _, ...missing } = good;
  const { "fc.weight": weight, ...none } = missing;
  const cases: [Record<string, NumericArray>, string][] = [
    [missing, '"fc.bias" [4] is missing'],
    [{ ...good, "fc2.bias": good["fc.bias"] }, '"fc2.bias" [4] is not in the network'],
    [
      { ...none, "head.weight": weight, a: weight, b: weight },
      '"fc.weight" [4, 3] and "fc.bias" [4] are missing; ' +
      '"head.weight" [4, 3], "a" [4, 3] and 1 more are not in the network',
    ],
    [
      { ...good, "conv1.0.weight": { shape: [2, 3, 3, 3], data: new Float32Array(54) } },
      '"conv1.0.weight" has shape [2, 3, 3, 3], the network needs [2, 3, 7, 7]',
    ],
    [
      { ...good, "fc.bias": { shape: [4], data: new Int32Array(4) } },
      '"fc.bias" must be float32, found int32, which is not supported',
    ],
    [
      { ...good, "fc.bias": { shape: [4], data: new BigUint64Array(4) } },
      '"fc.bias" must be float32, found uint64, which is not supported',
    ],
    [
      { ...good, "conv1.1.num_batches_tracked": { shape: [2], data: BigInt64Array.of(1n, 1n) } },
      '"conv1.1.num_batches_tracked" must be one number, found int64 [2]',
    ],
    [
      { ...good, "conv1.1.num_batches_tracked": { shape: [0], data: new Float32Array(0) } },
      '"conv1.1.num_batches_tracked" must be one number, found float32 [0]',
    ],
  ];
  for (const [entries, problem] of cases) {
    assertEquals(
      assertThrows(() => fromPyTorch(model, entries, "a.safetensors"), UserError).message,
      `Cannot load a.safetensors into ResNet-6: ${problem}; use weights of the same network`,
    );
  }
});

Deno.test("fromPyTorch: a message has at most 500 characters, whatever the file holds", () => {
  const good = toPyTorch(model, arrays);
  const { "fc.bias": bias, "conv1.0.weight": _, ...less } = good;
  const long = { shape: Array(1000).fill(1000), data: new Float32Array(2) };
  const cases: Record<string, NumericArray>[] = [
    { ...less, ["x".repeat(1e6)]: bias, ["\n".repeat(1e6)]: long },
    Object.fromEntries(["a", "b", "c"].map((name) => [name + "\0".repeat(1e6), long])), // with long names
    { ...good, "fc.bias": long },
    { ...good, "conv1.1.num_batches_tracked": long },
  ];
  for (const entries of cases) {
    const named = (name: string): string => entries === cases[1] ? "p".repeat(100) + name : name;
    const read = (): Arrays => fromPyTorch(model, entries, "d/".repeat(5000), named);
    const { message } = assertThrows(read, UserError);
    assert(message.length <= 500 && !/\p{Cc}/u.test(message), message);
    assert(message.endsWith("use weights of the same network"), message);
  }
});

Deno.test("toPyTorch: refuses arrays of another network", () => {
  const { "fc.bias": _, ...missing } = arrays.params;
  assertEquals(
    assertThrows(() => toPyTorch(model, { ...arrays, params: missing }), TypeError).message,
    'toPyTorch: "fc.bias" of ResNet-6 needs [4], found none',
  );
  const other = { ...arrays.params, "fc.weight": { shape: [4, 3], data: new Float32Array(12) } };
  assertEquals(
    assertThrows(() => toPyTorch(model, { ...arrays, params: other }), TypeError).message,
    'toPyTorch: "fc.weight" of ResNet-6 needs [3, 4], found [4, 3]',
  );
});
