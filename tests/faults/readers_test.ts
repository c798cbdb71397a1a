/**
 * What comes from outside, changed at random: a reader gives a value or says in one line what is wrong; it does not crash,
 * stand still, or take more memory than the whole file would. Weight files have tests of their own.
 *
 *     RESNET_TEST_CASES=10000 deno test -P tests/faults/readers_test.ts
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encode } from "fast-png";
import fc from "fast-check";
import { createTar } from "nanotar";
import { deflateSync, gzipSync } from "node:zlib";
import { readTarGz } from "../../pipeline/data/archive.ts";
import { CIFAR10_FILES } from "../../pipeline/data/cifar/files.ts";
import { readNpmPackage } from "../../pipeline/data/cifar/npm.ts";
import { decodePng } from "../../pipeline/data/cifar/png.ts";
import { decodeRecords, RECORD_BYTES } from "../../pipeline/data/cifar/records.ts";
import { encodeSafetensors, initArrays, resnet, toPyTorch } from "../../layers/mod.ts";
import { readMetrics, readRunInfo, RUN_FILES } from "../../pipeline/runs/folder.ts";
import { loadModel } from "../../pipeline/runs/model_file.ts";
import { loadRecipe, recipes } from "../../pipeline/training/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { inFolder } from "../in_folder.ts";
import { granted } from "../needs.ts";

const ignore = !granted("read", "write", "env");

/** Cases of each property. */
const CASES = ignore ? 0 : Number(Deno.env.get("RESNET_TEST_CASES") ?? 100);

/** Milliseconds that one case may take, on a machine with other work. */
const LIMIT_MS = 5000;

/** Bytes that the process may grow by over all cases of a property: some garbage, and no file that is a bomb. */
const GROWTH = 400e6;

/** One change of a text of bytes; places are shares of its length. */
type Edit =
  | { kind: "set"; at: number; bytes: Uint8Array }
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "cut"; at: number; length: number }
  | { kind: "twice"; at: number; length: number };

const at = fc.double({ min: 0, max: 1, noNaN: true });
const length = fc.integer({ min: 1, max: 600 });
/** Any bytes, and those that mean something somewhere. */
const bytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 8 }),
  fc.constantFrom(
    ...'\0 - \n { } [ ] : , " \\ null -1 0 1e999 9999999999 -0000001000 \ufeff \ud800'.split(" "),
  )
    .map((text) => new TextEncoder().encode(text)),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at, bytes }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes }),
  fc.record({ kind: fc.constant("cut" as const), at, length }),
  fc.record({ kind: fc.constant("twice" as const), at, length }),
);
const edits = fc.array(edit, { minLength: 1, maxLength: 6 });

/** The bytes after all the changes. */
function edited(original: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((bytes, edit) => {
    const at = Math.floor(edit.at * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (edit.kind) {
      case "set":
        return joined(before, edit.bytes, after.subarray(edit.bytes.length));
      case "insert":
        return joined(before, edit.bytes, after);
      case "cut":
        return joined(before, after.subarray(edit.length));
      case "twice":
        return joined(before, after.subarray(0, edit.length), after);
    }
  }, original);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** A file of a format as it should be, or nothing of the kind, with changes. */
const changed = (original: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 9, arbitrary: edits.map((edits) => edited(original, edits)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }) },
  );

