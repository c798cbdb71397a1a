/** The way over npm, with a command `npm` made up for each test. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { encode } from "fast-png";
import { packFromNpm, readNpmPackage } from "../../../../pipeline/data/cifar/npm.ts";
import { UserError } from "../../../../runtime/system/errors.ts";
import { silent } from "../../../../runtime/system/progress.ts";
import { granted } from "../../../needs.ts";
import { withNpm, withoutNpm } from "../../fake_npm.ts";
import { Recorder } from "../../recorder.ts";
import { catalogue, CONTENTS, PACKAGE, tarGz } from "../../tiny_cifar.ts";

const ignore = !granted("read", "write", "run", "env") || Deno.build.os === "windows";

/** SHA-512 of "abc" in base64 (FIPS 180-2, appendix C.1). */
const ABC = {
  spec: "tiny-cifar@1.0.0",
  sha512: "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
  bytes: 3,
};

/** Runs a test with an empty folder. */
function npmTest(name: string, test: (dir: string) => Promise<void>): void {
  const fn = async () => {
    const dir = await Deno.makeTempDir();
    try {
      await test(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  };
  Deno.test({ name, ignore, fn });
}

npmTest("packFromNpm returns the tarball and shows its size", async (dir) => {
  const progress = new Recorder();
  const script = `printf %s "$*" > "${dir}/args"; printf abc > "$4/tiny-cifar-1.0.0.tgz"`;
  const tarball = await withNpm(script, () => packFromNpm(ABC, dir, { progress, label: "tiny" }));
  assertEquals(tarball, join(dir, "tarball", "tiny-cifar-1.0.0.tgz"));
  assertEquals(
    await Deno.readTextFile(join(dir, "args")),
    `pack tiny-cifar@1.0.0 --pack-destination ${dir}/tarball --cache ${dir}/cache --ignore-scripts ` +
      "--loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000",
  );
  const [{ label, total, unit, done, stopped }] = progress.bars;
  assertEquals([label, total, unit, done.at(-1), stopped], ["tiny", 3, "bytes", 3, true]);
});

npmTest("packFromNpm shows how npm's cache grows", async (dir) => {
  const seen: number[] = [];
  let found = (): void => {};
  const grown = new Promise<void>((resolve) => found = resolve);
  const progress = {
    ...silent,
    start: () => ({
      update: (done: number) => void (seen.push(done), done === 2 && found()),
      stop: () => {},
    }),
  };
  // Goes on when the test has seen the two bytes, so that there is no clock in it.
  const script = `mkdir -p "$6/a/b"; printf ab > "$6/a/b/c"
    while [ ! -e "${dir}/go" ]; do sleep 0.02; done
    printf abc > "$4/a.tgz"`;
  await withNpm(script, async () => {
    const packed = packFromNpm(ABC, dir, { progress, label: "tiny" });
    await grown;
    await Deno.writeTextFile(join(dir, "go"), "");
    await packed;
  });
  assertEquals([seen.includes(2), seen.at(-1)], [true, 3]);
});

npmTest("packFromNpm says that there is no npm", async (dir) => {
  const error = await withoutNpm(() =>
    assertRejects(() => packFromNpm(ABC, dir, { progress: silent, label: "tiny" }), UserError)
  );
  assertEquals(
    error.message,
    "Cannot run npm: no such command; install Node.js, which brings it, or choose another source",
  );
});

for (
  const [stderr, reason] of [
    [
      "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno ENOTFOUND\n" +
      "npm error network request to https://example.org/a failed, reason: getaddrinfo ENOTFOUND\nnpm error network Is it on?",
      "ENOTFOUND, network request to https://example.org/a failed, reason: getaddrinfo ENOTFOUND",
    ],
    [
      "npm warn using --force\nnpm ERR! code E404\nnpm ERR! 404 Not Found - GET https://example.org/a",
      "E404, 404 Not Found - GET https://example.org/a",
    ],
    ["Killed", "npm pack failed"],
  ]
) {
  npmTest(`packFromNpm says why npm failed: ${reason}`, async (dir) => {
    const error = await withNpm(
      `cat >&2 <<'END'\n${stderr}\nEND\nexit 1`,
      () => assertRejects(() => packFromNpm(ABC, dir, { progress: silent, label: "tiny" }), UserError),
    );
    assertEquals(
      error.message,
      `Cannot get tiny-cifar@1.0.0 from npm: ${reason}; check the network and run it again`,
    );
  });
}

npmTest("packFromNpm refuses another tarball", async (dir) => {
  const error = await withNpm(
    `printf abd > "$4/tiny-cifar-1.0.0.tgz"`,
    () => assertRejects(() => packFromNpm(ABC, dir, { progress: silent, label: "tiny" }), UserError),
  );
  // From `printf abd | openssl dgst -sha512 -binary | base64 -w0`.
  const found = "GphAwnpc8i2rBgzdioPaKw+8sa61LU+dOJS2OQg+IFpas/avrushuOmbXg/pPar6q+7ydNpdbq3MnbNuW29kxA==";
  assertEquals(
    error.message,
    `Cannot use tiny-cifar@1.0.0 of npm: SHA-512 is ${found}, expected ${ABC.sha512}; choose another source`,
  );
});

npmTest("packFromNpm says that npm left nothing", async (dir) => {
  await withNpm("exit 0", () =>
    assertRejects(
      () => packFromNpm(ABC, dir, { progress: silent, label: "tiny" }),
      UserError,
      "Cannot get tiny-cifar@1.0.0 from npm: npm pack left no file; run it again",
    ));
});

npmTest("packFromNpm stops npm when it is told to", async (dir) => {
  const stop = new AbortController();
  const progress = { ...silent, start: () => ({ update: () => stop.abort(), stop: () => {} }) };
  const error = await withNpm("exec sleep 600", () =>
    assertRejects(
      () => packFromNpm(ABC, dir, { progress, label: "tiny", signal: stop.signal }),
      UserError,
    ));
  assertEquals(
    error.message,
    "Cannot get tiny-cifar@1.0.0 from npm: stopped; run it again",
  );
});

npmTest("readNpmPackage makes the binary files", async (dir) => {
  const path = join(dir, "a.tgz");
  const tarball = await tarGz(PACKAGE);
  await Deno.writeFile(path, tarball);
  const { files } = await catalogue("http://127.0.0.1", tarball);
  const read = await readNpmPackage(path, files);
  for (const file of files.toReversed()) assertEquals(read(file), CONTENTS[file.name], file.name);
});

npmTest("readNpmPackage takes labels with a byte order mark and other line ends", async (dir) => {
  const path = join(dir, "a.tgz");
  const tarball = await tarGz({ ...PACKAGE, "package/test_lables.json": "\ufeff[5,\r\n6]\r\n" });
  await Deno.writeFile(path, tarball);
  const { files } = await catalogue("http://127.0.0.1", tarball);
  const read = await readNpmPackage(path, files);
  assertEquals(read(files[2]), CONTENTS[files[2].name]);
});

for (
  const [labels, problem] of [
    ["[5,", "it is not JSON (Unexpected end of JSON input)"],
    ["<p>\n", `it is not JSON (Unexpected token '<', "<p>\\n" is not valid JSON)`],
    ['{"labels": [5,6]}', "it is an object: expected a list"],
    ['[5,"6"]', 'item 1 is "6": expected a whole number from 0 to 9'],
    ["[5,10]", "item 1 is 10: expected a whole number from 0 to 9"],
    ["[5.5,6]", "item 0 is 5.5: expected a whole number from 0 to 9"],
    [Uint8Array.of(0xff, 0xfe, 0x5b, 0, 0x5d, 0), "it is not text in UTF-8"], // [] in UTF-16
  ] as const
) {
  npmTest(`readNpmPackage says what is wrong with labels: ${problem}`, async (dir) => {
    const path = join(dir, "a.tgz");
    const tarball = await tarGz({ ...PACKAGE, "package/test_lables.json": labels });
    await Deno.writeFile(path, tarball);
    const { files } = await catalogue("http://127.0.0.1", tarball);
    const error = await assertRejects(() => readNpmPackage(path, files, "npm package tiny"), UserError);
    assertEquals(
      error.message,
      `Cannot use test_lables.json of npm package tiny: ${problem}; choose another source`,
    );
    assertEquals(error.exitCode, 1);
  });
}

npmTest("readNpmPackage says that a PNG is not of the images, or that labels are missing", async (dir) => {
  const path = join(dir, "a.tgz");
  const fails = async (change: Record<string, Uint8Array | string>, message: string) => {
    const tarball = await tarGz({ ...PACKAGE, ...change });
    await Deno.writeFile(path, tarball);
    const { files } = await catalogue("http://127.0.0.1", tarball);
    const read = await readNpmPackage(path, files);
    assertEquals(assertThrows(() => files.map(read), UserError).message, message);
  };
  const wrong = (problem: string) =>
    `Cannot use data_batch_2.png of ${path}: ${problem}; choose another source`;
  await fails({ "package/data_batch_2.png": "<html>" }, wrong("it is not a PNG"));
  const small = encode({ width: 1024, height: 1, channels: 3, data: new Uint8Array(3072) });
  await fails({ "package/data_batch_2.png": small }, wrong("it is not 1024 x 2 pixels of 8-bit RGB"));
  await fails(
    { "package/test_lables.json": "[5]" },
    `Cannot use ${path}: it has 5 labels; choose another source`,
  );
});

for (const missing of ["data_batch_2.png", "train_lables.json"]) {
  npmTest(`readNpmPackage says that ${missing} is missing`, async (dir) => {
    const path = join(dir, "a.tgz");
    const tarball = await tarGz(
      Object.fromEntries(Object.entries(PACKAGE).filter(([name]) => !name.endsWith(missing))),
    );
    await Deno.writeFile(path, tarball);
    const { files } = await catalogue("http://127.0.0.1", tarball);
    const error = await assertRejects(() => readNpmPackage(path, files), UserError);
    assertEquals(error.message, `Cannot use ${path}: it has no ${missing}; choose another source`);
  });
}
