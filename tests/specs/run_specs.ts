/**
 * Runs specs in this process: `run_specs.ts PART FILES SPECS`, the latter two being patterns, and prints what happens, a
 * line of JSON each. What the specs themselves print goes to stderr.
 */
import { configure, tf } from "../../runtime/mod.ts";
import type { Event } from "./events.ts";
import { jasmineInterface, type Spec, type SpecResult, type SuiteResult } from "./jasmine.ts";
import { checkCall, dropTape } from "./jit_check.ts";
import { watchCalls } from "./operation.ts";
import { coreModule, loadCore, specFiles } from "./tfjs_core.ts";

const [part, files, specs] = Deno.args;
const ORIGINAL = coreModule("ops/operation.js");

const print = console.log;
console.log = console.info = console.debug = console.error;
const tell = (event: Event): void => print(JSON.stringify(event));
const tellFault = (where: string, error: unknown): void =>
  tell({ kind: "fault", message: `${where}: ${error instanceof Error ? error.stack : error}` });

configure({ device: "cpu" });
await tf.ready();

// TensorFlow.js as tfjs-node sets it up for its own run of these specs.
if (part === "jit") {
  loadCore({ [ORIGINAL]: import.meta.resolve("./operation.ts") });
  const { op } = await import(ORIGINAL);
  watchCalls(op, (call) => {
    try {
      checkCall(call, tell);
    } catch (error) {
      tellFault(`a call of ${call.op} cannot be repeated`, error);
    }
  });
} else loadCore();
Object.assign(globalThis, jasmineInterface);
await import(coreModule("public/chained_ops/register_all_chained_ops.js"));
await import(coreModule("register_all_gradients.js"));
const { setTestEnvs } = await import(coreModule("jasmine_util.js"));
setTestEnvs([{ name: "test-tensorflow", backendName: "tensorflow", flags: {}, isDataSync: true }]);

// The specs, each with the file that it is in.
const fileOf = new Map<string, string>();
for (const file of specFiles().filter((file) => new RegExp(files).test(file))) {
  const remember = (define: (...args: unknown[]) => Spec) => (...args: unknown[]): Spec => {
    const spec = define(...args);
    fileOf.set(spec.id, file);
    return spec;
  };
  const { it, xit } = jasmineInterface;
  Object.assign(globalThis, { it: remember(it), xit: remember(xit) });
  try {
    await import(coreModule(file));
  } catch (error) {
    tellFault(`${file} does not load`, error);
  }
}
const nameOf = ({ id, fullName }: SpecResult): string =>
  `${fileOf.get(id)}: ${fullName.replaceAll(/\s+/g, " ").trim()}`;

const { jasmine } = jasmineInterface;
jasmine.DEFAULT_TIMEOUT_INTERVAL = 30_000;
const environment = jasmine.getEnv();
environment.configure({ random: false, specFilter: (spec) => new RegExp(specs).test(spec.getFullName()) });
const tellFailures = ({ fullName = "all specs", failedExpectations }: SuiteResult): void => {
  for (const { message } of failedExpectations) tellFault(`outside of a spec, in ${fullName}`, message);
};
environment.addReporter({
  specStarted(result): void {
    dropTape();
    tell({ kind: "begun", spec: nameOf(result) });
  },
  specDone(result): void {
    const spec = nameOf(result);
    if (result.status === "passed") tell({ kind: "passed", spec });
    if (result.status === "pending") tell({ kind: "skipped", spec });
    if (result.status === "failed") {
      tell({
        kind: "failed",
        spec,
        message: result.failedExpectations.map(({ message }) => message).join("; "),
      });
    }
  },
  suiteDone: tellFailures,
  jasmineDone: tellFailures,
});
// A promise that nobody waits for must not end the process, but it is a fault.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  tellFault("a promise was rejected that nothing waits for", event.reason);
});
await environment.execute();
tell({ kind: "end" });
Deno.exit(0); // some specs leave timers