/** A JSON text with any value in one place, or any value at all. */
const changedJson = (original: unknown): fc.Arbitrary<Uint8Array> => {
  const text = JSON.stringify(original);
  const places = [...text.matchAll(/(?<=[:\[,])("[^"]*"|[\d.e-]+|true|false|null)(?=[,\]}])/g)];
  const placed = fc.tuple(fc.nat(places.length - 1), fc.jsonValue()).map(([place, value]) => {
    const { index, 0: old } = places[place];
    return text.slice(0, index) + JSON.stringify(value) + text.slice(index + old.length);
  });
  const texts = fc.oneof(placed, fc.jsonValue().map((value) => JSON.stringify(value)));
  return fc.oneof(
    changed(new TextEncoder().encode(text)),
    texts.map((text) => new TextEncoder().encode(text)),
  );
};

/** Whether an error is one that a person is told, in one line that can be read. */
function assertForeseen(error: unknown, foreseen: readonly (new (...args: never[]) => Error)[]): void {
  if (!(error instanceof Error) || !foreseen.some((kind) => error instanceof kind)) throw error;
  assert(!/[\n\r\u2028\u2029\0]/.test(error.message), `more than a line: ${JSON.stringify(error.message)}`);
  assert(error.message.length <= 500, `${error.message.length} characters: ${error.message.slice(0, 200)}`);
}

/** Tries a reader on many inputs, from a seed. */
function readerTest<T>(
  name: string,
  inputs: (dir: string) => fc.Arbitrary<T>,
  read: (input: T, dir: string) => unknown,
  foreseen: readonly (new (...args: never[]) => Error)[] = [UserError, UsageError],
): void {
  Deno.test({
    name: `readers: ${name}`,
    ignore,
    fn: () =>
      inFolder(async (dir) => {
        const outcomes = { read: 0, refused: 0 };
        const before = Deno.memoryUsage().rss;
        const property = fc.asyncProperty(inputs(dir), async (input) => {
          const start = performance.now();
          try {
            await read(input, dir);
            outcomes.read++;
          } catch (error) {
            assertForeseen(error, foreseen);
            outcomes.refused++;
          }
          assert(performance.now() - start < LIMIT_MS, "it took too long");
        });
        await fc.assert(property, { seed: 18, numRuns: CASES });
        const growth = Deno.memoryUsage().rss - before;
        assert(growth < GROWTH, `the process has grown by ${Math.round(growth / 1e6)} MB`);
        assert(outcomes.refused > CASES / 10, `only ${outcomes.refused} were refused: nothing was tried`);
        if (CASES > 100) console.log(`${name}: ${JSON.stringify(outcomes)}, ${Math.round(growth / 1e6)} MB`);
      }),
  });
}

const info = {
  recipe: recipes.fast,
  seed: 7,
  precision: "bfloat16",
  limit: 200,
  threads: 2,
  cpu: { model: "Abacus", instructions: "beads", cores: 2 },
  versions: { deno: "2.9.6" },
  started: "2026-11-25T09:30:00.000Z",
  test: { accuracy: 0.5, correct: 1, images: 2, loss: 1 },
};

readerTest("run.json", () => changedJson(info), async (json, dir) => {
  await Deno.writeFile(join(dir, RUN_FILES.info), json);
  await readRunInfo(dir);
});

const epoch = {
  ...{ epoch: 1, step: 704, seconds: 12.345, imagesPerSecond: 6.8, loss: 1.25, lastLoss: 0.3 },
  ...{ validationAccuracy: 0.5668, learningRate: 0.01 },
};
const lines = [epoch, { ...epoch, epoch: 2 }].map((line) => JSON.stringify(line) + "\n").join("");

readerTest(
  "metrics.jsonl",
  () => fc.oneof(changed(new TextEncoder().encode(lines)), changedJson(epoch)),
  async (text, dir) => {
    await Deno.writeFile(join(dir, RUN_FILES.metrics), text);
    await readMetrics(dir);
  },
);

readerTest(
  "a recipe's file",
  () =>
    fc.oneof(changedJson(recipes.accurate), changedJson({ extends: "resnet20", training: { epochs: 3 } })),
  async (json, dir) => {
    await Deno.writeFile(join(dir, "a.json"), json);
    await loadRecipe(join(dir, "a.json"));
  },
);

const small = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 2 });
/** Of which one is missing, so that no file is whole and no tensor is made. */
const { "fc.bias": _, ...weights } = toPyTorch(small, initArrays(small, 1));
const about = {
  version: 1,
  network: small.network,
  imageShape: [16, 12, 3],
  transforms: [
    { kind: "resize", size: 8, quantize: true },
    { kind: "normalize", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  ],
  classes: ["cat", "dog"],
};

readerTest("what a weights file says of itself", () => changedJson(about), async (json, dir) => {
  const metadata = { "resnet-deno": new TextDecoder().decode(json) };
  await Deno.writeFile(join(dir, "a.safetensors"), encodeSafetensors(weights, metadata));
  await loadModel(join(dir, "a.safetensors"));
});

const content = Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + i) >> 3);
const tar = new Uint8Array(
  createTar([{ name: "x/a.bin", data: content }, { name: "x/b.txt", data: "b" }], { attrs: { mtime: 0 } }),
);

