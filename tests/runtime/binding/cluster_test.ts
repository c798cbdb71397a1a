/** What `TF_CONFIG` says of the processes that compute together. */
import { assertEquals, assertThrows } from "@std/assert";
import { clusterOf, lostWorker } from "../../../runtime/binding/cluster.ts";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";

const config = (cluster: unknown, type: string, index: number): string =>
  JSON.stringify({ cluster, task: { type, index } });
const worker = ["10.0.0.1:2222", "10.0.0.2:2223", "[fd00::1]:2224"];

Deno.test("clusterOf: the workers, and which of them this is", () => {
  assertEquals(clusterOf(config({ worker }, "worker", 1)), { workers: worker, index: 1 });
  const chief = ["node-0:2222"];
  assertEquals(clusterOf(config({ chief, worker }, "chief", 0)), {
    workers: [...chief, ...worker],
    index: 0,
  });
  assertEquals(clusterOf(config({ chief, worker }, "worker", 0))?.index, 1, "a chief is the first");
  const more = JSON.stringify({
    cluster: { worker },
    task: { type: "worker", index: 0 },
    environment: "cloud",
  });
  assertEquals(clusterOf(more)?.index, 0, "what else others write there is left alone");
  const patience = { startSeconds: "60", answerSeconds: undefined };
  assertEquals(clusterOf(config({ worker }, "worker", 0), patience)?.startSeconds, 60);
});

Deno.test("clusterOf: none where nothing is said, or there is one only", () => {
  assertEquals(clusterOf(undefined), undefined);
  assertEquals(clusterOf(""), undefined);
  assertEquals(clusterOf(config({ worker: ["127.0.0.1:1"] }, "worker", 0)), undefined);
});

Deno.test("clusterOf: what cannot be meant", () => {
  const cases: [text: string, problem: string][] = [
    ["{", "it is not JSON"],
    [config({ worker, ps: ["10.0.0.9:1"] }, "worker", 0), "ps"],
    [config({ worker }, "evaluator", 0), "task.type"],
    [config({ worker }, "worker", 3), "it names no worker 3"],
    [config({ worker: ["10.0.0.1", "10.0.0.2:1"] }, "worker", 0), '"10.0.0.1" is no address with a port'],
    [config({ worker: ["10.0.0.1:1", "10.0.0.1:1"] }, "worker", 0), "it names 10.0.0.1:1 twice"],
    [config({ worker: ["10.0.0.1:1", "172.32.0.1:1"] }, "worker", 0), "172.32.0.1:1 is no private address"],
    [
      config({ worker: ["[2001:db8::1]:1", "10.0.0.1:1"] }, "worker", 0),
      "[2001:db8::1]:1 is no private address",
    ],
  ];
  for (const [text, problem] of cases) assertThrows(() => clusterOf(text), UsageError, problem);
  const open = config({ worker: ["10.0.0.1:1", "8.8.8.8:1"] }, "worker", 0);
  assertEquals(clusterOf(open, { anyAddress: true })?.workers.length, 2);
  assertThrows(
    () => clusterOf(config({ worker }, "worker", 0), { startSeconds: "soon" }),
    UsageError,
    "startSeconds",
  );
});

Deno.test("lostWorker: names the worker, and leaves other errors as they are", () => {
  const cluster = { workers: worker, index: 0 };
  const said = (detail: string, code = 14) =>
    lostWorker(new TensorFlowError("TFE_Execute(step)", code, detail), "Cannot go on", cluster);
  const gone = said(
    "Collective ops is aborted by: ... remote target /job:worker/replica:0/task:1 while calling",
  );
  assertEquals(
    gone instanceof UserError && gone.message.slice(0, 49),
    "Cannot go on: worker 1 (10.0.0.2:2223) is gone; s",
  );
  const silent = said("worker 2 ([fd00::1]:2224) does not answer within 10 s The error could be from");
  assertEquals(
    silent instanceof UserError && silent.message.split(";")[0],
    "Cannot go on: worker 2 ([fd00::1]:2224) does not answer within 10 s",
  );
  for (const other of [new Error("mine"), new TensorFlowError("TFE_Execute", 3, "task:1")]) {
    assertEquals(lostWorker(other, "Cannot go on", cluster), other);
  }
});
