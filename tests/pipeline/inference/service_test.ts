/** What is answered to which request; what predicts is made up, and the clock too. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { metrics } from "../../../pipeline/inference/metrics.ts";
import { RefusedError } from "../../../pipeline/inference/request_pictures.ts";
import { service, type ServiceParts } from "../../../pipeline/inference/service.ts";
import { FakeClock } from "../fake_clock.ts";
import { pictureFile } from "../pictures.ts";

const PNG = pictureFile("PNG").file;
const TOP = [{ label: 1, className: "bee", probability: 0.75 }, {
  label: 0,
  className: "ant",
  probability: 0.25,
}];
const FOUND = { width: 21, height: 13, top: TOP };
const SAID = {
  label: "bee",
  probability: 0.75,
  top: [{ label: "bee", probability: 0.75 }, { label: "ant", probability: 0.25 }],
  width: 21,
  height: 13,
};

function made(parts: Partial<ServiceParts> = {}) {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const measured = metrics();
  const made = service({
    classify: () => Promise.resolve(FOUND),
    limits: { maxBytes: 2000, maxPixels: 300, maxWaiting: 3, maxHeldBytes: 5000, maxBodyMs: 1000 },
    about: { model: "ResNet-6" },
    metrics: measured,
    onError: (error) => errors.push(error),
    after: clock.after,
    now: clock.now,
    ...parts,
  });
  const send = async (body?: BodyInit, init: RequestInit = {}, path = "/predict") => {
    const request = new Request(`http://localhost${path}`, { method: "POST", body, ...init });
    const response = await made.handle(request);
    const text = await response.text();
    assert(text.endsWith("}\n"), "a line that ends, for terminals");
    return { status: response.status, headers: response.headers, json: JSON.parse(text) };
  };
  const refused = async (...args: Parameters<typeof send>) => {
    const { status, json, headers } = await send(...args);
    assertEquals(headers.get("content-type"), "application/json");
    return [status, json.error.code, json.error.message];
  };
  return { ...made, clock, errors, send, refused, measured };
}

const file = (bytes: BlobPart, name: string): File => new File([bytes], name);

function form(...files: File[]): FormData {
  const form = new FormData();
  files.forEach((file, i) => form.append(`f${i}`, file));
  return form;
}

Deno.test("service: a picture as the body, several as files of a form", async () => {
  const { send } = made({
    classify: ({ name }) =>
      name === "bad.png" ? Promise.reject(new RefusedError("damaged", "cut off")) : Promise.resolve(FOUND),
  });
  const one = await send(PNG);
  assertEquals([one.status, one.json], [200, SAID]);
  assertEquals((await send(form(file(PNG, "a.png")))).json, { predictions: [{ file: "a.png", ...SAID }] });
  const text = new TextEncoder().encode("text");
  const several = await send(form(file(PNG, "a\n.png"), file(text, "b.txt"), file(PNG, "bad.png")));
  assertEquals(several.status, 200);
  assertEquals(several.json.predictions.map(({ label }: { label?: string }) => label), [
    "bee",
    undefined,
    undefined,
  ]);
  assertEquals(several.json.predictions.slice(1), [
    {
      file: "b.txt",
      error: { code: "not_a_picture", message: "its bytes are none of JPEG, PNG, GIF, BMP and WebP" },
    },
    { file: "bad.png", error: { code: "damaged", message: "cut off" } },
  ]);
});

Deno.test("service: what is refused, with a status and one error in JSON", async () => {
  const { refused, send } = made();
  const text = new TextEncoder().encode("text");
  assertEquals(await refused(text), [
    415,
    "not_a_picture",
    "its bytes are none of JPEG, PNG, GIF, BMP and WebP",
  ]);
  // 65500 x 65500 pixels in a few bytes: a bomb is known by its header.
  const bomb = PNG.slice();
  new DataView(bomb.buffer).setUint32(16, 65_500);
  new DataView(bomb.buffer).setUint32(20, 65_500);
  assertEquals(await refused(bomb), [
    413,
    "too_many_pixels",
    "the PNG has 65500 x 65500 pixels, more than the 300 that are allowed",
  ]);
  assertEquals(await refused(PNG.slice(0, 20)), [422, "damaged", "the PNG is cut off"]);
  const tooLarge = [413, "too_many_bytes", "the request has more than the 2000 bytes that are allowed"];
  assertEquals(await refused(new Uint8Array(2001)), tooLarge);
  const empty = [400, "no_picture", "the request is empty; send a picture's bytes, or files as form data"];
  assertEquals(await refused(new Uint8Array()), empty);
  assertEquals(await refused(undefined), empty);
  const noFile = new FormData();
  noFile.append("picture", "text");
  assertEquals(await refused(noFile), [400, "no_picture", "the form has no file; send each picture as one"]);
  for (const type of ["multipart/form-data; boundary=x", "multipart/form-data; other=x"]) {
    assertEquals(await refused(PNG, { headers: { "content-type": type } }), [
      400,
      "no_picture",
      "the body is not the form data that it is said to be",
    ]);
  }
  assertEquals(await refused(form(...Array.from({ length: 4 }, () => file(new Uint8Array(9), "a")))), [
    413,
    "too_many_pictures",
    "the form has 4 files, more than the 3 that are allowed",
  ]);
  assertEquals(await refused(undefined, {}, "/toString"), [
    404,
    "not_found",
    "there is no /toString; /predict, /healthz, /metrics are",
  ]);
  const get = await send(undefined, { method: "GET" });
  assertEquals([get.status, get.json.error.code, get.headers.get("allow")], [405, "wrong_method", "POST"]);
});

/** A body that comes when the test says so. */
function slowBody() {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const isCancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => isCancelled.resolve(),
  });
  return {
    body,
    cancelled: isCancelled.promise,
    send: (bytes: Uint8Array) => controller.enqueue(bytes),
    end: () => controller.close(),
    fail: (error: Error) => controller.error(error),
  };
}

