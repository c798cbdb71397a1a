/** Downloads from a server on this machine that misbehaves on purpose. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { download, DownloadError } from "../../../pipeline/data/download.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { silent } from "../../../runtime/system/progress.ts";
import { granted } from "../../needs.ts";
import { Recorder } from "../recorder.ts";

const ignore = !granted("read", "write", "net");

const CONTENT = Uint8Array.from({ length: 3000 }, (_, i) => i * 7 % 251);
// From Python: hashlib.sha256(bytes(i * 7 % 251 for i in range(3000))).hexdigest()
const SHA256 = "fb5a5e7439fbb98b3dc324a722e08e9e89c21f0fd07307980e831cf7f97cc82b";

/** A request as the server saw it. */
type Seen = Record<string, string | null>;

/** Answers with the content from where the client wants it, like a good server. */
function serveContent(
  request: Request,
  headers: Record<string, string> = { etag: '"v1"' },
  content = CONTENT,
): Response {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
  const condition = request.headers.get("if-range");
  const fresh = condition === null || condition === headers.etag || condition === headers["last-modified"];
  if (start === 0 || !fresh) return new Response(content, { headers });
  if (start >= content.length) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${content.length}` } });
  }
  return new Response(content.subarray(start), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${content.length - 1}/${content.length}` },
  });
}

/** Announces all of the content, sends the first `count` bytes, and hangs up. */
function cutAfter(count: number, headers: Record<string, string> = { etag: '"v1"' }): Response {
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      controller.enqueue(CONTENT.slice(0, count));
      controller.close();
    },
  });
  return new Response(body, { headers: { ...headers, "content-length": String(CONTENT.length) } });
}

/** Runs a test with a server, of which the n-th request gets the n-th answer, and an empty folder. */
function downloadTest(
  name: string,
  answers: readonly ((request: Request) => Response)[],
  test: (
    place: { url: string; dir: string; path: string; seen: Seen[]; progress: Recorder },
  ) => Promise<void>,
): void {
  const fn = async () => {
    const dir = await Deno.makeTempDir();
    const seen: Seen[] = [];
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const answer = answers[seen.length];
      seen.push({ range: request.headers.get("range"), ifRange: request.headers.get("if-range") });
      return answer === undefined ? new Response("unexpected request", { status: 500 }) : answer(request);
    });
    try {
      const url = `http://127.0.0.1:${server.addr.port}/a.bin`;
      await test({ url, dir, path: join(dir, "new", "a.bin"), seen, progress: new Recorder() });
      assertEquals(seen.length, answers.length, "number of requests");
    } finally {
      await server.shutdown();
      await Deno.remove(dir, { recursive: true });
    }
  };
  Deno.test({ name: `download ${name}`, ignore, fn });
}

/** Names in the folder of a path, sorted; none if there is no folder. */
async function namesBeside(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(join(path, "..")), ({ name }) => name)).sort();
  } catch {
    return [];
  }
}

const broken = (): Response => cutAfter(1000);
const KEPT = "the first 1 kB are kept, run it again to go on from there";

downloadTest("writes the file and shows all of its length", [serveContent], async (t) => {
  await download(t.url, t.path, { sha256: SHA256, progress: t.progress, label: "a" });
  assertEquals(await Deno.readFile(t.path), CONTENT);
  assertEquals(await namesBeside(t.path), ["a.bin"]);
  const [{ label, total, unit, done, stopped }] = t.progress.bars;
  assertEquals([label, total, unit, done[0], done.at(-1), stopped], ["a", 3000, "bytes", 0, 3000, true]);
});

downloadTest("goes on after a cut connection", [broken, serveContent], async (t) => {
  const options = { sha256: SHA256, progress: t.progress, label: "a" };
  const error = await assertRejects(() => download(t.url, t.path, options), DownloadError);
  assertEquals(
    error.message,
    `Cannot download ${t.url}: the connection broke (error reading a body from connection); ${KEPT}`,
  );
  assertEquals(await namesBeside(t.path), ["a.bin.partial", "a.bin.partial.json"]);
  assertEquals(await Deno.readFile(`${t.path}.partial`), CONTENT.slice(0, 1000));
  assert(t.progress.bars[0].stopped);

  await download(t.url, t.path, options);
  assertEquals(t.seen[1], { range: "bytes=1000-", ifRange: '"v1"' });
  assertEquals(await Deno.readFile(t.path), CONTENT);
  assertEquals(await namesBeside(t.path), ["a.bin"]);
  assertEquals([t.progress.bars[1].total, t.progress.bars[1].done[0]], [3000, 1000]);
  assertEquals(t.progress.messages, ["Going on at 1 kB with a download that broke"]);
});

downloadTest(
  "goes on by date when the entity tag is weak",
  [
    () => cutAfter(1000, { etag: 'W/"v1"', "last-modified": "Thu, 04 Jun 2009 19:54:37 GMT" }),
    (request) => serveContent(request, { "last-modified": "Thu, 04 Jun 2009 19:54:37 GMT" }),
  ],
  async (t) => {
    await assertRejects(() => download(t.url, t.path, { progress: silent, label: "a" }), DownloadError, KEPT);
    await download(t.url, t.path, { progress: silent, label: "a" });
    assertEquals(t.seen[1], { range: "bytes=1000-", ifRange: "Thu, 04 Jun 2009 19:54:37 GMT" });
    assertEquals(await Deno.readFile(t.path), CONTENT);
  },
);

