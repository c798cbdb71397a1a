/** Pictures in files: their order, what is read ahead, and the predictions against those of their pixels. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { NamedPicture } from "../../../pipeline/data/picture_bytes.ts";
import { directReader } from "../../../pipeline/data/image_reader.ts";
import { listPictures } from "../../../pipeline/data/folder.ts";
import { inputOf } from "../../../pipeline/data/images/input.ts";
import type { PictureInput } from "../../../pipeline/data/picture_input.ts";
import { type PicturePool, picturePool } from "../../../pipeline/data/picture_pool.ts";
import { answersOf } from "../../../pipeline/inference/ask.ts";
import { predictor } from "../../../pipeline/inference/predict.ts";
import { type PicturePrediction, predictPictures } from "../../../pipeline/inference/predict_pictures.ts";
import { loadModel, saveModel } from "../../../pipeline/runs/model_file.ts";
import { prepare } from "../../../pipeline/training/prepare.ts";
import { recipePictures } from "../../../pipeline/training/recipe_pictures.ts";
import { tree } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
import { madePicture, png, writeFiles } from "../data/made_pictures.ts";
import { pictureFile } from "../pictures.ts";
import { smallTrained } from "../small_trained.ts";

const NAMES = ["JPEG, chroma halved", "PNG", "GIF", "BMP", "WebP, whole"];

for (const threads of [0, 2]) {
  leakTest(
    `predictPictures: files in their order, on ${threads} threads, as predict says of their pixels`,
    () =>
      inFolder(async (dir) => {
        const trained = smallTrained();
        const { predict, dispose } = predictor(trained, { top: 2 });
        const pool = picturePool("input", { imageShape: trained.imageShape, preview: 30, maxPixels: 300 }, {
          threads,
        });
        try {
          const files: NamedPicture[] = [];
          for (let i = 0; i < 23; i++) {
            const path = join(dir, `${i}.jpg`);
            await Deno.writeFile(path, pictureFile(NAMES[i % 5]).file);
            files.push(path);
          }
          await Deno.writeTextFile(join(dir, "text.jpg"), "no picture");
          const large = pictureFile("GIF, its image beside the corner"); // 25 x 16
          const bad: NamedPicture[] = [join(dir, "text.jpg"), join(dir, "none.jpg"), dir, {
            name: "-",
            bytes: large.file,
          }];
          const sources = [...files.slice(0, 3), ...bad, ...files.slice(3)];
          const found = await Array.fromAsync(
            predictPictures(sources, { predict }, pool, { batchSize: 4 }),
          );
          assertEquals(
            found.map(({ file }) => file),
            sources.map((one) => typeof one === "string" ? one : one.name),
          );
          assertEquals(found.flatMap((one) => "problem" in one ? [one.problem] : []), [
            `Cannot decode ${dir}/text.jpg: its bytes are none of JPEG, PNG, GIF, BMP and WebP; ` +
            "take it out, or put a good one in its place",
            `Cannot read ${dir}/none.jpg: no such file or directory`,
            `Cannot read ${dir}: it is no file`,
            "Cannot decode -: the GIF has 25 x 16 pixels, more than the 300 that are allowed; " +
            "take it out, or put a good one in its place",
          ]);
          const good = found.filter((one): one is PicturePrediction => !("problem" in one));
          assertEquals(good.length, 23);
          for (const [i, { input, top, width, height, ms, preview }] of good.entries()) {
            const picture = pictureFile(NAMES[i % 5]);
            assertEquals([width, height, preview?.width, preview?.height], [21, 13, 30, 19]);
            assertEquals(input, inputOf(picture, trained));
            assert(ms > 0);
            const [alone] = predict(input);
            assertEquals(top.map(({ label }) => label), alone.map(({ label }) => label));
            top.forEach(({ probability }, place) => {
              assertAlmostEquals(probability, alone[place].probability, 1e-5);
            });
          }
        } finally {
          pool.close();
          dispose();
          tree.dispose(trained.variables);
        }
      }),
  );
}

leakTest(
  "predictPictures: of a folder's files what evaluation says of them, by the view of the model's file",
  () =>
    inFolder(async (dir) => {
      const sizes = [[40, 30], [12, 24], [16, 16], [33, 20], [9, 50]];
      const files = sizes.map((
        [width, height],
        i,
      ) => [`${i % 2}/${i}.png`, png(madePicture(i, width, height))]);
      writeFiles(join(dir, "photos"), Object.fromEntries(files));
      const step = { kind: "crop", size: 8, scale: [0.5, 1], ratio: [1, 1], augment: "none" } as const;
      for (const shorter of [8, 11]) {
        const { model, variables, transforms } = smallTrained();
        const network = {
          kind: "resnet",
          depths: [1, 1],
          cfg: { stem: "cifar", inputSize: 8, widths: [4, 8] },
        } as const;
        const recipe = { name: "small", network, transforms: [{ ...step, shorter }, ...transforms] };
        const folder = await listPictures(join(dir, "photos"));
        const { data } = await recipePictures(folder, recipe, { cache: shorter === 8 ? 0 : undefined });
        const { train: images } = prepare(data, recipe);
        await saveModel(join(dir, "model"), model, variables, images);
        tree.dispose(variables);

        const trained = await loadModel(join(dir, "model"));
        const { probabilities } = answersOf(trained, images, { batchSize: 5 });
        const { predict, dispose } = predictor(trained);
        const { imageShape, view } = trained;
        const pool = picturePool("input", { imageShape, view }, { threads: 1 });
        try {
          const found = await Array.fromAsync(
            predictPictures(images.files!, { predict }, pool, { batchSize: 5 }),
          );
          const reader = directReader(images);
          for (const [i, one] of found.entries()) {
            assert("input" in one);
            assertEquals(one.input, Uint8Array.from(reader.image(i)), "the same bytes");
            const top = one.top.toSorted((a, b) => a.label - b.label).map(({ probability }) => probability);
            assertEquals(top, [...probabilities.subarray(3 * i, 3 * i + 3)], "the same answers");
          }
          assertEquals(found.length, 5);
        } finally {
          pool.close();
          dispose();
          tree.dispose(trained.variables);
        }
      }
    }),
);

Deno.test("predictPictures reads no more ahead than two batches and what the threads are at", async () => {
  let [taken, answered] = [0, 0];
  const ahead: number[] = [];
  function* sources(): Generator<string> {
    for (; taken < 1000; taken++) yield `${taken}`;
  }
  const pool: Pick<PicturePool<PictureInput>, "read" | "threads"> = {
    threads: 2,
    read: () => Promise.resolve({ width: 1, height: 1, ms: 1, input: new Uint8Array(1) }),
  };
  const predict = (images: unknown) => {
    const { length } = images as Uint8Array;
    answered += length;
    ahead.push(taken - answered);
    return Array.from({ length }, (_, label) => [{ label, className: "", probability: 1 }]);
  };
  const options = { batchSize: 20, now: () => 0 };
  const found = await Array.fromAsync(predictPictures(sources(), { predict }, pool, options));
  assertEquals(found.map(({ file }) => file), Array.from({ length: 1000 }, (_, i) => `${i}`));
  assertEquals(ahead.length, 50);
  // Two batches and 2 of each thread.
  assert(Math.max(...ahead) <= 2 * 20 + 2 * 2, `${Math.max(...ahead)} ahead`);
});
