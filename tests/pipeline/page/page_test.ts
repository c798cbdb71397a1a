/** A page that classifies, in a browser: its answers on every engine, what a person does with it, how it looks. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { type Arrays, resnet, toTensors } from "../../../layers/mod.ts";
import { inputOf, type Picture } from "../../../pipeline/data/mod.ts";
import { predict, predictor, type TrainedModel } from "../../../pipeline/inference/mod.ts";
import { networkIn, type Page, pageHtml, pageNetwork } from "../../../pipeline/page/mod.ts";
import { pngOf } from "../../../pipeline/reports/picture_file.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { browserTest, type OpenPage } from "../../browser.ts";
import { inFolder } from "../../in_folder.ts";
import { trainedArrays } from "../../layers/formats/exported_models.ts";
import { canLoadTensorFlow } from "../../needs.ts";

const CLASSES = ["ant", "bee", "cow", "dog", "eel", "fox"];

/** A network on images that it resizes, which takes pictures for any of its classes; the weights are the caller's. */
async function trained(classes: readonly string[] = CLASSES): Promise<TrainedModel> {
  await tf.ready();
  const model = resnet([1, 1], { stem: "cifar", inputSize: 16, widths: [8, 16], numClasses: classes.length });
  const { params, batchStats } = trainedArrays(model);
  const { shape, data } = params["fc.weight"];
  const sharp: Arrays["params"] = { ...params, "fc.weight": { shape, data: data.map((value) => 8 * value) } };
  const network = (params: Arrays["params"]): TrainedModel => ({
    model,
    variables: toTensors({ params, batchStats }),
    imageShape: [20, 20, 3],
    transforms: [
      { kind: "resize", size: 16, quantize: false },
      { kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] },
    ],
    classes,
  });
  // Without its favourites: the bias is lowered by the mean of the logits.
  const partial = network(sharp);
  const answers = predict(
    partial,
    Uint8Array.from(PICTURES.flatMap((picture) => [...inputOf(picture, partial)])),
    {
      top: classes.length,
    },
  );
  tree.dispose(partial.variables);
  const bias = params["fc.bias"].data.map((value, label) => {
    const logs = answers.map((guesses) =>
      Math.log(guesses.find((guess) => guess.label === label)!.probability)
    );
    return value - logs.reduce((sum, log) => sum + log) / logs.length;
  });
  return network({ ...sharp, "fc.bias": { shape: [classes.length], data: bias } });
}

/** A picture with some order in it, another one for each number. */
function picture(number: number, { width, height } = { width: 20, height: 20 }): Picture {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 127 + 120 * Math.sin(x * (number % 7) / 5 + y * (number % 11) / 7 + (i % 3) * number);
  });
  return { width, height, pixels };
}

/** Of three sizes, one of them the network's. */
const PICTURES = Array.from({ length: 200 }, (_, number) => {
  const [width, height] = [[20, 20], [31, 50], [130, 90]][number % 3];
  return picture(number, { width, height });
});

/** A page of that network with three pictures to try, and what differs from that. */
async function made(network: TrainedModel, changes: Partial<Page> = {}): Promise<string> {
  return await pageHtml({
    name: "Net-8",
    network: pageNetwork(network, { float16: false }),
    facts: [["data", "made"]],
    gallery: [2, 0, 1].map((label, i) => ({ file: pngOf(picture(i)), label })),
    galleryOf: "90 test images",
    ...changes,
  });
}

/** Writes a file into a folder; its path. */
async function written(dir: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  return path;
}

const STATUS = `document.getElementById("status").textContent`;

/** What stands in the list of answers, the first one first. */
async function answersIn(
  page: OpenPage,
): Promise<{ text: string; guesses: [label: number, share: number][] }[]> {
  return await page.evaluate(`[...document.querySelectorAll("#answers > li")].map((entry) => ({
    text: entry.innerText.replaceAll(/\\s+/g, " "),
    guesses: [...entry.querySelectorAll(".guess")].map((button) =>
      [Number(button.value), parseFloat(button.querySelector(".bar").style.width) / 100]),
  }))`) as { text: string; guesses: [number, number][] }[];
}

/** Waits for so many entries in the list. */
const listed = (page: OpenPage, count: number): Promise<void> =>
  page.until(
    `document.querySelectorAll("#answers > li").length === ${count} && /Computed/.test(${STATUS})`,
  );

const ENGINES: readonly (readonly [name: string, text: string, pictures: number])[] = [
  ["wasm", "WebAssembly", 200],
  ["cpu", "JavaScript", 30],
  ["webgl", "WebGL", 30],
  ["webgpu", "WebGPU", 30],
];

