import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { resnet } from "../../../layers/mod.ts";
import { decodeRecords, encodeRecords } from "../../../pipeline/data/cifar/records.ts";
import { createDataset, type Data, type Dataset } from "../../../pipeline/data/dataset.ts";
import { listPictures } from "../../../pipeline/data/folder.ts";
import { aheadReader, directReader } from "../../../pipeline/data/image_reader.ts";
import { centerView } from "../../../pipeline/data/images/resample.ts";
import {
  type LoadedPictures,
  type LoadOptions,
  loadPictures,
  pictureData,
  sharedPictures,
} from "../../../pipeline/data/load_pictures.ts";
import { pictureAt } from "../../../pipeline/data/pictures.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import { disposeState } from "../../../pipeline/training/state.ts";
import { train, type TrainOptions } from "../../../pipeline/training/train.ts";
import { augment, crop, IMAGENET_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { liveHandles, tf, tree } from "../../../runtime/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { inFolder } from "../../in_folder.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { smallTraining } from "../small_run.ts";
import { madePicture, png, writeFiles } from "./made_pictures.ts";

const ignore = !canLoadTensorFlow;

/** A test with pictures in a folder: eight to train on, of four sizes, two for validation. */
function picturesTest(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await tf.ready();
      await inFolder(async (dir) => {
        writeFiles(dir, FILES);
        const before = liveHandles();
        await fn(dir);
        assertEquals(liveHandles(), before, "tensors left");
      });
    },
  });
}

const SIZES = [[20, 16], [12, 24], [16, 16], [9, 31]];
const FILES = Object.fromEntries([
  ...Array.from({ length: 8 }, (_, i) => [
    `train/${i % 2 ? "cat" : "dog"}/${i}.png`,
    png(madePicture(i, SIZES[i % 4][0], SIZES[i % 4][1])),
  ]),
  ...Array.from(
    { length: 2 },
    (_, i) => [`val/${i % 2 ? "cat" : "dog"}/${i}.png`, png(madePicture(9 + i, 16))],
  ),
]);

/** The numbers of the training pictures in the order of the listing: cat, then dog. */
const ORDER = [1, 3, 5, 7, 0, 2, 4, 6];

async function load(dir: string, options: Partial<LoadOptions> = {}): Promise<LoadedPictures> {
  return await loadPictures(await listPictures(dir), { keep: 16, ...options });
}

picturesTest("loadPictures keeps every picture, the larger ones smaller", async (dir) => {
  const { folder, train, validation, test } = await load(dir);
  assertEquals(folder.classes, ["cat", "dog"]);
  assertEquals([...train.labels], [0, 0, 0, 0, 1, 1, 1, 1]);
  assertEquals(test, undefined);
  assertEquals([...validation!.labels], [0, 1]);
  for (const [place, number] of ORDER.entries()) {
    const [width, height] = SIZES[number % 4];
    const found = pictureAt(train.source, place);
    assertEquals(train.source.files[place], join(dir, `train/${number % 2 ? "cat" : "dog"}/${number}.png`));
    assertEquals(found, madePicture(number, width, height));
  }
  assertEquals([...train.source.kept.chunk], new Array(8).fill(0));
  const small = await load(dir, { keep: 8 });
  const [first] = ORDER;
  assertEquals([small.train.source.kept.width[0], small.train.source.kept.height[0]], [8, 16]);
  const whole = madePicture(first, 12, 24);
  assertEquals(
    centerView(pictureAt(small.train.source, 0), { shorter: 8, size: 8 }),
    centerView(whole, { shorter: 8, size: 8 }),
  );
});

picturesTest("loadPictures without room decodes again, to the same pictures", async (dir) => {
  const all = await load(dir);
  const none = await load(dir, { cache: 0, threads: 2 });
  const some = await load(dir, { cache: 16 * 16 * 3 + 4, threads: 1 });
  assertEquals([...none.train.source.kept.chunk], new Array(8).fill(-1));
  const kept = some.train.source.kept.chunk.filter((chunk) => chunk >= 0).length;
  assert(kept === 1 || some.validation!.source.kept.chunk.some((chunk) => chunk >= 0), `${kept} kept`);
  for (const { train } of [none, some]) {
    for (let place = 0; place < 8; place++) {
      assertEquals(pictureAt(train.source, place), pictureAt(all.train.source, place));
    }
  }
});