Deno.test("service: a body without a length is read no further than is allowed", async () => {
  const { refused } = made();
  const slow = slowBody();
  const answer = refused(slow.body);
  for (let i = 0; i < 5; i++) slow.send(new Uint8Array(500));
  assertEquals((await answer).slice(0, 2), [413, "too_many_bytes"]);
  await slow.cancelled;
});

Deno.test("service: a body that does not come is not waited for longer than is allowed", async () => {
  const { refused, clock } = made();
  const slow = slowBody();
  const answer = refused(slow.body);
  slow.send(PNG.slice(0, 100));
  clock.pass(1000);
  assertEquals(await answer, [408, "too_slow", "the request's body did not come within 1 seconds"]);
  await slow.cancelled;
  assertEquals(clock.isWaiting, false);
});

Deno.test("service: a client that goes away holds nothing, and is no error of the service", async () => {
  const { send, measured, errors } = made();
  const slow = slowBody();
  const answer = send(slow.body);
  slow.send(PNG.slice(0, 100));
  slow.fail(new TypeError("connection closed"));
  assertEquals((await answer).status, 400);
  assertStringIncludes(measured.text(), "resnet_held_bytes 0\n");
  assertEquals(errors, []);
});

Deno.test("service: so many wait and no more; they get their answers", async () => {
  const answers: (() => void)[] = [];
  const { send, refused, measured } = made({
    classify: () => new Promise((resolve) => answers.push(() => resolve(FOUND))),
  });
  const first = [send(PNG), send(form(file(PNG, "a"), file(PNG, "b")))];
  while (answers.length < 3) await Promise.resolve();
  const busy = await send(PNG);
  assertEquals([busy.status, busy.headers.get("retry-after")], [503, "1"]);
  assertEquals(await refused(PNG), [503, "busy", "too many pictures are waiting; try again in a second"]);
  assertStringIncludes(measured.text(), "resnet_waiting_pictures 3\n");
  answers.forEach((answer) => answer());
  assertEquals((await Promise.all(first)).map(({ status }) => status), [200, 200]);
  assertStringIncludes(measured.text(), "resnet_waiting_pictures 0\n");
  assertStringIncludes(measured.text(), "resnet_held_bytes 0\n");
});

Deno.test("service: bytes of bodies that have not come whole are bounded too", async () => {
  const { send, refused, measured } = made();
  const slow = [slowBody(), slowBody(), slowBody()];
  const answers = slow.map(({ body }) => send(body));
  slow.forEach(({ send }) => send(new Uint8Array(1500)));
  // Until the service has read them.
  while (!measured.text().includes("resnet_held_bytes 4500\n")) await new Promise<void>(setImmediate);
  assertEquals(await refused(PNG.slice(0, 600)), [
    503,
    "busy",
    "too many bytes of requests are waiting; try again in a second",
  ]);
  slow.forEach(({ end }) => end());
  assertEquals((await Promise.all(answers)).map(({ status }) => status), [415, 415, 415]);
  assertStringIncludes(measured.text(), "resnet_held_bytes 0\n");
});

Deno.test("service: at its end it answers what has come, and waits for no body", async () => {
  const answers: (() => void)[] = [];
  const { send, refused, stop } = made({
    classify: () => new Promise((resolve) => answers.push(() => resolve(FOUND))),
  });
  assertEquals((await send(undefined, { method: "GET" }, "/healthz")).json, {
    status: "ok",
    model: "ResNet-6",
  });
  const slow = slowBody();
  const [come, coming] = [send(PNG), send(slow.body)];
  slow.send(PNG.slice(0, 100));
  while (answers.length < 1) await Promise.resolve();
  let isEnded = false;
  const ended = stop().then(() => isEnded = true);
  const { status, json } = await coming;
  assertEquals([status, json.error.code], [503, "stopping"]);
  assertEquals((await refused(PNG)).slice(0, 2), [503, "stopping"]);
  const health = await send(undefined, { method: "GET" }, "/healthz");
  assertEquals([health.status, health.json.status], [503, "stopping"]);
  assertEquals(isEnded, false);
  answers.forEach((answer) => answer());
  assertEquals((await come).json, SAID);
  await ended;
});

Deno.test("service: an error of its own is told to its log, and not to the client", async () => {
  const { refused, errors } = made({ classify: () => Promise.reject(new RangeError("secret")) });
  const answer = await refused(PNG);
  assertEquals(answer, [500, "failed", "the service could not predict; its log says why"]);
  assert(errors[0] instanceof RangeError);
});

Deno.test("service: GET /metrics counts requests by status, refusals by reason, pictures and seconds", async () => {
  const clock = new FakeClock();
  const { send, handle } = made({
    now: clock.now,
    classify: () => {
      clock.pass(30);
      return Promise.resolve(FOUND);
    },
  });
  await send(PNG);
  await send(form(file(PNG, "a"), file("text", "b")));
  await send(new Uint8Array(2001));
  const response = await handle(new Request("http://localhost/metrics"));
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  for (
    const line of [
      'resnet_requests_total{status="200"} 2',
      'resnet_requests_total{status="413"} 1',
      'resnet_refused_total{reason="not_a_picture"} 1',
      'resnet_refused_total{reason="too_many_bytes"} 1',
      "resnet_pictures_total 2",
      "resnet_waiting_pictures 0",
      'resnet_predict_seconds_bucket{le="0.02"} 1',
      'resnet_predict_seconds_bucket{le="0.05"} 3',
      "resnet_predict_seconds_count 3",
    ]
  ) assertStringIncludes(text, `${line}\n`);
});
