import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  type Contender,
  contenders,
  type Field,
  findPython,
  parseResult,
  type PeerResult,
  race,
  ratios,
  runContender,
  type Standing,
  withPeerScripts,
} from "../../../pipeline/bench/peers.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { packageFile } from "../../../runtime/system/package.ts";
import { codeArgs } from "../../child.ts";
import { granted } from "../../needs.ts";

const FIELD: Field = {
  benchmark: { model: "resnet34", batch: 16, size: 224, inference: false },
  precisions: ["float32", "bfloat16"],
  seconds: 5,
  python: { program: "py", hasKeras: true },
  programs: { deno: ["deno", "run", "bench.ts"], torch: "torch.py", keras: "keras.py" },
};

function contender(
  framework: Contender["framework"],
  precision: Contender["precision"],
  how = "",
): Contender {
  return { framework, precision, how, isTutorial: how === "tutorial", command: [] };
}

function result(imagesPerSecond: number): PeerResult {
  return { imagesPerSecond, msPerStep: 1, firstStepMs: 1, peakRssMiB: 1, versions: {} };
}

function standing(one: Contender, ...rates: number[]): Standing {
  return { contender: one, results: rates.map(result) };
}

Deno.test("contenders: this project and every peer in both precisions, NCHW in float32 only", () => {
  const names = contenders(FIELD).map(({ framework, how }) => `${framework} ${how}`);
  assertEquals(names, [
    "Deno float32",
    "Deno bfloat16",
    "PyTorch float32, as the tutorial writes it",
    "PyTorch float32, NCHW, compiled",
    "PyTorch float32, channels_last",
    "PyTorch float32, channels_last, compiled",
    "Keras float32",
    "PyTorch bfloat16, channels_last",
    "PyTorch bfloat16, channels_last, compiled",
    "Keras bfloat16",
  ]);
});

Deno.test("contenders: without Keras, in one precision; the tutorial's own code is there all the same", () => {
  const field = contenders({
    ...FIELD,
    precisions: ["bfloat16"],
    python: { program: "py", hasKeras: false },
  });
  assertEquals(field.map(({ how, isTutorial }) => [how, isTutorial]), [
    ["bfloat16", false],
    ["float32, as the tutorial writes it", true],
    ["bfloat16, channels_last", false],
    ["bfloat16, channels_last, compiled", false],
  ]);
});

Deno.test("contenders: the commands ask all for the same case", () => {
  const field = contenders({
    ...FIELD,
    precisions: ["float32"],
    benchmark: { ...FIELD.benchmark, inference: true },
    threads: 2,
  });
  const common =
    "--model resnet34 --batch 16 --size 224 --seconds 5 --threads 2 --inference --precision float32";
  assertEquals(field.map(({ command }) => command.join(" ")), [
    `deno run bench.ts --json ${common}`,
    `py torch.py ${common} --layout nchw`,
    `py torch.py ${common} --layout nchw --compile`,
    `py torch.py ${common} --layout channels_last`,
    `py torch.py ${common} --layout channels_last --compile`,
    `py keras.py ${common}`,
  ]);
});

Deno.test("race: in turn, round by round; who fails is left out from then on and has no results", async () => {
  const [a, b, c] = [
    contender("Deno", "float32"),
    contender("PyTorch", "float32"),
    contender("Keras", "float32"),
  ];
  const order: string[] = [];
  const told: string[] = [];
  const standings = await race([a, b, c], 3, ({ framework }) => {
    order.push(framework);
    if (framework === "PyTorch" && order.length > 3) throw new UserError("no compiler");
    return Promise.resolve(result(order.length));
  }, ({ framework }, round, outcome) => {
    told.push(
      `${round} ${framework} ${outcome instanceof Error ? outcome.message : outcome.imagesPerSecond}`,
    );
  });
  assertEquals(order.join(" "), "Deno PyTorch Keras Deno PyTorch Keras Deno Keras");
  assertEquals(told[4], "2 PyTorch no compiler");
  assertEquals(standings, [
    standing(a, 1, 4, 7),
    { contender: b, results: [], failure: "no compiler" },
    standing(c, 3, 6, 8),
  ]);
});

Deno.test("ratios: medians against the best of each framework in the same precision, and the fastest against the tutorial", () => {
  const tutorial = contender("PyTorch", "float32", "tutorial");
  const eager = contender("PyTorch", "float32", "eager");
  const compiled = contender("PyTorch", "bfloat16", "compiled");
  const keras = contender("Keras", "float32");
  const found = ratios([
    standing(contender("Deno", "float32"), 12, 90, 10),
    standing(contender("Deno", "bfloat16"), 30, 20, 25),
    standing(tutorial, 5, 4, 6),
    standing(eager, 1, 8, 99),
    { contender: contender("PyTorch", "float32", "broken"), results: [], failure: "no compiler" },
    standing(compiled, 20),
    standing(keras, 6),
  ]);
  assertEquals(found, [
    { precision: "float32", against: eager, ratio: 1.5 },
    { precision: "float32", against: keras, ratio: 2 },
    { precision: "bfloat16", against: compiled, ratio: 1.25 },
    { precision: "bfloat16", against: tutorial, ratio: 5 },
  ]);
});

