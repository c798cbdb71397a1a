import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fromFileUrl, toFileUrl } from "@std/path";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";
import {
  commandOf,
  dataFlag,
  errorLine,
  helpText,
  parseFlags,
  runTask,
  threadsFlag,
} from "../../../scripts/cli/task.ts";
import { granted } from "../../needs.ts";

const task = {
  name: "train",
  summary: "Trains.",
  flags: {
    data: dataFlag,
    run: { type: "string", placeholder: "DIR", help: "run folder" },
    device: { type: "string", choices: ["cpu", "gpu"], help: "where to compute" },
    epochs: { type: "integer", help: "epochs", default: 20, min: 1 },
    threads: { type: "integer", help: "threads", min: 1, max: 64 },
    lr: { type: "number", help: "learning rate", max: 10 },
    quiet: { type: "boolean", help: "say less" },
    "no-test": { type: "boolean", help: "leave the test set alone" },
  },
  examples: ["--epochs 3"],
} as const;

Deno.test("commandOf: what a person types for these values, and nothing that they are anyway", () => {
  const parsed = (...args: string[]) => commandOf(task, parseFlags(task, args)).replace(/^.* train/, "train");
  assertEquals(parsed(), "train");
  assertEquals(
    parsed("--lr", "-0.5", "--quiet", "--run", "my run", "--epochs", "20", "--data", "d"),
    "train --quiet --data d --run 'my run' --lr=-0.5",
  );
});

Deno.test("parseFlags without arguments gives defaults, undefined and false", () => {
  assertEquals(parseFlags(task, []), {
    data: "data",
    run: undefined,
    device: undefined,
    epochs: 20,
    threads: undefined,
    lr: undefined,
    quiet: false,
    "no-test": false,
  });
});

Deno.test("parseFlags reads --flag value, --flag=value, negative numbers and exponents", () => {
  const flags = parseFlags(task, [
    "--run",
    "a b",
    "--epochs=3",
    "--lr",
    "-1e-2",
    "--no-test",
    "--device",
    "gpu",
  ]);
  assertEquals(flags.run, "a b");
  assertEquals(flags.epochs, 3);
  assertEquals(flags.lr, -0.01);
  assertEquals(flags["no-test"], true);
  const device: "cpu" | "gpu" | undefined = flags.device; // the type follows the choices
  assertEquals(device, "gpu");
  assertEquals(parseFlags(task, ["--lr=-.5", "--quiet"]).lr, -0.5);
  assertEquals(parseFlags(task, ["--run=a=b"]).run, "a=b");
  assertEquals(parseFlags(task, ["--run", "1e3"]).run, "1e3", "text that looks like a number stays text");
  assertEquals(parseFlags(task, ["--epochs", "3", "--epochs", "4"]).epochs, 4, "the last one counts");
});

Deno.test("parseFlags names the flag, what was found and what is allowed", () => {
  const cases: [string[], string][] = [
    [["--epoch", "3"], 'Unknown flag --epoch: did you mean --epochs? see "deno task train --help"'],
    [["--thraeds=3"], "Unknown flag --thraeds: did you mean --threads?"],
    [["--banana"], 'Unknown flag --banana: see "deno task train --help"'],
    [["--test"], 'Unknown flag --test: see "deno task train --help"'],
    [["-x"], 'Unknown flag -x: see "deno task train --help"'],
    [["--toString"], "Unknown flag --toString: see"],
    [["-lr", "3"], "Unknown flag -lr: did you mean --lr?"],
    [["-run=a"], "Unknown flag -run: did you mean --run?"],
    [["--no-data=a"], 'Unknown flag --no-data: see "deno task train --help"'],
    [["now"], 'Unexpected argument "now": train takes only flags'],
    [["--", "--epochs"], 'Unexpected argument "--epochs": train takes only flags'],
    [["--epochs"], "Missing value of --epochs: expected an integer of at least 1, as in --epochs N"],
    [["--epochs", "--quiet"], "Missing value of --epochs"],
    [["--run="], "Missing value of --run: expected a text, as in --run DIR"],
    [["--run", ""], "Missing value of --run: expected a text, as in --run DIR; the value is empty"],
    [["--run=", "--quiet"], "Missing value of --run: expected a text, as in --run DIR; the value is empty"],
    [["--epochs", "", "--quiet"], "as in --epochs N; the value is empty"],
    [["--quiet", ""], 'Unexpected argument "": train takes only flags'],
    [["--epochs", "many"], 'Cannot use --epochs "many": expected an integer of at least 1'],
    [["--epochs", "1.5"], 'Cannot use --epochs "1.5"'],
    [["--epochs", "0x10"], 'Cannot use --epochs "0x10"'],
    [["--epochs", "0"], 'Cannot use --epochs "0": expected an integer of at least 1'],
    [["--threads", "65"], 'Cannot use --threads "65": expected an integer from 1 to 64'],
    [["--lr", "11"], 'Cannot use --lr "11": expected a number of at most 10'],
    [["--lr", "Infinity"], 'Cannot use --lr "Infinity"'],
    [["--device", "tpu"], 'Cannot use --device "tpu": expected one of cpu, gpu'],
    [["--quiet=yes"], 'Cannot use --quiet "yes": expected no value'],
    [["--quiet", "yes"], 'Cannot use --quiet "yes": expected no value'],
    [["--no-test=1"], 'Cannot use --no-test "1": expected no value'],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseFlags(task, args), UsageError, message, args.join(" "));
  }
});

