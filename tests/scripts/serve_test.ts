/** `deno task serve` as a process: under load, with clients that are slow, broken and hostile, and its end. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { inputOf } from "../../pipeline/data/images/input.ts";
import { predict } from "../../pipeline/inference/predict.ts";
import { tf, tree } from "../../runtime/mod.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow, granted, LOOPBACK } from "../needs.ts";
import { pictureFile } from "../pipeline/pictures.ts";
import { savedTrained } from "../pipeline/small_trained.ts";
import { runScript } from "./run_script.ts";

const NAMES = ["JPEG, chroma halved", "PNG", "GIF", "BMP", "WebP, whole"];
const FILES = NAMES.map((name) => pictureFile(name).file);

/** A service that runs. */
interface Running {
  readonly port: number;
  readonly model: string;
  /** Probability of the first class of each of `FILES`, as `predict` says. */
  readonly expected: readonly number[];
  /** Sends a picture. */
  post(body: BodyInit): Promise<Response>;
  /** A number of `GET /metrics`. */
  metric(name: string): Promise<number>;
  /** Sends SIGTERM and waits for the end. */
  end(): Promise<{ code: number; stderr: string }>;
}

function test(name: string, flags: readonly string[], fn: (service: Running) => Promise<void>): void {
  Deno.test({
    name: `serve: ${name}`,
    ignore: !canLoadTensorFlow || !granted("net"),
    fn: () =>
      inFolder(async (dir) => {
        await tf.ready();
        const { model, trained } = await savedTrained(dir);
        const expected = NAMES.map((name) =>
          predict(trained, inputOf(pictureFile(name), trained))[0][0].probability
        );
        tree.dispose(trained.variables);
        const process = new Deno.Command(Deno.execPath(), {
          args: runArgs(
            fromFileUrl(packageFile("scripts/serve.ts")),
            "--run",
            model,
            "--port",
            "0",
            ...flags,
          ),
          env: { RESNET_DEBUG: "", NO_COLOR: "1" },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const stderr = new Response(process.stderr).text();
        const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
        try {
          const { value = "" } = await lines.read();
          const [, port] = /at http:\/\/127\.0\.0\.1:(\d+)\/: POST \/predict/.exec(value) ?? [];
          assert(port !== undefined, `${value}${port === undefined && value === "" ? await stderr : ""}`);
          const url = `http://${LOOPBACK}:${port}`;
          await fn({
            port: Number(port),
            model,
            expected,
            post: (body) => fetch(`${url}/predict`, { method: "POST", body }),
            async metric(name) {
              const text = await (await fetch(`${url}/metrics`)).text();
              const line = text.split("\n").find((line) => line.startsWith(`${name} `));
              return Number(line?.slice(name.length + 1));
            },
            async end() {
              process.kill("SIGTERM");
              return { code: (await process.status).code, stderr: await stderr };
            },
          });
        } finally {
          try {
            process.kill("SIGKILL");
          } catch {
            // it has ended
          }
          await process.status;
          await stderr;
          await lines.cancel();
        }
      }),
  });
}

/** Sends each of so many requests from one of so many clients, and gives their answers in order. */
async function many<T>(count: number, clients: number, send: (i: number) => Promise<T>): Promise<T[]> {
  const answers = new Array<T>(count);
  let next = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let i = next++; i < count; i = next++) answers[i] = await send(i);
  }));
  return answers;
}

/** Opens a connection, and says what is given. */
async function raw(port: number, text: string, bytes = new Uint8Array()): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: LOOPBACK, port });
  await connection.write(new TextEncoder().encode(text));
  if (bytes.length > 0) await connection.write(bytes);
  return connection;
}

const head = (length: number): string =>
  `POST /predict HTTP/1.1\r\nHost: ${LOOPBACK}\r\nContent-Length: ${length}\r\n\r\n`;