browserTest("a page, on each engine: the answers that the network itself gives", async (open) => {
  const network = await trained();
  const { predict, dispose } = predictor(network);
  const expected = PICTURES.map((picture) => predict(inputOf(picture, network))[0]);
  assertEquals(new Set(expected.map(([{ label }]) => label)).size, CLASSES.length);
  await inFolder(async (dir) => {
    const files = await Promise.all(PICTURES.map((picture, i) => written(dir, `${i}.png`, pngOf(picture))));
    const path = await written(dir, "page.html", await made(network, { gallery: [] }));
    for (const [engine, name, count] of ENGINES) {
      const page = await open(`${toFileUrl(path)}?engine=${engine}`);
      await page.until(`${STATUS} === "Ready. Computed by ${name}, on this device."`);
      for (let from = 0; from < count; from += 100) {
        const some = files.slice(from, Math.min(count, from + 100));
        await page.evaluate(`document.getElementById("answers").replaceChildren()`);
        await page.choose("#files", some);
        await listed(page, some.length);
        (await answersIn(page)).reverse().forEach(({ guesses }, i) => {
          const own = expected[from + i];
          assertEquals(
            guesses.map(([label]) => label),
            own.map(({ label }) => label),
            `${engine}, ${from + i}`,
          );
          // Of what a style keeps of a number there are six digits.
          guesses.forEach(([, share], place) => {
            assert(
              Math.abs(share - own[place].probability) < 1e-5,
              `${engine}: ${share}, ${own[place].probability}`,
            );
          });
        });
      }
      assertEquals(page.console, []);
    }
  });
  dispose();
  tree.dispose(network.variables);
});

/** Files as a person drags or pastes them, in a browser's words: a picture, and one that is none. */
const FILES = `(() => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob("${
  pngOf(picture(9)).toBase64()
}"), (c) => c.charCodeAt(0))], "a <b>.png"));
  files.items.add(new File(["not a picture"], "notes.txt"));
  return files;
})()`;

browserTest(
  "a page: pictures that are tried, chosen, dropped, pasted and taken; maps; what is no picture",
  async (open) => {
    const network = await trained();
    await inFolder(async (dir) => {
      const page = await open(toFileUrl(await written(dir, "page.html", await made(network))).href);
      // A processor stands in for the graphics card here, which WebAssembly is faster than.
      await page.until(`/^Picture 1: .*Computed by WebAssembly in \\d+ ms\\.$/.test(${STATUS})`);
      const [first] = await answersIn(page);
      assertMatch(first.text, /^Picture 1, 20 x 20 (\w+), \d+\.\d % The truth: cow\. (Right|Wrong)\./);
      assertEquals(first.text.includes("Right."), first.guesses[0][0] === 2);

      await page.evaluate(`document.querySelectorAll("button.test")[1].click()`);
      await listed(page, 2);
      assertMatch((await answersIn(page))[0].text, /^Picture 2, .* The truth: ant\./);

      await page.evaluate(
        `document.dispatchEvent(new DragEvent("drop", { dataTransfer: ${FILES}, cancelable: true }))`,
      );
      await listed(page, 4);
      const [notes, dropped] = await answersIn(page);
      assertEquals(notes, { text: "notes.txt: this browser cannot read it as a picture.", guesses: [] });
      assertStringIncludes(dropped.text, "a <b>.png, 20 x 20");
      assertEquals(dropped.text.includes("truth"), false);

      await page.evaluate(`document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: ${FILES} }))`);
      await listed(page, 6);
      assertEquals((await answersIn(page))[1], dropped);

      await page.evaluate(
        `document.dispatchEvent(new DragEvent("drop", { dataTransfer: new DataTransfer() }))`,
      );
      await listed(page, 7);
      assertStringIncludes((await answersIn(page))[0].text, "What was dropped is no file");

      await page.evaluate(`document.getElementById("camera").click()`);
      await page.until(
        `document.querySelector("video").checkVisibility() && document.querySelector("video").videoWidth > 0`,
      );
      await page.evaluate(`document.getElementById("take").click()`);
      await listed(page, 8);
      assertMatch((await answersIn(page))[0].text, /^camera, \d+ x \d+ /);
      await page.evaluate(`document.getElementById("close").click()`);
      await page.until(
        `document.getElementById("camera").checkVisibility() && !document.querySelector("video").checkVisibility()`,
      );

      assertEquals(page.console, []);
      await checkMaps(page);
    });
    tree.dispose(network.variables);
  },
);

