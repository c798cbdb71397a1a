/** `deno task train --data` on a folder of pictures, as a process: what it finds, trains, keeps, and goes on with. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Buffer } from "node:buffer";
import { decodeSafetensors } from "../../layers/formats/safetensors.ts";
import { listPictures } from "../../pipeline/data/folder.ts";
import { decodeImage } from "../../pipeline/data/images/decode.ts";
import { centerView } from "../../pipeline/data/images/resample.ts";
import { predict } from "../../pipeline/inference/predict.ts";
import { readMetrics, readRunInfo, RUN_FILES } from "../../pipeline/runs/folder.ts";
import { loadModel } from "../../pipeline/runs/model_file.ts";
import { tf, tree } from "../../runtime/mod.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { writeFiles } from "../pipeline/data/made_pictures.ts";
import { coloured, COLOURS, pictures } from "./made_photos.ts";
import { runScript } from "./run_script.ts";
import { outcome, Training } from "./training.ts";

/** Narrow, and with few epochs: a recipe that trains in no time. */
const SMALL = {
  extends: "photos",
  network: { depths: [1, 1], cfg: { widths: [4, 8] } },
  training: { epochs: 4, batchSize: 8, schedule: { rate: 0.02 } },
};

function processTest(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore: !canLoadTensorFlow, fn: () => inFolder(fn) });
}