Deno.test("ratios: where the tutorial's code is the best of PyTorch, it is compared once", () => {
  const tutorial = contender("PyTorch", "float32", "tutorial");
  const found = ratios([standing(contender("Deno", "float32"), 6), standing(tutorial, 4)]);
  assertEquals(found, [{ precision: "float32", against: tutorial, ratio: 1.5 }]);
});

Deno.test("ratios of nobody but this project: none", () => {
  assertEquals(ratios([standing(contender("Deno", "float32"), 1)]), []);
});

Deno.test("parseResult takes a result and nothing else", () => {
  assertEquals(parseResult(JSON.stringify({ ...result(3), more: true })).imagesPerSecond, 3);
  for (const line of ["", "no JSON", "null", "{}", JSON.stringify({ ...result(3), msPerStep: null })]) {
    assertThrows(
      () => parseResult(line),
      UserError,
      `expected a result as one line of JSON, found "${line.slice(0, 80)}"`,
    );
  }
});

Deno.test("parseResult says what is wrong with a result", () => {
  const found = (line: string) => assertThrows(() => parseResult(line), UserError).message;
  const start = "expected a result as one line of JSON, found ";
  assertEquals(
    found("Killed"),
    `${start}"Killed": it is not JSON (Unexpected token 'K', "Killed" is not valid JSON)`,
  );
  assertEquals(found("{}"), `${start}"{}": imagesPerSecond is missing`);
  assertEquals(
    found('{"imagesPerSecond": "fast"}'),
    `${start}"{"imagesPerSecond": "fast"}": imagesPerSecond is "fast": expected a number`,
  );
  const untold = JSON.stringify({ ...result(3), versions: null });
  assertEquals(found(untold), `${start}"${untold.slice(0, 80)}": versions is null: expected an object`);
});

Deno.test({
  name: "runContender: the last line on stdout is the result, the last on stderr the reason of a failure",
  ignore: !granted("run", "read"),
  async fn() {
    const run = (code: string) =>
      runContender({ ...contender("Deno", "float32"), command: [Deno.execPath(), ...codeArgs(code)] });
    const line = JSON.stringify(result(7));
    assertEquals(await run(`console.log("warming up"); console.log(${JSON.stringify(line)})`), result(7));
    const fails = `console.error("a trace"); console.error("ValueError: wrong"); Deno.exit(1)`;
    await assertRejects(() => run(fails), UserError, "ValueError: wrong");
    await assertRejects(() => run(""), UserError, 'expected a result as one line of JSON, found ""');
  },
});

Deno.test({
  name: "findPython: what it has, or one line that says how to get it",
  ignore: !granted("run", "read", "write", "env") || Deno.build.os === "windows",
  async fn() {
    const dir = await Deno.makeTempDir();
    const program = async (name: string, prints: string): Promise<string> => {
      const path = `${dir}/${name}`;
      await Deno.writeTextFile(path, `#!/bin/sh\necho ${prints}\n`, { mode: 0o755 });
      return path;
    };
    try {
      const both = await program("both", "torch tensorflow keras");
      assertEquals(await findPython(both), { program: both, hasKeras: true });
      const torch = await program("torch", "torch keras");
      assertEquals(await findPython(torch), { program: torch, hasKeras: false });
      const advice =
        "make one outside the project with `python3 -m venv DIR` and `DIR/bin/pip install torch`, " +
        "and set RESNET_PYTHON=DIR/bin/python";
      const none = await program("none", "");
      await assertRejects(
        () => findPython(none),
        UserError,
        `Cannot run the peers: ${none} has no torch; ${advice}`,
      );
      await assertRejects(
        () => findPython(`${dir}/absent`),
        UserError,
        `Cannot run the peers: there is no ${dir}/absent; ${advice}`,
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "withPeerScripts: the files themselves in a checkout, copies of them where the code is on a server",
  ignore: !granted("read", "write", "net"),
  async fn(): Promise<void> {
    const files = ["torch", "keras"].map((name) => packageFile(`pipeline/bench/${name}_bench.py`));
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
    const read = ({ torch, keras }: { torch: string; keras: string }) =>
      Promise.all([torch, keras].map(async (path) => [path, await Deno.readTextFile(path)] as const));

    assertEquals(await withPeerScripts(read), files.map((file, i) => [fromFileUrl(file), texts[i]] as const));

    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const path = new URL(request.url).pathname;
      if (!path.startsWith("/p/pipeline/bench/")) return new Response("", { status: 404 });
      return new Response(await Deno.readTextFile(packageFile(path.slice("/p/".length))));
    });
    const at = (root: string) => (path: string) =>
      new URL(`http://127.0.0.1:${server.addr.port}/${root}/${path}`);
    const copies = await withPeerScripts(read, at("p"));
    assertEquals(copies.map(([, text]) => text), texts);
    for (const [path] of copies) assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);

    const missing = at("q")("pipeline/bench/torch_bench.py");
    await assertRejects(
      () => withPeerScripts(read, at("q")),
      UserError,
      `Cannot download ${missing}: the server answered 404 Not Found`,
    );
  },
});