Deno.test("helpText shows every flag, its placeholder, default and choices", () => {
  assertEquals(
    helpText(task),
    `Trains.

Usage: deno task train [flags]

Flags:
  --data DIR        folder of the data set (default: data)
  --run DIR         run folder
  --device cpu|gpu  where to compute
  --epochs N        epochs (default: 20)
  --threads N       threads
  --lr X            learning rate
  --quiet           say less
  --no-test         leave the test set alone
  --help            show this

Examples:
  deno task train --epochs 3`,
  );
});

Deno.test("--threads of the tasks has an upper bound", () => {
  const task = { name: "bench", summary: "Times.", flags: { threads: threadsFlag } } as const;
  assertEquals(parseFlags(task, ["--threads", "1024"]), { threads: 1024 });
  for (const threads of ["1025", "100000", "2147483648"]) {
    const message = `Cannot use --threads "${threads}": expected an integer from 1 to 1024`;
    assertThrows(() => parseFlags(task, ["--threads", threads]), UsageError, message);
  }
});

/** A task that takes an argument too. */
const shown = {
  name: "recipe",
  summary: "Prints.",
  flags: { run: { type: "string", help: "which" } },
  argument: { placeholder: "NAME", help: "what to print" },
} as const;

Deno.test("runTask gives the argument of a task that takes one, wherever it stands; none if it is not there", async () => {
  const seen: [string | undefined, string | undefined][] = [];
  const run = (...args: string[]) =>
    runTask(shown, (flags, argument?: string) => void seen.push([flags.run, argument]), args);
  await run("fast", "--run", "a");
  await run("--run", "a", "fast");
  await run("--run=a");
  await run("1.json");
  await run("--", "--run");
  assertEquals(seen, [["a", "fast"], ["a", "fast"], ["a", undefined], [undefined, "1.json"], [
    undefined,
    "--run",
  ]]);
});

Deno.test("a task takes one argument at most", () => {
  const message = 'Unexpected argument "b": recipe takes one NAME, see "deno task recipe --help"';
  assertThrows(() => parseFlags(shown, ["a", "b"]), UsageError, message);
  assertThrows(() => parseFlags(shown, ["a", "--run", "r", "b", "c"]), UsageError, message);
  assertThrows(() => parseFlags(shown, ["-a"]), UsageError, "Unknown flag -a: see");
});

Deno.test("helpText says what the argument is", () => {
  assertEquals(
    helpText(shown),
    `Prints.

Usage: deno task recipe [NAME] [flags]

NAME: what to print

Flags:
  --run TEXT  which
  --help      show this`,
  );
});

/** A task that takes any number of them. */
const many = {
  name: "predict",
  summary: "Predicts.",
  flags: { quiet: { type: "boolean", help: "say less" } },
  argument: { placeholder: "FILE", help: "what to look at", many: true },
} as const;