processTest(
  "train --data on pictures: to its end, stopped and resumed to the same bits, tested, predicted",
  async (dir) => {
    writeFiles(dir, {
      ...pictures("photos", 10),
      "photos/blau/notes.txt": new TextEncoder().encode("no picture"),
      "photos/blau/broken.png": coloured(3, COLOURS.blau).subarray(0, 60),
      "photos/緑/empty.png": new Uint8Array(),
      "small.json": new TextEncoder().encode(JSON.stringify({ ...SMALL, name: "photos" })),
    });
    const flags = ["--recipe", "small.json", "--seed", "3"];
    const train = (...more: string[]) => runScript("train.ts", more, {}, dir);
    const { code, stdout, stderr } = await train("--data", "photos", "--run", "whole", ...flags);
    assertEquals(code, 0, stderr);
    const notes = stderr.split("\n");
    assertEquals(notes.filter((line) => /^(Images|photos|Left)/.test(line)), [
      "Images of 64 x 64 pixels, the smallest that there is, although half of the pictures are not above 38 on " +
      "their shorter side",
      "photos/: 30 images in 3 classes (train 24, validation 6), 1 unreadable, 1 empty, 1 other files",
      "Left out, unreadable: photos/blau/broken.png",
      "Left out, empty: photos/緑/empty.png",
      "Left out, other: photos/blau/notes.txt",
    ]);
    const lines = stdout.trimEnd().split("\n");
    assertMatch(
      lines.at(-5)!,
      /^Accuracy of the network on the 6 validation images: \d+\.\d\d % \(the best epoch, \d, chosen by them; there are no test images\)$/,
    );
    assertEquals(lines.at(-4), "class     images  accuracy");
    assertEquals(lines.slice(-3).map((line) => line.slice(0, 16)), [
      "blau           2",
      "red ones       2",
      "緑              2",
    ]);

    const info = await readRunInfo(join(dir, "whole"));
    assertEquals(info.classes, Object.keys(COLOURS));
    assertEquals(info.byClass?.map(({ name, images }) => [name, images]), [["blau", 2], ["red ones", 2], [
      "緑",
      2,
    ]]);
    assertEquals(info.byClass?.reduce((sum, { correct }) => sum + correct, 0), info.validation?.correct);
    assertEquals([info.test, info.recipe.validation], [undefined, {
      fraction: 0.2,
      seed: 42,
      stratify: true,
    }]);
    const metrics = await readMetrics(join(dir, "whole"));
    const best = Math.max(...metrics.map(({ validationAccuracy }) => validationAccuracy!));
    assertEquals(info.validation?.accuracy, best, "the best epoch is kept");

    const again = await runScript("test-accuracy.ts", ["--run", "whole", "--json"], {}, dir);
    const { accuracy, part, byClass } = JSON.parse(again.stdout);
    assertEquals([accuracy, part, byClass], [best, "validation", info.byClass]);

    const report = await runScript("report.ts", ["--run", "whole"], {}, dir);
    const figure = `${(100 * best).toFixed(2)} % of the 6 validation images`;
    assertMatch(report.stdout, new RegExp(`^Wrote whole/report.html: ${figure}, `));
    const page = await Deno.readTextFile(join(dir, "whole/report.html"));
    const bestEpoch = metrics.find(({ validationAccuracy }) => validationAccuracy === best)!.epoch;
    assertStringIncludes(page, `those of the best epoch, ${bestEpoch} of ${metrics.length}, chosen by`);
    assertStringIncludes(page, "24 training images, 6 validation images, of 3 classes.");
    const wrong = 6 - info.validation!.correct;
    const names = [...page.matchAll(/ \((blau|red ones|緑)\/(\d)\.png\)<\/figcaption>/g)];
    assertEquals(names.length, wrong, "mistakes have their files' names");
    assertEquals([...page.matchAll(/<img /g)].length, 3 + 2 * wrong);

    const exported = await runScript("export.ts", ["--run", "whole", "--to", "savedmodel"], {}, dir);
    assertMatch(exported.stdout, /, checked on 6 images, same answer on 6, /);
    const asPage = await runScript("export.ts", ["--run", "whole", "--to", "page"], {}, dir);
    assertMatch(
      asPage.stdout,
      /^page: whole\/model\.html 1\.\d MB, checked on 6 images, same answer on 6, largest difference \d\.\de-\d\d\n$/,
    );
    const tried = await Deno.readTextFile(join(dir, "whole/model.html"));
    assertStringIncludes(tried, "6 of the 6 validation images, which it was not trained on");
    assertStringIncludes(tried, "<td>the folder photos, 24 training images of 3 classes</td>");
    assertStringIncludes(tried, `${(100 * best).toFixed(2)} % of 6 validation images, which were held out`);
    assertEquals([...tried.matchAll(/class="test" value="(\d)"/g)].map(([, label]) => label).sort(), [
      ...["0", "0", "1", "1", "2", "2"],
    ]);

    const [photos, parts, recipe] = ["photos", "parts", "small.json"].map((name) => join(dir, name));
    const stopped = await new Training("--data", photos, "--run", parts, "--recipe", recipe, "--seed", "3")
      .signal(/^Epoch \[2/, "SIGINT");
    assertMatch(stopped.stdout.at(-1)!, /^Stopped at step \d+ of 12; /);
    // The folder may be elsewhere, and flags may be repeated.
    await Deno.rename(photos, join(dir, "moved"));
    const gone = await runScript("test-accuracy.ts", ["--run", "whole"], {}, dir);
    assertEquals([gone.code, gone.stderr], [
      1,
      `error: Cannot test whole: there is no folder ${photos}; give that of its pictures as --data\n`,
    ]);
    const moved = await new Training("--resume", parts, "--data", join(dir, "moved"), "--recipe", recipe)
      .end();
    assertEquals(moved.code, 0, moved.stderr.join("\n"));
    assertEquals(await outcome(parts), await outcome(join(dir, "whole")));
    await Deno.rename(join(dir, "moved"), photos);
    await Deno.remove(join(photos, "red ones", "4.png"));
    const other = await train("--resume", "whole");
    assertEquals([other.code, other.stderr.trimEnd().split("\n").at(-1)], [
      1,
      "error: Cannot resume whole: the images are not those that it was begun with; give the folder of these as --data, " +
      "or start a new run",
    ]);

    await tf.ready();
    const trained = await loadModel(join(dir, "whole"));
    assertEquals(trained.view, { shorter: 64, size: 64 });
    assertEquals(trained.classes, Object.keys(COLOURS));
    const { train: files } = await listPictures(join(dir, "photos"));
    const read = files.filter(({ path }) => !path.endsWith("broken.png"));
    const inputs = read.map(({ path }) =>
      centerView(decodeImage(Deno.readFileSync(path), { name: path }), trained.view!).pixels
    );
    const found = predict(trained, new Uint8Array(Buffer.concat(inputs)), { top: 1 });
    tree.dispose(trained.variables);
    const right = found.filter(([{ label }], i) => label === read[i].label).length;
    assert(right > 20, `${right} of ${read.length} training pictures are found`);
  },
);

processTest(
  "train --data on pictures: test images of their own, another recipe, patience, --strict",
  async (dir) => {
    writeFiles(dir, {
      ...pictures("photos/train", 6),
      ...pictures("photos/val", 2, 50),
      ...pictures("photos/test", 1, 80),
      "photos/README": new TextEncoder().encode("mine"),
      "one.json": new TextEncoder().encode(JSON.stringify({
        extends: "resnet20",
        network: { depths: [1, 1, 1], cfg: { widths: [4, 4, 4] } },
        training: { epochs: 9, batchSize: 6, schedule: { rate: 0 } },
      })),
    });
    const train = (...more: string[]) =>
      runScript("train.ts", ["--data", "photos", "--recipe", "one.json", ...more], {}, dir);
    const strict = await train("--strict");
    assertEquals([strict.code, strict.stderr.trimEnd()], [
      1,
      "error: Cannot use all of photos: photos/README is no picture; take it out, or leave out --strict",
    ]);
    // At the rate 0 the weights stay as they are: epochs differ by the statistics only.
    const { code, stdout, stderr } = await train("--run", "run", "--patience", "2");
    assertEquals(code, 0, stderr);
    assertMatch(
      stderr,
      /^photos\/: 27 images in 3 classes \(train 18, validation 6, test 3\), 0 unreadable, 1 other/m,
    );
    const metrics = await readMetrics(join(dir, "run"));
    const accuracies = metrics.map(({ validationAccuracy }) => validationAccuracy!);
    const best = accuracies.indexOf(Math.max(...accuracies)) + 1;
    assertEquals(metrics.length, Math.min(9, best + 2));
    const line = `^Accuracy of the network on the 3 test images: .* % \\(the best epoch, ${best}\\)$`;
    assertMatch(stdout, new RegExp(line, "m"));
    const { test, byClass, recipe } = await readRunInfo(join(dir, "run"));
    assertEquals([test?.images, byClass?.map(({ images }) => images)], [3, [1, 1, 1]]);
    assertEquals(recipe.stopping, { patience: 2 });
    const { tensors } = decodeSafetensors(
      await Deno.readFile(join(dir, "run", RUN_FILES.weights)),
      "weights",
    );
    const counter = Object.keys(tensors).find((name) => name.endsWith("num_batches_tracked"))!;
    assertEquals(
      Number(tensors[counter].data[0]),
      metrics[best - 1].step,
      "the weights are the best epoch's",
    );
    const again = await runScript("test-accuracy.ts", ["--run", "run"], {}, dir);
    assertMatch(
      again.stdout,
      new RegExp(`^Accuracy of the network on the 3 test images: .* \\(the best epoch, ${best}\\)\n`),
    );
    assertMatch(again.stderr, /\nLook: deno run -A \S+ report --run run\n$/);
    const report = await runScript("report.ts", ["--run", "run", "--out", "page.html"], {}, dir);
    const { accuracy } = test!;
    const figure = `${(100 * accuracy).toFixed(2)} % of the 3 test images`;
    assertMatch(report.stdout, new RegExp(`^Wrote page.html: ${figure}, `));
    assertStringIncludes(await Deno.readTextFile(join(dir, "page.html")), `of the best epoch, ${best} of`);
    const resumed = await runScript("train.ts", ["--resume", "run"], {}, dir);
    assertEquals([resumed.code, resumed.stdout], [0, stdout.split("\n").slice(-6).join("\n")]);

    // Minutes: as many epochs as they have room for, with no memory for decoded pictures.
    const short = await train("--run", "short", "--minutes", "0.1", "--epochs", "5000", "--cache", "0");
    assertEquals(short.code, 0, short.stderr);
    const { epochs, test: tested } = await readRunInfo(join(dir, "short"));
    assertMatch(short.stderr, new RegExp(`: ${epochs} of 5000 fit into 0.1 minutes$`, "m"));
    const shortMetrics = await readMetrics(join(dir, "short"));
    assert(shortMetrics.length <= epochs! && epochs! < 5000 && shortMetrics.at(-1)!.seconds < 7);
    const ended = await runScript("train.ts", ["--resume", "short"], {}, dir);
    assertEquals([ended.code, ended.stdout.split("\n").length], [0, 6], ended.stderr);
    assertEquals((await readRunInfo(join(dir, "short"))).test, tested);
  },
);
