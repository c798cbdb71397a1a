/** `deno task predict` as a process: what it prints, and how it ends. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { decode } from "fast-png";
import { fromFileUrl, join } from "@std/path";
import { predict, type Prediction } from "../../pipeline/inference/predict.ts";
import { inputOf } from "../../pipeline/data/images/input.ts";
import { tf, tree } from "../../runtime/mod.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { mapName } from "../../scripts/predict.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { pictureFile } from "../pipeline/pictures.ts";
import { savedTrained } from "../pipeline/small_trained.ts";
import { runScript } from "./run_script.ts";

const PICTURES = { "a.jpg": "JPEG, chroma halved", "b.png": "PNG", "deep/c.gif": "GIF" };

/** A test with a model's file and a folder of pictures. */
function test(
  name: string,
  fn: (dir: string, model: string, expected: Prediction[][]) => Promise<void>,
): void {
  Deno.test({
    name: `predict: ${name}`,
    ignore: !canLoadTensorFlow,
    fn: () =>
      inFolder(async (dir) => {
        await tf.ready();
        const { model, trained } = await savedTrained(dir);
        await Deno.mkdir(join(dir, "photos/deep"), { recursive: true });
        for (const [path, name] of Object.entries(PICTURES)) {
          await Deno.writeFile(join(dir, "photos", path), pictureFile(name).file);
        }
        const expected = Object.values(PICTURES).map((name) =>
          predict(trained, inputOf(pictureFile(name), trained))[0]
        );
        tree.dispose(trained.variables);
        await fn(dir, model, expected);
      }),
  });
}

test(
  "a line a picture; what cannot be read is named and counted, and makes it end with 1",
  async (dir, model) => {
    const photos = join(dir, "photos");
    const good = await runScript("predict.ts", ["--run", model, photos]);
    assertEquals(good.code, 0);
    assertEquals(good.stderr.trimEnd().split("\n").at(-1), `Take it along: deno task export --run ${model}`);
    const lines = good.stdout.trimEnd().split("\n");
    assertEquals(lines.map((line) => line.slice(photos.length + 1).split(":")[0]), [
      "a.jpg",
      "b.png",
      "deep/c.gif",
    ]);
    for (const line of lines) {
      const look =
        /: 21x13 (ant|bee|c,"o\\nw) 0\.\d\d, (ant|bee|c,"o\\nw) 0\.\d\d, (ant|bee|c,"o\\nw) 0\.\d\d, [\d.]+ ms$/;
      assert(look.test(line), line);
    }
    await Deno.writeTextFile(join(photos, "d.jpg"), "text");
    const { code, stdout, stderr } = await runScript("predict.ts", [
      "--run",
      model,
      "--topk=1",
      photos,
      join(dir, "none.jpg"),
      model,
    ]);
    assertEquals([code, stdout.trimEnd().split("\n").length], [1, 3]);
    assertStringIncludes(stderr, `Cannot read ${photos}/d.jpg: it cannot be opened, or is no picture\n`);
    assertStringIncludes(stderr, `Cannot read ${dir}/none.jpg: no such file or folder\n`);
    assertStringIncludes(stderr, `Cannot decode ${model}: its bytes are none of JPEG`);
    assertStringIncludes(stderr, "\nerror: Cannot read 3 of 6 pictures, named above\n");
  },
);

test(
  "--json and --csv say what predict says of the pixels; - is standard input",
  async (dir, model, expected) => {
    const names = Object.keys(PICTURES).map((path) => join(dir, "photos", path));
    const json = await runScript("predict.ts", ["--run", model, "--json", ...names]);
    const objects = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(objects.map(({ file }) => file), names);
    for (const [i, { label, probability, top }] of objects.entries()) {
      assertEquals(top[0], { label, probability });
      assertEquals(
        top.map((one: { label: string }) => one.label),
        expected[i].map(({ className }) => className),
      );
      expected[i].forEach((one, place) => assertAlmostEquals(top[place].probability, one.probability, 1e-5));
    }

    const process = new Deno.Command(Deno.execPath(), {
      args: runArgs(
        fromFileUrl(packageFile("scripts/predict.ts")),
        "--run",
        model,
        "--csv",
        "--topk",
        "1",
        "-",
      ),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(pictureFile("PNG").file);
    await writer.close();
    const csv = new TextDecoder().decode((await process.output()).stdout);
    const label = expected[1][0].className;
    assertEquals(csv.slice(0, 60).split("\n")[0], "file,width,height,ms,label,probability");
    assertStringIncludes(csv, /["\n]/.test(label) ? `,"${label.replaceAll('"', '""')}",0.` : `,${label},0.`);
  },
);

test("--explain draws a map for each picture", async (dir, model) => {
  const { code, stdout, stderr } = await runScript(
    "predict.ts",
    ["--run", model, "--json", "--explain", "maps", "photos/a.jpg", "photos/deep"],
    {},
    dir,
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line).map), [
    "maps/photos/a.jpg.cam.png",
    "maps/photos/deep/c.gif.cam.png",
  ]);
  assertStringIncludes(stderr, "class activation map of each in maps\n");
  const { width, height } = decode(await Deno.readFile(join(dir, "maps/photos/a.jpg.cam.png")));
  assertEquals([width, height], [480, 297]);
  const one = await runScript(
    "predict.ts",
    ["--run", model, "--explain", "maps", "photos/a.jpg"],
    {},
    dir,
  );
  assertStringIncludes(one.stderr, "class activation map in maps/photos/a.jpg.cam.png\n");
});

test("wrong usage, and folders without pictures", async (dir, model) => {
  const { code, stderr } = await runScript("predict.ts", ["--json", "--csv", "--run", model, "a"]);
  assertEquals([code, stderr], [2, "error: Cannot use --json and --csv together: choose one\n"]);
  await Deno.mkdir(join(dir, "empty"));
  const empty = await runScript("predict.ts", ["--run", model, join(dir, "empty")]);
  assertEquals([empty.code, empty.stderr], [
    1,
    `error: Cannot predict: there are no pictures in ${dir}/empty\n`,
  ]);
});

Deno.test("predict: the name of a map says what it is, and stays in its folder", () => {
  assertEquals(mapName("a/b.jpg", "class activation map"), "a/b.jpg.cam.png");
  assertEquals(mapName("/a/./b.jpg", "Grad-CAM"), "a/b.jpg.grad-cam.png");
  assertEquals(mapName("../../b.jpg", "Grad-CAM"), "_/_/b.jpg.grad-cam.png");
  assertEquals(mapName("-", "Grad-CAM"), "stdin.grad-cam.png");
});
