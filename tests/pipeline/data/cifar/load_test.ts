import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { CIFAR10_FILES } from "../../../../pipeline/data/cifar/files.ts";
import { loadCifar } from "../../../../pipeline/data/cifar/load.ts";
import { UserError } from "../../../../runtime/system/errors.ts";
import { granted } from "../../../needs.ts";
import { Recorder } from "../../recorder.ts";

/** Runs a test in a folder with the six files, all zeros (sparse, so they take no room), and some of them changed. */
function withFiles(
  name: string,
  change: (dir: string) => Promise<void>,
  check: (dir: string) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !granted("read", "write"),
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        for (const file of CIFAR10_FILES) {
          await Deno.writeFile(join(dir, file.name), new Uint8Array());
          await Deno.truncate(join(dir, file.name), file.bytes);
        }
        await change(dir);
        await check(dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

async function writeAt(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(bytes);
}

withFiles("loadCifar reads the files in order, train and test apart", async (dir) => {
  for (const [position, { name }] of CIFAR10_FILES.entries()) {
    // The last record of each file: label and first red byte say which file it is.
    await writeAt(join(dir, name), 9999 * 3073, Uint8Array.of(position + 1, 100 + position));
  }
}, async (dir) => {
  const progress = new Recorder();
  const { train, test, validation } = await loadCifar(dir, { progress });
  assertEquals(validation, undefined);
  assertEquals([train.indices.length, test!.indices.length], [50_000, 10_000]);
  assertEquals(train.imageShape, [32, 32, 3]);
  const last = [0, 1, 2, 3, 4].map((file) => file * 10_000 + 9999);
  assertEquals(last.map((image) => train.labels[image]), [1, 2, 3, 4, 5]);
  assertEquals(last.map((image) => train.images[image * 3072]), [100, 101, 102, 103, 104]);
  assertEquals([test!.labels[9999], test!.images[9999 * 3072]], [6, 105]);
  assertEquals(train.classes[train.labels[last[2]]], "cat");
  assertEquals(train.labels.reduce((sum, label) => sum + label, 0), 15);
  assertEquals([train.labels, test!.labels].map((labels) => labels instanceof Uint32Array), [true, true]);
  const [bar] = progress.bars;
  assertEquals([bar.total, bar.unit, bar.done.at(-1), bar.stopped], [60_000, "images", 60_000, true]);
});

/** The message that `loadCifar` fails with. */
async function failure(dir: string): Promise<string> {
  return (await assertRejects(() => loadCifar(dir), UserError)).message;
}

withFiles(
  "loadCifar names a missing file and the command that fetches it",
  (dir) => Deno.remove(join(dir, "data_batch_3.bin")),
  async (dir) => {
    const path = join(dir, "data_batch_3.bin");
    assertEquals(
      await failure(dir),
      `Cannot read ${path}: no such file; run "deno task fetch-data --data ${dir}" to fetch it`,
    );
  },
);

for (const bytes of [0, 10, 30_729_999, 30_730_001]) {
  withFiles(
    `loadCifar names a file of ${bytes} bytes`,
    (dir) => Deno.truncate(join(dir, "test_batch.bin"), bytes),
    async (dir) => {
      const path = join(dir, "test_batch.bin");
      assertEquals(
        await failure(dir),
        `Cannot read ${path}: ${bytes} bytes, expected 30730000; run "deno task fetch-data --data ${dir}" to fetch it again`,
      );
    },
  );
}

withFiles(
  "loadCifar names the record with a label that is no class",
  (dir) => writeAt(join(dir, "data_batch_2.bin"), 17 * 3073, Uint8Array.of(255)),
  async (dir) => {
    const path = join(dir, "data_batch_2.bin");
    assertEquals(
      await failure(dir),
      `Cannot read ${path}: record 17 has label 255, expected 0 to 9; run "deno task fetch-data --data ${dir}" to fetch it again`,
    );
  },
);

withFiles("loadCifar refuses a folder in place of a file", async (dir) => {
  await Deno.remove(join(dir, "data_batch_1.bin"));
  await Deno.mkdir(join(dir, "data_batch_1.bin"));
}, async (dir) => {
  const path = join(dir, "data_batch_1.bin");
  assertEquals(
    await failure(dir),
    `Cannot read ${path}: not a file; run "deno task fetch-data --data ${dir}" to fetch it again`,
  );
});

withFiles(
  "loadCifar ends its bar when it fails",
  (dir) => Deno.remove(join(dir, "data_batch_5.bin")),
  async (dir) => {
    const progress = new Recorder();
    await assertRejects(() => loadCifar(dir, { progress }), UserError);
    assertEquals(progress.bars.map(({ stopped }) => stopped), [true]);
  },
);