/** By the keyboard: the map of the first class is shown, another one's when that is pressed, none when it is pressed again. */
async function checkMaps(page: OpenPage): Promise<void> {
  await page.evaluate(`document.querySelectorAll("button.test")[2].click()`);
  await page.until(`document.querySelector("figcaption").textContent === "Picture 3, 20 x 20"`);
  const shown = () =>
    page.evaluate(`(() => {
      const entry = document.querySelector(".answer");
      const canvas = entry.querySelector("canvas");
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      const pressed = [...entry.querySelectorAll(".guess")].map((button) => button.ariaPressed === "true");
      return { label: canvas.ariaLabel, pixels: btoa(String.fromCharCode(...pixels)), pressed };
    })()`) as Promise<{ label: string; pixels: string; pressed: boolean[] }>;
  const rgba = ({ pixels }: Picture) =>
    Uint8Array.from(
      { length: pixels.length / 3 * 4 },
      (_, i) => i % 4 === 3 ? 255 : pixels[3 * (i >> 2) + i % 4],
    );
  const [{ guesses }] = await answersIn(page);
  const names = guesses.map(([label]) => CLASSES[label]);

  const first = await shown();
  assertEquals([first.label, first.pressed], [
    `Picture 3, in colour where “${names[0]}” is seen`,
    [true, false, false, false, false],
  ]);
  await page.evaluate(`document.querySelector(".guess").focus()`);
  await page.press("Tab");
  await page.press("Enter");
  const second = await shown();
  assertEquals([second.label, second.pressed], [
    `Picture 3, in colour where “${names[1]}” is seen`,
    [false, true, false, false, false],
  ]);
  await page.press("Enter");
  const none = await shown();
  assertEquals([none.label, none.pressed], ["Picture 3", [false, false, false, false, false]]);
  assertEquals(Uint8Array.fromBase64(none.pixels), rgba(picture(2)));
  assert(first.pixels !== none.pixels, "a map is seen");
}

browserTest("a page that computes something else does not answer, and says so", async (open) => {
  const network = await trained();
  const right = pageNetwork(network, { float16: false });
  const wrong = { ...right, expected: right.expected.map((value) => 1 - value) };
  await inFolder(async (dir) => {
    const path = await written(dir, "page.html", await made(network, { network: wrong }));
    const page = await open(`${toFileUrl(path)}?engine=cpu`);
    await page.until(
      `${STATUS} === "This page cannot compute here. JavaScript: it computes something else than the network"`,
    );
  });
  tree.dispose(network.variables);
});

const LONG = "a-class-whose-name-is-far-too-long-for-the-narrow-screen-of-a-phone-in-one-hand";

const HOSTILE = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `' onload='alert(1)`,
  `</script></style></title> \${1} <!-- \u2028`,
  LONG,
  "ant",
];

browserTest(
  "a page: no sideways scroll at 360 px, every picture with a text, contrast of 4.5, by day and by night",
  async (open) => {
    const network = await trained(HOSTILE);
    await inFolder(async (dir) => {
      const path = await written(dir, "page.html", await made(network, { facts: [["data", LONG]] }));
      for (const dark of [false, true]) {
        const page = await open(toFileUrl(path).href, { width: 360, dark });
        await listed(page, 1);
        await page.evaluate(`document.dispatchEvent(new DragEvent("drop", { dataTransfer: ${FILES} }))`);
        await listed(page, 3);
        const { texts, least, ...found } = await page.look();
        assertEquals(found, { width: 360, dark, pictures: 3, unseen: 0, mute: 0 });
        assert(texts > 30 && least.ratio >= 4.5, JSON.stringify({ texts, least }));
        assertEquals(page.console, []);
      }
    });
    tree.dispose(network.variables);
  },
);

Deno.test({
  name: "pageHtml: names that mean ill are texts, and nothing is loaded or run but what the policy names",
  ignore: !canLoadTensorFlow,
  async fn() {
    const [network, plain] = [await trained(HOSTILE), await trained()];
    const page = await made(network, {
      name: HOSTILE[0],
      facts: [[HOSTILE[1], HOSTILE[3]]],
      galleryOf: HOSTILE[2],
    });
    const tags = (page: string) =>
      [...page.replaceAll(/(<script>)[^]*?(<\/script>)/g, "$1$2").matchAll(/<[^>]*>/g)].map(([tag]) =>
        tag.replaceAll(/"[^"]*"/g, '""')
      );
    assertEquals(tags(page), tags(await made(plain)));
    assertEquals(networkIn(page).classes, HOSTILE);

    const [, policy] = page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)!;
    const scripts = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(([, text]) => text);
    const hashes = await Promise.all(scripts.map(async (text) => {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      return `&#39;sha256-${new Uint8Array(digest).toBase64()}&#39;`;
    }));
    assertEquals(
      policy,
      `default-src 'none'; img-src data:; style-src 'unsafe-inline'; connect-src blob:; script-src 'wasm-unsafe-eval' `
        .replaceAll("'", "&#39;") + hashes.join(" "),
    );
    tree.dispose([network.variables, plain.variables]);
  },
});
