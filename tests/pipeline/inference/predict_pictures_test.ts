/** Pictures in files: their order, what is read ahead, and the predictions against those of their pixels. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type InputPool, inputPool } from "../../../pipeline/inference/input_pool.ts";
import { inputOf } from "../../../pipeline/inference/picture_input.ts";
import { predictor } from "../../../pipeline/inference/predict.ts";
import { type PicturePrediction, predictPictures } from "../../../pipeline/inference/predict_pictures.ts";
import type { PictureSource } from "../../../pipeline/inference/read_inputs.ts";
import { tree } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
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
        const pool = inputPool({ imageShape: trained.imageShape, preview: 30, maxPixels: 300 }, threads);
        try {
          const files: PictureSource[] = [];
          for (let i = 0; i < 23; i++) {
            const path = join(dir, `${i}.jpg`);
            await Deno.writeFile(path, pictureFile(NAMES[i % 5]).file);
            files.push(path);
          }
          await Deno.writeTextFile(join(dir, "text.jpg"), "no picture");
          const large = pictureFile("GIF, its image beside the corner"); // 25 x 16
          const bad: PictureSource[] = [join(dir, "text.jpg"), join(dir, "none.jpg"), dir, {
            name: "-",
            bytes: large.file,
          }];
          const sources = [...files.slice(0, 3), ...bad, ...files.slice(3)];
          const found = await Array.fromAsync(
            predictPictures(sources, { predict }, pool, { batchSize: 4, chunk: 3 }),
          );
          assertEquals(
            found.map(({ file }) => file),
            sources.map((one) => typeof one === "string" ? one : one.name),
          );
          assertEquals(found.flatMap((one) => "problem" in one ? [one.problem] : []), [
            `Cannot decode ${dir}/text.jpg: its bytes are none of JPEG, PNG, GIF, BMP and WebP; ` +
            "take it out, or put a good one in its place",
            `Cannot read ${dir}/none.jpg: no such file`,
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

Deno.test("predictPictures reads no more ahead than a batch and what the threads are at", async () => {
  let [taken, answered] = [0, 0];
  const ahead: number[] = [];
  function* sources(): Generator<string> {
    for (; taken < 1000; taken++) yield `${taken}`;
  }
  const pool: Pick<InputPool, "read" | "threads"> = {
    threads: 2,
    read(sources) {
      const results = sources.map(() => ({ width: 1, height: 1, ms: 1 }));
      return Promise.resolve({ inputs: new Uint8Array(sources.length), results });
    },
  };
  const predict = (images: unknown) => {
    const { length } = images as Uint8Array;
    answered += length;
    ahead.push(taken - answered);
    return Array.from({ length }, (_, label) => [{ label, className: "", probability: 1 }]);
  };
  const options = { batchSize: 20, chunk: 5, now: () => 0 };
  const found = await Array.fromAsync(predictPictures(sources(), { predict }, pool, options));
  assertEquals(found.map(({ file }) => file), Array.from({ length: 1000 }, (_, i) => `${i}`));
  assertEquals(ahead.length, 50);
  // 4 chunks of a batch and 2 of each thread, one of which is complete only when the next is begun.
  assert(Math.max(...ahead) <= 8 * 5, `${Math.max(...ahead)} ahead`);
});
