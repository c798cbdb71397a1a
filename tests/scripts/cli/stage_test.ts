import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decode } from "fast-png";
import { split } from "../../../pipeline/data/split.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import { CIFAR10_STATS, normalize, resize } from "../../../pipeline/transforms/transforms.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { packageFile } from "../../../runtime/system/package.ts";
import {
  formatReport,
  reportStage,
  showStage,
  type Stage,
  type StageReport,
} from "../../../scripts/cli/stage.ts";
import { runArgs } from "../../child.ts";
import { canLoadTensorFlow, granted } from "../../needs.ts";
import { smallData } from "../../pipeline/small_data.ts";

const LOAD: Stage = { name: "load", before: (data) => data };

Deno.test("reportStage of load: every part, statistics of the training images, the loading time", async () => {
  const report = await reportStage(LOAD, smallData(6, 3), 12.34, { out: undefined, sample: undefined });
  const { statistics, ...train } = report.parts.train;
  assertEquals(train, {
    images: 6,
    shape: [4, 4, 3],
    dtype: "uint8",
    classCounts: { ant: 2, bee: 2, cow: 2 },
  });
  assertEquals(statistics?.images, 6);
  assertEquals(report.parts.test, {
    images: 3,
    shape: [4, 4, 3],
    dtype: "uint8",
    classCounts: { ant: 1, bee: 1, cow: 1 },
  });
  assertEquals([report.stage, report.milliseconds, report.timedImages], ["load", 12.3, 9]);
});

Deno.test("reportStage of split: sizes, class counts and first indices of both parts", async () => {
  const stage: Stage = { name: "split", before: (data) => data, stage: split(0.25, { shuffle: false }) };
  const { parts, timedImages } = await reportStage(stage, smallData(8), 0, { out: undefined, sample: 2 });
  assertEquals(Object.keys(parts), ["train", "validation", "test"]);
  assertEquals([parts.train.images, parts.validation.images, timedImages], [6, 2, 8]);
  assertEquals(parts.train.firstIndices, [0, 1, 2, 3, 4, 5]);
  assertEquals(parts.validation.firstIndices, [6, 7]);
  assertEquals(parts.validation.classCounts, { ant: 1, bee: 1, cow: 0 });
  assertEquals(parts.test.firstIndices, undefined);
  assertEquals(parts.train.statistics?.images, 2);
});

Deno.test("reportStage refuses a sample larger than the training images", async () => {
  await assertRejects(
    () => reportStage(LOAD, smallData(6), 0, { out: undefined, sample: 7 }),
    UsageError,
    "Cannot use --sample 7: there are 6 training images",
  );
});

Deno.test("showStage refuses a contact sheet that is no PNG before it reads anything", async () => {
  await assertRejects(
    () => showStage(LOAD, { data: "nowhere", out: "sheet.jpg", sample: undefined, json: false }),
    UsageError,
    'Cannot use --out "sheet.jpg": expected a name that ends in .png',
  );
});

Deno.test("formatReport shows the time, each part and what the statistics are over", () => {
  const report: StageReport = {
    stage: "normalize",
    milliseconds: 1.5,
    timedImages: 2,
    parts: {
      train: {
        images: 4,
        shape: [8, 8, 3],
        dtype: "float32",
        classCounts: { cat: 3, dog: 1 },
        firstIndices: [3, 1, 0, 2],
        statistics: {
          images: 2,
          min: [-1, -1.5, -2.25],
          max: [1, 2, 3],
          mean: [0.5, -0.00001, 1],
          std: [1, 1, 0.98765],
        },
      },
      test: { images: 2, shape: [8, 8, 3], dtype: "float32", classCounts: { cat: 1, dog: 1 } },
    },
    out: "a.png",
  };
  assertEquals(
    formatReport(report),
    `normalize: 1.5 ms for 2 images

train: 4 images, [8, 8, 3] float32
  range: -2.2500 to 3, over the first 2 images
                   mean  deviation        min        max
  red            0.5000          1         -1          1
  green          0.0000          1    -1.5000          2
  blue                1     0.9877    -2.2500          3
  classes: cat 3, dog 1
  first indices: 3, 1, 0, 2

test: 2 images, [8, 8, 3] float32
  classes: cat 1, dog 1

wrote a.png`,
  );
});

Deno.test({
  name: "reportStage of normalize: the stage's own time, statistics after the transforms, a contact sheet",
  ignore: !canLoadTensorFlow,
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const out = join(dir, "new", "sheet.png");
      const stage: Stage = { name: "normalize", before: resize(8), stage: normalize(CIFAR10_STATS) };
      const { parts, milliseconds, timedImages } = await reportStage(stage, smallData(40), 0, {
        out,
        sample: 5,
      });
      assertEquals([parts.train.dtype, parts.train.shape, timedImages], ["float32", [8, 8, 3], 5]);
      assert(milliseconds > 0);
      assert(parts.train.statistics!.min.every((value) => value < 0));
      const { width, height } = decode(await Deno.readFile(out));
      assertEquals([width, height], [6 * 10 + 2, 6 * 10 + 2]); // 36 images
      assertEquals((await Array.fromAsync(Deno.readDir(join(dir, "new")))).length, 1);
      await assertRejects(
        () => reportStage(stage, smallData(40), 0, { out: join(out, "x.png"), sample: 5 }),
        UserError,
        `Cannot write ${join(out, "x.png")}: file exists; choose another file with --out`,
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "the stages together are the pipeline",
  ignore: !canLoadTensorFlow,
  async fn() {
    const data = pipe(smallData(10), resize(8), normalize(CIFAR10_STATS), split(0.2, { seed: 42 }));
    assertEquals(data.train.transforms.map(({ kind }) => kind), ["resize", "normalize"]);
    const stage: Stage = {
      name: "split",
      before: (data) => pipe(data, resize(8), normalize(CIFAR10_STATS)),
      stage: split(0.2, { seed: 42 }),
    };
    const { parts } = await reportStage(stage, smallData(10), 0, { out: undefined, sample: undefined });
    assertEquals(parts.validation.firstIndices, [8, 1]); // numpy.random.seed(42); shuffle(list(range(10)))[:2]
    assertEquals(parts.train.statistics?.images, 8);
  },
});

for (const task of ["load", "resize", "normalize", "split"]) {
  Deno.test({
    name: `deno task ${task}: help, wrong flags and missing data`,
    ignore: !granted("read", "write", "run", "env"),
    async fn() {
      const dir = await Deno.makeTempDir();
      const run = async (...args: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: runArgs(fromFileUrl(packageFile(`scripts/${task}.ts`)), ...args),
          cwd: dir,
          env: { NO_COLOR: "1" },
        }).output();
        return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
      };
      try {
        const [help, unknown, missing] = await Promise.all([run("--help"), run("--sise", "3"), run()]);
        assertEquals(help.code, 0);
        for (const flag of ["--size N", "--data DIR", "--out FILE.png", "--json"]) {
          assert(help.stdout.includes(flag), flag);
        }
        assertEquals(unknown.code, 2);
        assertMatch(unknown.stderr, /^error: Unknown flag --sise: did you mean --size\?/);
        assertEquals([missing.code, missing.stdout], [1, ""]);
        // `deno task` would put them into the checkout's data folder, if it ran here at all.
        const command = `deno run -A ${fromFileUrl(packageFile("scripts/main.ts"))} fetch-data`;
        const message = `Cannot read data/data_batch_1.bin: no such file; run "${command}" to fetch it`;
        assertEquals(missing.stderr, `error: ${message}\n`);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}