Deno.test("a task that takes many arguments gets them as they were typed, in their order; one there must be", async () => {
  const seen: string[][] = [];
  const run = (...args: string[]) => runTask(many, (_, ...given) => void seen.push(given), args);
  await run("b.jpg", "007", "--quiet", "--", "-1.jpg", "1e3");
  await run("-");
  await run("--quiet", "a.jpg", "b.jpg");
  await run("a.jpg", "--", "--quiet");
  assertEquals(seen, [["b.jpg", "007", "-1.jpg", "1e3"], ["-"], ["a.jpg", "b.jpg"], ["a.jpg", "--quiet"]]);
  assertEquals([parseFlags(many, ["--quiet", "a"]).quiet, parseFlags(many, ["a", "--", "--quiet"]).quiet], [
    true,
    false,
  ]);
  assertThrows(
    () => parseFlags(many, ["--quite", "a"]),
    UsageError,
    "Unknown flag --quite: did you mean --quiet?",
  );
  assertThrows(
    () => parseFlags({ ...many, flags: { run: dataFlag, ...many.flags } }, ["--run", "--quiet", "a"]),
    UsageError,
    "Missing value of --run",
  );
  const message = 'Missing FILE: predict takes one or more, see "deno task predict --help"';
  assertThrows(() => parseFlags(many, ["--quiet"]), UsageError, message);
  assertStringIncludes(
    helpText(many),
    "\nUsage: deno task predict FILE... [flags]\n\nFILE: what to look at\n",
  );
});

Deno.test("errorLine is one line, and tells the foreseen from the unforeseen", () => {
  assertEquals(errorLine(new UserError("Cannot read x:\n  gone")), "error: Cannot read x: gone");
  assertEquals(errorLine(new UsageError("No")), "error: No");
  assertStringIncludes(
    errorLine(new TensorFlowError("TF_X", 3, "bad")),
    "TF_X failed with INVALID_ARGUMENT (3): bad",
  );
  assertEquals(errorLine(new RangeError("f: 1")), "error: RangeError: f: 1 (RESNET_DEBUG=1 shows where)");
});

Deno.test("errorLine says in plain words what the system said, wherever it was", () => {
  // As Deno 2.9 words them; the second one without its path, as where permissions are not for everything.
  const denied = new Deno.errors.PermissionDenied("Permission denied (os error 13): open 'data/a.bin'");
  assertEquals(errorLine(denied), "error: Cannot open 'data/a.bin': permission denied");
  assertEquals(
    errorLine(new Error("No space left on device (os error 28)")),
    "error: Cannot go on: no space left on device",
  );
  const long = errorLine(new Error(`File name too long (os error 36): stat '${"x".repeat(1000)}'`));
  assertEquals(long.replace(/x+…x+/, "NAME"), "error: Cannot stat 'NAME': file name too long");
  assertEquals(long.length < 300, true, long);
});

/** Runs a task in a process of its own, its `main` being the given code. */
async function run(main: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const task = new URL("../../../scripts/cli/task.ts", import.meta.url).href;
  const errors = new URL("../../../runtime/system/errors.ts", import.meta.url).href;
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      script,
      `import { runTask } from "${task}"; import { UserError } from "${errors}";
       await runTask({ name: "t", summary: "Does t.", flags: { n: { type: "integer", help: "a number" } } },
         (flags) => { ${main} });`,
    );
    const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-env", "--config", config, toFileUrl(script).href, ...args],
      env: { RESNET_DEBUG: "", ...env },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    await Deno.remove(script);
  }
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

Deno.test({
  name: "runTask ends with 0, 1 or 2, and one line on stderr",
  ignore: !granted("run", "read", "write", "env"),
  fn: async () => {
    assertEquals(await run("console.log(flags.n)", ["--n", "-3"]), { code: 0, stdout: "-3\n", stderr: "" });
    assertEquals(await run(`throw new UserError("Cannot: x")`, []), {
      code: 1,
      stdout: "",
      stderr: "error: Cannot: x\n",
    });
    const usage = await run("", ["--m"]);
    assertEquals([usage.code, usage.stdout], [2, ""]);
    assertEquals(usage.stderr, 'error: Unknown flag --m: see "deno task t --help"\n');
    const bug = await run(`throw new TypeError("f: x")`, [], { RESNET_DEBUG: "1" });
    assertEquals(bug.code, 1);
    assertStringIncludes(bug.stderr, "error: TypeError: f: x");
    assertStringIncludes(bug.stderr, "    at ");
    const help = await run(`throw new Error("not called")`, ["--bogus", "--help"]);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, "Usage: deno task t [flags]");
  },
});