picturesTest("loadPictures leaves out what begins as a picture and cannot be decoded", async (dir) => {
  const bad = join(dir, "train/cat/3.png");
  Deno.writeFileSync(bad, FILES["train/cat/3.png"].subarray(0, 100));
  const lone = join(dir, "train/ant/1.png");
  writeFiles(dir, { "train/ant/1.png": FILES["train/cat/1.png"].subarray(0, 100) });
  const { folder, train } = await load(dir);
  assertEquals(folder.classes, ["cat", "dog"]);
  assertEquals(folder.emptyClasses, ["ant"]);
  assertEquals(folder.skipped, [lone, bad].map((path) => ({ path, reason: "unreadable" })));
  assertEquals([...train.labels], [0, 0, 0, 1, 1, 1, 1]);
  assertEquals(pictureAt(train.source, 1), madePicture(5, 12, 24));
});

picturesTest("loadPictures: a picture with too many pixels is left out", async (dir) => {
  const { folder } = await load(dir, { maxPixels: 20 * 16 - 1 });
  assertEquals(folder.skipped.map(({ path }) => path), [0, 4].map((i) => join(dir, `train/dog/${i}.png`)));
  assertEquals(folder.train.length, 6);
});

picturesTest(
  "pictureData: the middle of each picture, or the pictures as they are if all have one size",
  async (dir) => {
    const loaded = await load(dir);
    const data = pictureData(loaded, 12);
    assertEquals(data.train.imageShape, [12, 12, 3]);
    assertEquals(data.train.files?.[1], join(dir, "train/cat/3.png"));
    const reader = directReader(data.train);
    for (const [place, number] of ORDER.entries()) {
      const [width, height] = SIZES[number % 4];
      const expected = centerView(madePicture(number, width, height), { shorter: 12, size: 12 });
      assertEquals(reader.image(place), expected.pixels);
    }
    const message = assertThrows(() => pictureData(loaded), UserError).message.replaceAll(dir, "D");
    assertEquals(
      message,
      "Cannot take the pictures as they are: D/train/cat/1.png has 12 x 24 pixels, D/train/cat/3.png 9 x 31; " +
        "give the size of the images",
    );
    const same = pictureData({ ...loaded, train: loaded.validation! });
    assertEquals(same.train.pictures, undefined);
    assertEquals(same.train.imageShape, [16, 16, 3]);
    assertEquals(
      same.train.images,
      Uint8Array.of(...madePicture(10, 16).pixels, ...madePicture(9, 16).pixels),
    );
  },
);

picturesTest("sharedPictures counts the files that are among the training pictures", async (dir) => {
  writeFiles(dir, {
    "val/cat/copy.png": FILES["train/dog/4.png"],
    "val/dog/copy.png": FILES["train/cat/1.png"],
  });
  const { train, validation } = pictureData(await load(dir), 8);
  assertEquals(validation!.indices.length, 4);
  assertEquals(sharedPictures(train, validation!), 2);
  assertEquals(sharedPictures({ ...train, indices: train.indices.subarray(1) }, validation!), 1);
});

/** What training comes to: all losses, and the weights. */
async function trained(data: Data, options: TrainOptions = {}): Promise<readonly (number | Float32Array)[]> {
  const side = data.train.imageShape[0];
  const cfg = { inputSize: side, numClasses: data.train.classes.length, widths: [4, 8] };
  const model = resnet([1, 1], { stem: "cifar", ...cfg });
  const found: number[] = [];
  const state = await train(model, data, { ...smallTraining, epochs: 2, batchSize: 3 }, {
    seed: 5,
    onStep: ({ loss }) => found.push(loss),
    onEpoch: ({ validation }) => void found.push(validation!.loss, validation!.correct),
    ...options,
  });
  const weights = tree.tensors(state.variables).map((tensor) => tensor.dataSync() as Float32Array);
  disposeState(state);
  return [...found, ...weights];
}

picturesTest("train on pictures: the same however they are kept and read", async (dir) => {
  const prepared = (loaded: LoadedPictures): Data =>
    pipe(
      pictureData(loaded, 16),
      crop({ size: 8, shorter: 10, scale: [0.3, 1], ratio: [0.75, 1.333], augment: "trivialAugment" }),
      augment({ flip: true, crop: 0 }),
      normalize(IMAGENET_STATS),
    );
  const kept = await trained(prepared(await load(dir)));
  assertEquals(await trained(prepared(await load(dir, { cache: 0 }))), kept);
  // Another seed, other parts of the pictures.
  const other = await trained(prepared(await load(dir)), { seed: 6 });
  assert(`${other[0]}` !== `${kept[0]}`);
});