readerTest("a gzip file", () => changed(new Uint8Array(gzipSync(tar))), async (zipped, dir) => {
  await Deno.writeFile(join(dir, "a.tar.gz"), zipped);
  await readTarGz(join(dir, "a.tar.gz"), ["a.bin", "b.txt"], { maxBytes: 2 ** 20 });
});

/** Places in the headers, where a change does most; whole blocks too, as a header of another member. */
const header = fc.record({
  block: fc.constantFrom(0, 11),
  field: fc.constantFrom(0, 100, 124, 136, 148, 156, 157, 257, 345),
  bytes,
});

readerTest(
  "a tar archive",
  () =>
    fc.oneof(
      changed(tar),
      fc.tuple(fc.array(header, { minLength: 1, maxLength: 4 }), fc.constantFrom(..."05LxgK")).map((
        [headers, type],
      ) =>
        headers.reduce((tar, { block, field, bytes }) => {
          const next = tar.slice();
          next[block * 512 + 156] = type.charCodeAt(0);
          next.set(bytes, block * 512 + field);
          return next;
        }, tar)
      ),
    ),
  async (tar, dir) => {
    await Deno.writeFile(join(dir, "a.tar.gz"), gzipSync(tar, { level: 1 }));
    const found = await readTarGz(join(dir, "a.tar.gz"), ["a.bin", "b.txt"], { maxBytes: 2 ** 20 });
    const size = [...found.values()].reduce((sum, { length }) => sum + length, 0);
    assert(size <= 2 * tar.length, `${size} bytes out of ${tar.length}`);
  },
);

const records = Uint8Array.from(
  { length: 3 * RECORD_BYTES },
  (_, i) => i % RECORD_BYTES === 0 ? i % 10 : i % 256,
);

readerTest(
  "records of CIFAR-10",
  () =>
    fc.oneof(
      changed(records),
      fc.array(fc.tuple(fc.nat(2), fc.nat(255))).map((labels) =>
        labels.reduce((bytes, [record, label]) => bytes.with(record * RECORD_BYTES, label), records)
      ),
    ),
  (bytes) => {
    const { images, labels } = decodeRecords(bytes);
    assertEquals([images.length, labels.length], [labels.length * 3072, bytes.length / RECORD_BYTES]);
    assert(labels.every((label) => label < 10));
  },
  [RangeError],
);

const SIZE = { width: 8, height: 6 };
const png = encode({ ...SIZE, channels: 3, data: content.subarray(0, 8 * 6 * 3) });

/** PNGs whose pixels unpack to any bytes, and to many. */
const otherPixels = fc.oneof(
  fc.uint8Array({ minLength: 6 * 25, maxLength: 6 * 25 }),
  fc.uint8Array({ maxLength: 400 }),
  fc.constant(new Uint8Array(20_000_000)),
).map((rows) => {
  const packed = new Uint8Array(deflateSync(rows));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, packed.length);
  const [header, end] = [png.subarray(0, 33), png.subarray(-12)];
  return joined(header, length, new TextEncoder().encode("IDAT"), packed, new Uint8Array(4), end);
});

readerTest(
  "a PNG",
  () => fc.oneof({ weight: 4, arbitrary: changed(png) }, { weight: 1, arbitrary: otherPixels }),
  (bytes) => {
    const pixels = decodePng(bytes, SIZE, (problem) => new UserError(problem));
    assertEquals(pixels.length, 8 * 6 * 3);
  },
);

const image = encode({ width: 1024, height: 1, channels: 3, data: new Uint8Array(3072) });

readerTest(
  "the npm package",
  () =>
    fc.record({
      png: fc.oneof(fc.constant(image), changed(image)),
      labels: fc.oneof(fc.constant(undefined), changedJson([5, 6])),
    }),
  async ({ png, labels }, dir) => {
    const files = CIFAR10_FILES.slice(0, 2).map((file) => ({ ...file, bytes: RECORD_BYTES }));
    const members = [
      { name: "package/data_batch_1.png", data: png },
      { name: "package/data_batch_2.png", data: image },
      { name: "package/train_lables.json", data: labels ?? "[5,6]" },
      { name: "package/test_lables.json", data: "[]" },
    ];
    await Deno.writeFile(join(dir, "a.tgz"), gzipSync(new Uint8Array(createTar(members)), { level: 1 }));
    const read = await readNpmPackage(join(dir, "a.tgz"), files, "the package");
    for (const file of files) assertEquals(read(file).length, RECORD_BYTES);
  },
);
