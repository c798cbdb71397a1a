/** The page about a run: its numbers, what it does with texts that mean ill, and how a browser shows it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encode } from "fast-png";
import { join, toFileUrl } from "@std/path";
import { type Answers, confidentMistakes } from "../../../pipeline/inference/answers.ts";
import { type Report, reportHtml } from "../../../pipeline/reports/report.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { browserTest } from "../../browser.ts";
import { inFolder } from "../../in_folder.ts";

const png = encode({ width: 1, height: 1, data: Uint8Array.of(9, 8, 7), channels: 3, depth: 8 });

/** A report on images of which every third is taken for the next class. */
function made(classes: readonly string[], images: number): Report {
  const count = classes.length;
  const labels = Array.from({ length: images }, (_, image) => image % count);
  const probabilities = new Float32Array(images * count).fill(0.25 / (count - 1));
  labels.forEach((label, image) => {
    probabilities[image * count + (image % 3 === 0 ? (label + 1) % count : label)] = 0.75;
  });
  const answers: Answers = { probabilities, labels, classes: count };
  const ofEach = classes.map(() => 40);
  return {
    run: "a-run",
    info: {
      recipe: recipes.tutorial,
      seed: 3,
      precision: "bfloat16",
      cpu: { model: "a processor", instructions: "AVX-512", cores: 2 },
      versions: { deno: "2.9.6" },
      commit: "0123abc",
      started: "2026-11-25T09:30:07.899Z",
      test: { accuracy: 0.8125, correct: 13, images: 16, loss: 0.5 },
    },
    metrics: [1, 2].map((epoch) => ({
      ...{ epoch, step: epoch, seconds: 90 * epoch, imagesPerSecond: 100, learningRate: 0.1 },
      ...{ loss: 2 / epoch, lastLoss: 2 / epoch, validationAccuracy: epoch / 4 },
    })),
    network: { name: "ResNet-34", parameters: 21_289_802, input: [224, 224, 3] },
    classes,
    part: "test",
    precision: "float32",
    answers,
    mistakes: confidentMistakes(answers, 3).map((mistake) => ({ ...mistake, picture: png, map: png })),
    mapKind: "class activation map",
    counts: { training: ofEach.with(0, 20), validation: ofEach, test: ofEach },
    pictures: classes.map(() => png),
    repetition: { command: "deno task train --recipe tutorial --seed 3" },
  };
}

const NAMES = ["cat", "dog", "eel", "fox"];