downloadTest(
  "goes on with a server without validators when a hash will tell",
  [() => cutAfter(1000, {}), (request) => serveContent(request, {})],
  async (t) => {
    const options = { sha256: SHA256, progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError, KEPT);
    await download(t.url, t.path, options);
    assertEquals(t.seen[1], { range: "bytes=1000-", ifRange: null });
    assertEquals(await Deno.readFile(t.path), CONTENT);
  },
);

downloadTest(
  "starts again when neither validator nor hash would tell",
  [() => cutAfter(1000, {}), (request) => serveContent(request, {})],
  async (t) => {
    const options = { progress: silent, label: "a" };
    await assertRejects(
      () => download(t.url, t.path, options),
      DownloadError,
      "; check the network and run it again",
    );
    await download(t.url, t.path, options);
    assertEquals(t.seen[1], { range: null, ifRange: null });
    assertEquals(await Deno.readFile(t.path), CONTENT);
  },
);

downloadTest(
  "starts again with a server that knows no ranges",
  [broken, () => new Response(CONTENT)],
  async (t) => {
    const options = { sha256: SHA256, progress: t.progress, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    await download(t.url, t.path, options);
    assertEquals(await Deno.readFile(t.path), CONTENT);
    assertEquals(t.progress.bars[1].done[0], 0);
  },
);

const CHANGED = CONTENT.toReversed();

downloadTest(
  "starts again when the file has changed",
  [broken, (request) => serveContent(request, { etag: '"v2"' }, CHANGED)],
  async (t) => {
    const options = { progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    await download(t.url, t.path, options);
    assertEquals(await Deno.readFile(t.path), CHANGED);
  },
);

downloadTest(
  "starts again when a server sends a part of a changed file all the same",
  [
    broken,
    () =>
      new Response(CHANGED.subarray(1000), {
        status: 206,
        headers: { etag: '"v2"', "content-range": "bytes 1000-2999/3000" },
      }),
    (request) => serveContent(request, { etag: '"v2"' }, CHANGED),
  ],
  async (t) => {
    const options = { progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    await download(t.url, t.path, options);
    assertEquals(t.seen[2].range, null);
    assertEquals(await Deno.readFile(t.path), CHANGED);
  },
);

downloadTest(
  "starts again when a server sends another part than asked for",
  [
    broken,
    () =>
      new Response(CONTENT.subarray(500), {
        status: 206,
        headers: { etag: '"v1"', "content-range": "bytes 500-2999/3000" },
      }),
    serveContent,
  ],
  async (t) => {
    const options = { progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    await download(t.url, t.path, options);
    assertEquals(await Deno.readFile(t.path), CONTENT);
  },
);

downloadTest("starts again when more has been kept than there is", [broken, serveContent], async (t) => {
  const options = { sha256: SHA256, progress: silent, label: "a" };
  await assertRejects(() => download(t.url, t.path, options), DownloadError);
  await Deno.writeFile(`${t.path}.partial`, new Uint8Array(4000));
  await download(t.url, t.path, options);
  assertEquals(t.seen[1].range, null);
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

downloadTest(
  "starts again when what has been kept came from elsewhere",
  [broken, serveContent],
  async (t) => {
    const options = { sha256: SHA256, progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    await download(`${t.url}?other`, t.path, options);
    assertEquals(t.seen[1].range, null);
  },
);

downloadTest("starts again when its own memory is unreadable", [broken, serveContent], async (t) => {
  const options = { sha256: SHA256, progress: silent, label: "a" };
  await assertRejects(() => download(t.url, t.path, options), DownloadError);
  await Deno.writeTextFile(`${t.path}.partial.json`, '{"url"');
  await download(t.url, t.path, options);
  assertEquals(t.seen[1].range, null);
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

for (
  const [what, memory] of [
    ["is a list", []],
    ["has no address", { validator: '"v1"', total: 3000 }],
    ["has a number for a validator", { url: "", validator: 1 }],
    ["has a text for a length", { url: "", validator: '"v1"', total: "3000" }],
    ["has no length but says so", { url: "", validator: '"v1"', total: null }],
  ] as const
) {
  downloadTest(`starts again when its own memory ${what}`, [broken, serveContent], async (t) => {
    const options = { sha256: SHA256, progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    const json = JSON.stringify("url" in memory ? { ...memory, url: t.url } : memory);
    await Deno.writeTextFile(`${t.path}.partial.json`, json);
    await download(t.url, t.path, options);
    assertEquals(t.seen[1].range, null);
    assertEquals(await Deno.readFile(t.path), CONTENT);
  });
}

downloadTest("goes on by a memory with a byte order mark", [broken, serveContent], async (t) => {
  const options = { sha256: SHA256, progress: silent, label: "a" };
  await assertRejects(() => download(t.url, t.path, options), DownloadError);
  const memory = `${t.path}.partial.json`;
  await Deno.writeTextFile(memory, `\ufeff${await Deno.readTextFile(memory)}\r\n`);
  await download(t.url, t.path, options);
  assertEquals(t.seen[1], { range: "bytes=1000-", ifRange: '"v1"' });
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

downloadTest("takes a kept part that turns out to be all", [broken, serveContent], async (t) => {
  const options = { sha256: SHA256, progress: silent, label: "a" };
  await assertRejects(() => download(t.url, t.path, options), DownloadError);
  await Deno.writeFile(`${t.path}.partial`, CONTENT);
  await download(t.url, t.path, options); // the answer is 416
  assertEquals(t.seen[1].range, "bytes=3000-");
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

downloadTest(
  "removes what has the wrong hash",
  [(request) => serveContent(request, {}, CHANGED)],
  async (t) => {
    const error = await assertRejects(
      () => download(t.url, t.path, { sha256: SHA256, progress: silent, label: "a" }),
      DownloadError,
    );
    // From Python, as above, of the bytes in reverse.
    const found = "27dceb98112800d8e5ba24175df8832d964b482454410cc0a580aefe45bddf1e";
    assertEquals(
      error.message,
      `Cannot use ${t.url}: SHA-256 is ${found}, expected ${SHA256}; ` +
        "what came was removed, run it again or choose another source",
    );
    assertEquals(await namesBeside(t.path), []);
  },
);

downloadTest(
  "removes what went on to the wrong hash",
  [() => cutAfter(1000, {}), (request) => serveContent(request, {}, CHANGED)],
  async (t) => {
    const options = { sha256: SHA256, progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError, KEPT);
    await assertRejects(() => download(t.url, t.path, options), DownloadError, "SHA-256 is ");
    assertEquals(await namesBeside(t.path), []);
  },
);

downloadTest("leaves a file with the right hash alone", [], async (t) => {
  await Deno.mkdir(join(t.path, ".."));
  await Deno.writeFile(t.path, CONTENT);
  await download(t.url, t.path, { sha256: SHA256, progress: t.progress, label: "a" });
  assertEquals(t.progress.bars, []);
});

downloadTest("replaces a file with another hash", [serveContent], async (t) => {
  await Deno.mkdir(join(t.path, ".."));
  await Deno.writeFile(t.path, CHANGED);
  await download(t.url, t.path, { sha256: SHA256, progress: silent, label: "a" });
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

downloadTest(
  "says what the server refused, and keeps the part",
  [broken, () => new Response("gone", { status: 404, statusText: "Not Found" })],
  async (t) => {
    const options = { sha256: SHA256, progress: silent, label: "a" };
    await assertRejects(() => download(t.url, t.path, options), DownloadError);
    const error = await assertRejects(() => download(t.url, t.path, options), DownloadError);
    assertEquals(
      error.message,
      `Cannot download ${t.url}: the server answered 404 Not Found; check the address, or choose another source`,
    );
    assertEquals(error.exitCode, 1);
    assertEquals(await namesBeside(t.path), ["a.bin.partial", "a.bin.partial.json"]);
  },
);

downloadTest("gives up a connection that stalls", [
  () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(CONTENT.slice(0, 1000)), // and never anything more
    });
    return new Response(body, { headers: { etag: '"v1"', "content-length": "3000" } });
  },
  serveContent,
], async (t) => {
  const options = { sha256: SHA256, progress: silent, label: "a", stallSeconds: 1 };
  const error = await assertRejects(() => download(t.url, t.path, options), DownloadError);
  assertEquals(error.message, `Cannot download ${t.url}: no bytes for 1 s; ${KEPT}`);
  await download(t.url, t.path, { ...options, stallSeconds: 30 });
  assertEquals(await Deno.readFile(t.path), CONTENT);
});

downloadTest("stops when it is told to", [serveContent], async (t) => {
  const stop = new AbortController();
  const progress = { ...silent, start: () => ({ update: () => stop.abort(), stop: () => {} }) };
  const error = await assertRejects(
    () => download(t.url, t.path, { progress, label: "a", signal: stop.signal }),
    DownloadError,
  );
  assertEquals(error.message, `Cannot download ${t.url}: stopped; run it again`);
});

downloadTest("says that a folder cannot be made", [], async (t) => {
  await Deno.writeTextFile(join(t.dir, "file"), "");
  const path = join(t.dir, "file", "a.bin");
  const error = await assertRejects(
    () => download(t.url, path, { progress: silent, label: "a" }),
    UserError,
  );
  assertEquals(
    error.message,
    `Cannot write ${path}.partial: file exists; make room, or choose another folder`,
  );
});

Deno.test({
  name: "download says that nobody listens",
  ignore,
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${listener.addr.port}/a.bin`;
    listener.close();
    const dir = await Deno.makeTempDir();
    try {
      const error = await assertRejects(
        () => download(url, join(dir, "a.bin"), { progress: silent, label: "a" }),
        DownloadError,
      );
      assertEquals(
        error.message,
        `Cannot download ${url}: cannot reach the host (tcp connect error: Connection refused); ` +
          "check the network and run it again",
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