test(
  "400 requests of 32 clients, none lost, in batches, beside clients that do not behave",
  [],
  async (service) => {
    const { port, post, metric, expected, end } = service;
    const [png] = FILES;
    const slow = [
      await raw(port, "POST /predict HTTP/1.1\r\nHost"), // never says more
      await raw(port, head(png.length), png.slice(0, 100)), // a body that stops
      await raw(port, head(1e12)), // a body that is said to be huge
    ];
    const broken = [
      await raw(port, head(png.length), png.slice(0, 50)),
      await raw(port, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 no HTTP at all\r\n\r\n"),
      await raw(port, `POST /predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n`),
    ];
    broken.forEach((connection) => connection.close());
    const bad = new TextEncoder().encode("no picture");
    const answers = await many(400, 32, async (i) => {
      const response = await post(i % 8 === 7 ? bad : FILES[i % 5]);
      return { status: response.status, json: await response.json() };
    });
    for (const [i, { status, json }] of answers.entries()) {
      if (i % 8 === 7) {
        assertEquals([status, json.error.code], [415, "not_a_picture"]);
        continue;
      }
      assertEquals(status, 200);
      assertAlmostEquals(json.probability, expected[i % 5], 1e-5);
    }
    assertEquals(await metric("resnet_pictures_total"), 350);
    assertEquals(await metric("resnet_batch_size_sum"), 350);
    const batches = await metric("resnet_batch_size_count");
    assert(batches < 350, `${batches} batches`);
    assertEquals(await metric("resnet_waiting_pictures"), 0);
    assertEquals(await metric("resnet_held_bytes"), 100, "of the body that stopped");
    const { code, stderr } = await end();
    assertEquals([code, stderr], [
      0,
      `Ask: curl --data-binary @photo.jpg http://127.0.0.1:${port}/predict\nSIGTERM: answering what has come\n`,
    ]);
    slow.forEach((connection) => connection.close());
  },
);

test(
  "at SIGTERM every request is answered or told that it ends",
  ["--delay", "1000", "--batch", "64"],
  async (service) => {
    const { port, post, metric, end } = service;
    const half = await raw(port, head(1000), new Uint8Array(10));
    // Those after the first wait for it to be read.
    const sent = Array.from({ length: 40 }, async () => (await post(FILES[1])).status);
    while (await metric("resnet_waiting_pictures") === 0 && await metric("resnet_pictures_total") === 0);
    const ended = end();
    const statuses = await Promise.allSettled(sent);
    const found = statuses.map((one) => one.status === "fulfilled" ? one.value : String(one.reason));
    assert(found.includes(200), found.join());
    // Whoever came too late found nobody.
    const other = found.filter((one) => one !== 200 && one !== 503 && !/connect|refused/i.test(String(one)));
    assertEquals(other, []);
    assertEquals((await ended).code, 0);
    const answer = new Uint8Array(200);
    await half.read(answer);
    assertStringIncludes(new TextDecoder().decode(answer), "HTTP/1.1 503");
    half.close();
  },
);

test("limits of bytes, pixels and pictures", [
  ...["--max-bytes", "3000", "--max-pixels", "280", "--max-waiting", "2"],
], async ({ post, end }) => {
  const refused = async (body: BodyInit) => {
    const response = await post(body);
    return [response.status, (await response.json()).error.code];
  };
  assertEquals(await refused(new Uint8Array(3001)), [413, "too_many_bytes"]);
  assertEquals(await refused(pictureFile("GIF, its image beside the corner").file), [413, "too_many_pixels"]);
  const form = new FormData();
  for (const name of ["a", "b", "c"]) form.append(name, new File([FILES[2]], name));
  assertEquals(await refused(form), [413, "too_many_pictures"]);
  assertEquals(await refused(pictureFile("PNG").file.slice(0, 400)), [422, "damaged"]);
  assertEquals((await post(FILES[1])).status, 200);
  assertEquals((await end()).code, 0);
});

test("a port that is taken is said", [], async ({ port, model }) => {
  const { code, stdout, stderr } = await runScript("serve.ts", ["--run", model, "--port", String(port)]);
  assertEquals([code, stdout], [1, ""]);
  assertEquals(
    stderr,
    `error: Cannot listen at 127.0.0.1:${port}: the port is taken; choose another with --port\n`,
  );
});