/** The page's texts in order, tags left out. */
function texts(page: string): string {
  return page.replace(/<(style|svg)[^]*?<\/\1>/g, "").replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

Deno.test("reportHtml: the figure, the classes, the mistakes and the command", async () => {
  const page = texts(await reportHtml(made(NAMES, 12)));
  for (
    const text of [
      "66.67 % of the 12 test images are right: 8. ResNet-34, 21,289,802 parameters.",
      // (8 ln(4/3) + 4 ln 12) / 12, and the square root of 2/3 * 1/3 / 12.
      "convolutions in float32. The mean loss is 1.0201 nats. With so many images one standard error of the " +
      "accuracy is 13.61 points.",
      "81.25 % as the recipe measures (with the statistics of each batch)",
      "The run is not done: 2 of 20 epochs.",
      "cat 2 of 3 66.7 % 66.7 % dog (1)",
      "cat , taken for dog : 75.0 % sure, 8.3 % for cat (image 0)",
      "is 75.00 % on average, and it is right on 66.67 %: it is surer than it should be. " +
      "Expected calibration error: 8.33 % , with 15 bins",
      "140 training images, 160 validation images, 160 test images, of 4 classes. The smallest class has 50 %",
      "commit 0123abc",
      "deno task train --recipe tutorial --seed 3",
    ]
  ) assertStringIncludes(page, text);
});

Deno.test("reportHtml: of validation images, without an epoch, without mistakes", async () => {
  const report = made(NAMES, 12);
  const probabilities = new Float32Array(12 * 4);
  Array.from(report.answers.labels).forEach((label, image) => probabilities[4 * image + label] = 1);
  const answers = { ...report.answers, probabilities };
  const page = texts(
    await reportHtml({ ...report, part: "validation", metrics: [], mistakes: [], answers }),
  );
  assertStringIncludes(page, "100.00 % of the 12 validation images are right: 12.");
  assertStringIncludes(page, "The data set has no test images");
  assertStringIncludes(page, "0 of 0.");
  assertEquals(page.includes("NaN"), false);
});

Deno.test("reportHtml: of pictures: files' names, the best epoch, and whether the run has ended", async () => {
  const report = made(NAMES, 12);
  const { test: _, ...info } = report.info;
  const recipe = { ...recipes.photos, training: { ...recipes.photos.training, epochs: 40 } };
  const validation = { accuracy: 0.75, correct: 9, images: 12, loss: 1 };
  const shown = async (changed: Partial<Report>, more: Partial<Report["info"]>) => {
    const found = { ...info, recipe, digest: "d", ...more };
    return texts(await reportHtml({ ...report, part: "validation", bestEpoch: 1, ...changed, info: found }));
  };
  const mistakes = report.mistakes.map((mistake) => ({ ...mistake, file: `cat/${mistake.image}.jpg` }));
  const page = await shown({ mistakes }, { validation });
  for (
    const text of [
      "held out from training. Each was looked at once, its middle; running statistics",
      "of the best epoch, 1 of 2, chosen by the validation images, so that their figure is a little too good.",
      "on the validation images: 75.00 % as the recipe measures.",
      "8.3 % for cat (cat/0.jpg)",
      "In brackets: the file of each in the folder of the images. Beside each is where in it the network sees what it " +
      "takes it for, from yellow to red: class activation map.",
      "the pictures the first ones of a class, the middle of each.",
      "epochs 2 of at most 40, each of 140 images",
      "ends early patience 15",
    ]
  ) assertStringIncludes(page, text);
  const isUnfinished = (page: string) => page.includes("The run is not done: 2 of 40 epochs.");
  assertEquals(isUnfinished(page), false);
  assertEquals(isUnfinished(await shown({}, {})), true);
  // It is over when no epoch was better: here the second is, then as many as patience has are not.
  const [first, second] = report.metrics;
  const worse = Array.from({ length: 15 }, (_, i) => ({ ...first, epoch: 3 + i }));
  assertEquals((await shown({ metrics: [first, second, ...worse] }, {})).includes("not done"), false);
  assertEquals((await shown({}, { epochs: 2 })).includes("not done"), false);
});

Deno.test("reportHtml: needs no network, and runs nothing", async () => {
  const page = await reportHtml(made(NAMES, 12));
  const addresses = [...page.matchAll(/[a-z]+:\/\/[^"\s]*/g)].map(([address]) => address);
  assertEquals([...new Set(addresses)].sort(), [
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2000/svg",
  ]);
  assertEquals(/<script|<link|\son\w+=|url\(/.test(page), false);
});

const HOSTILE = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `' onload='alert(1)`,
  `&lt;b&gt; </style></title> \${1} <!--`,
];

Deno.test("reportHtml: names that mean ill are texts", async () => {
  const report = made(HOSTILE, 12);
  const recipe = { ...report.info.recipe, name: HOSTILE[0], about: HOSTILE[3] };
  const page = await reportHtml({
    ...report,
    run: HOSTILE[1],
    info: { ...report.info, recipe, init: HOSTILE[1], commit: HOSTILE[2], versions: { "<b>": "<i>" } },
    repetition: { command: HOSTILE[1], recipeFile: { name: HOSTILE[0], json: HOSTILE[3] } },
  });
  const plain = await reportHtml({
    ...made(NAMES, 12),
    repetition: { command: "", recipeFile: { name: "", json: "" } },
  });
  const tags = (page: string) =>
    [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replaceAll(/"[^"]*"/g, '""').replaceAll(/\s+/g, " "))
      .sort();
  // One row more for `init`.
  const row = ["<tr>", '<th scope="">', "</th>", "<td>", "</td>", "</tr>"];
  assertEquals(tags(page), [...tags(plain), ...row].sort());
  assert(page.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
  assertEquals(page.includes("onerror=alert(1)>"), false);
});

browserTest(
  "reportHtml: in a browser no error, no sideways scroll at 360 px, every picture with a text, contrast of 4.5",
  (open) =>
    inFolder(async (dir) => {
      const long = "a-class-whose-name-is-far-too-long-for-the-narrow-screen-of-a-phone-in-one-hand";
      const pages = [
        made([...HOSTILE, ...NAMES, long, "k"], 120),
        made(Array.from({ length: 30 }, (_, i) => `${i}`), 90),
      ];
      for (const report of pages) {
        const path = join(dir, "report.html");
        await Deno.writeTextFile(path, await reportHtml(report));
        for (const dark of [false, true]) {
          const page = await open(toFileUrl(path).href, { width: 360, dark });
          await page.until("document.images.length > 0");
          const { least, texts, ...found } = await page.look();
          const pictures = report.classes.length + 6;
          assertEquals([found, page.console], [{ width: 360, dark, pictures, unseen: 0, mute: 0 }, []]);
          assert(texts > 100 && least.ratio >= 4.5, JSON.stringify({ texts, least }));
        }
      }
    }),
);