picturesTest("aheadReader reads what directReader does, in whatever order it is asked", async (dir) => {
  const [size, shorter] = [8, 8];
  for (const cache of [0, 2 ** 20]) {
    const data = crop({ size, shorter, scale: [0.3, 1], ratio: [1, 1], augment: "trivialAugment" })(
      pictureData(await load(dir, { cache }), 16),
    );
    const direct = directReader(data.train);
    const ahead = aheadReader(data.train, { threads: 2, slots: 3 });
    const check = async (members: readonly number[], turn?: { seed: number; epoch: number }) => {
      for (const member of members) {
        const wanted = Uint8Array.from(direct.image(member, turn));
        const found = ahead.image(member, turn);
        await new Promise((resolve) => setTimeout(resolve, 20)); // others are made meanwhile
        assertEquals(Uint8Array.from(found), wanted);
      }
    };
    const [first, second] = [{ seed: 1, epoch: 0 }, { seed: 1, epoch: 1 }];
    ahead.expect(Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7), first);
    await check([0, 1, 2], first);
    ahead.expect(Uint32Array.of(3, 4, 5, 6), first); // it goes on
    await check([3, 4], first);
    await check([1, 0], first); // not what comes next
    await check([5], first);
    ahead.expect(Uint32Array.of(7, 0, 1, 2), second); // something else
    await check([7, 0], second);
    await check([1], first);
    await check([1, 2, 2, 6], second);
    ahead.expect(Uint32Array.of(3, 4, 5), second);
    ahead.expect(Uint32Array.of(3, 4, 5), first); // the same ones at another time
    await check([3, 4, 5], first);
    ahead.expect(Uint32Array.of(0, 1)); // as in evaluation
    await check([0, 1]);
    ahead.dispose();
    await check([0, 1], first);
    const views = [first, second].map((turn) => Uint8Array.from(direct.image(0, turn)).join());
    assert(views[0] !== views[1]);
  }
});

picturesTest("a picture that is gone is told of where it is asked for", async (dir) => {
  const data = pictureData(await load(dir, { cache: 0 }), 8);
  const gone = join(dir, "train/cat/1.png");
  Deno.removeSync(gone);
  const ahead = aheadReader(data.train, { threads: 1 });
  ahead.expect(data.train.indices);
  const { message } = assertThrows(() => ahead.image(0), UserError);
  assertEquals(
    message,
    `Cannot read ${gone}: no such file or directory; put it back, or begin anew without it`,
  );
  assertEquals(Uint8Array.from(ahead.image(1)), Uint8Array.from(directReader(data.train).image(1)));
  ahead.dispose();
});

Deno.test({
  name: "CIFAR-10's images as PNG in folders train to the same numbers, bit for bit, as its binary records",
  ignore,
  async fn() {
    await tf.ready();
    await inFolder(async (dir) => {
      const names = ["airplane", "automobile", "bird"];
      // By class, as a listing has them.
      const counts = { train: 12, val: 4, test: 3 };
      const datasets = Object.entries(counts).map(([part, count], p): Dataset => {
        const labels = Array.from({ length: count }, (_, i) => Math.floor(i * names.length / count));
        const images = labels.map((label, i) => madePicture(100 * p + 7 * i + label, 32));
        writeFiles(
          dir,
          Object.fromEntries(
            images.map((image, i) => [`${part}/${names[labels[i]]}/${100 + i}.png`, png(image)]),
          ),
        );
        const records = encodeRecords(images.flatMap(({ pixels }) => [...pixels]), labels);
        return createDataset({ ...decodeRecords(records), imageShape: [32, 32, 3], classes: names });
      });
      const [train, validation, test] = datasets;
      const fromFolder = pictureData(await loadPictures(await listPictures(dir), { keep: 32 }));
      const { digest, ...parts } = fromFolder;
      const files = (part: string, count: number) =>
        Array.from({ length: count }, (_, i) => {
          const name = names[Math.floor(i * names.length / count)];
          return join(dir, part, name, `${100 + i}.png`);
        });
      assertEquals(parts, {
        train: { ...train, files: files("train", 12) },
        validation: { ...validation, files: files("val", 4) },
        test: { ...test, files: files("test", 3) },
      });
      assertEquals(digest?.length, 44); // 32 bytes in base 64
      const transforms = (data: Data): Data =>
        pipe(data, augment({ flip: "alternate", crop: 2, padding: "reflect" }), normalize(IMAGENET_STATS));
      const wanted = await trained(transforms({ train, validation, test }));
      assertEquals(await trained(transforms(fromFolder)), wanted);
    });
  },
});
