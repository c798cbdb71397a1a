/** Runs the same case in other frameworks, in turn with this one, each time in a process of its own. */
import { basename, fromFileUrl, join } from "@std/path";
import type { Precision } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { median } from "../../runtime/system/median.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { silent } from "../../runtime/system/progress.ts";
import { checkJson, number, recordOf, type Schema, someFields, text } from "../../runtime/system/schema.ts";
import { download } from "../data/download.ts";
import type { BenchmarkCase, BenchmarkModel } from "./benchmark.ts";

/** Whose code a contender runs. */
export type Framework = "Deno" | "PyTorch" | "Keras";

/** The networks that the peers' scripts have: CIFAR_BLOCKS of torch_bench.py and keras_bench.py, and ResNet-34. */
export const PEER_MODELS: readonly BenchmarkModel[] = [
  "resnet20",
  "resnet32",
  "resnet44",
  "resnet56",
  "resnet110",
  "resnet34",
];

/** One way of running the case. */
export interface Contender {
  /** Whose code it is. */
  readonly framework: Framework;
  /** How, e.g. "float32, channels_last, compiled". */
  readonly how: string;
  /** Number format of its convolutions. */
  readonly precision: Precision;
  /** Whether it is PyTorch as the tutorial writes it: float32, NCHW, eager. */
  readonly isTutorial: boolean;
  /** Program and arguments. Its last line on stdout is a `PeerResult` as JSON. */
  readonly command: readonly string[];
}

/** What a contender prints: the fields of `deno task bench --json` that are compared. */
export interface PeerResult {
  /** The batch over the median time of a step. */
  readonly imagesPerSecond: number;
  /** Median, in milliseconds. */
  readonly msPerStep: number;
  /** Compilation included, in milliseconds. */
  readonly firstStepMs: number;
  /** The most memory that the process ever held, in MiB. */
  readonly peakRssMiB: number;
  /** Of what computes, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const RESULT: Schema<PeerResult> = someFields({
  imagesPerSecond: number(),
  msPerStep: number(),
  firstStepMs: number(),
  peakRssMiB: number(),
  versions: recordOf(text),
});

/** How a contender did over all rounds. */
export interface Standing {
  /** Who. */
  readonly contender: Contender;
  /** One a round; empty if it failed. */
  readonly results: readonly PeerResult[];
  /** Why it could not go on; it takes part in no further round. */
  readonly failure?: string;
}

/** A Python that can run the peers. */
export interface Python {
  /** Name or path of the interpreter. */
  readonly program: string;
  /** Whether it has TensorFlow with Keras too. */
  readonly hasKeras: boolean;
}

/** What the contenders need to know. */
export interface Field {
  /** The case that all of them run. */
  readonly benchmark: Omit<BenchmarkCase, "precision">;
  /** In which precisions to run. */
  readonly precisions: readonly Precision[];
  /** How long each measures, each time. */
  readonly seconds: number;
  /** Threads of one kernel; each framework's own choice unless given. */
  readonly threads?: number;
  /** What runs the peers. */
  readonly python: Python;
  /** What runs this project's task without its flags, and the files of the peers' scripts. */
  readonly programs: { readonly deno: readonly string[]; readonly torch: string; readonly keras: string };
}

const NCHW = ["--layout", "nchw"];
const CHANNELS_LAST = ["--layout", "channels_last"];

/**
 * Everyone who takes part: this project; PyTorch as the tutorial writes it (float32, NCHW, eager), the same compiled,
 * and with channels_last, eager and compiled; Keras if there is one. Each in each of the precisions, but that NCHW is
 * float32 only.
 */
export function contenders(
  { benchmark, precisions, seconds, threads, python, programs }: Field,
): Contender[] {
  const { model, batch, size, inference } = benchmark;
  const flags = [
    ...["--model", model, "--batch", `${batch}`, "--size", `${size}`, "--seconds", `${seconds}`],
    ...(threads === undefined ? [] : ["--threads", `${threads}`]),
    ...(inference ? ["--inference"] : []),
  ];
  const peer = (framework: Framework, how: string, precision: Precision, ...more: string[]): Contender => ({
    framework,
    how: [precision, how].filter((text) => text !== "").join(", "),
    precision,
    isTutorial: framework === "PyTorch" && more.join() === NCHW.join(),
    command: [
      ...(framework === "Deno"
        ? [...programs.deno, "--json"]
        : [python.program, framework === "PyTorch" ? programs.torch : programs.keras]),
      ...flags,
      ...["--precision", precision],
      ...more,
    ],
  });
  return [
    ...precisions.map((precision) => peer("Deno", "", precision)),
    peer("PyTorch", "as the tutorial writes it", "float32", ...NCHW),
    ...(precisions.includes("float32")
      ? [peer("PyTorch", "NCHW, compiled", "float32", ...NCHW, "--compile")]
      : []),
    ...precisions.flatMap((precision) => [
      peer("PyTorch", "channels_last", precision, ...CHANNELS_LAST),
      peer("PyTorch", "channels_last, compiled", precision, ...CHANNELS_LAST, "--compile"),
      ...(python.hasKeras ? [peer("Keras", "", precision)] : []),
    ]),
  ];
}

/**
 * Runs every contender once a round, in turn, so that a machine that slows down slows all of them.
 * @param run Runs one; an error that it throws ends that contender's part.
 * @param onResult Told after each run.
 */
export async function race(
  field: readonly Contender[],
  rounds: number,
  run: (contender: Contender) => Promise<PeerResult>,
  onResult: (contender: Contender, round: number, outcome: PeerResult | Error) => void = () => {},
): Promise<Standing[]> {
  const standings = field.map((contender): Standing => ({ contender, results: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const [i, { contender, results, failure }] of standings.entries()) {
      if (failure !== undefined) continue;
      try {
        const result = await run(contender);
        standings[i] = { contender, results: [...results, result] };
        onResult(contender, round, result);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        standings[i] = { contender, results: [], failure: error.message };
        onResult(contender, round, error);
      }
    }
  }
  return standings;
}

/** A comparison: how many times as many images a second this project does. */
export interface Ratio {
  /** In which precision this project runs. */
  readonly precision: Precision;
  /** Whom it is compared to. */
  readonly against: Contender;
  /** Above 1 if this project is faster. */
  readonly ratio: number;
}

/**
 * Ratios of median images a second: in each precision to the best PyTorch and to Keras of that precision, and this
 * project's fastest to PyTorch as the tutorial writes it. Who failed is left out.
 */
export function ratios(standings: readonly Standing[]): Ratio[] {
  const fastest = (is: (contender: Contender) => boolean): Standing | undefined =>
    standings.filter(({ contender, results }) => results.length > 0 && is(contender))
      .sort((a, b) => medianRate(b) - medianRate(a))[0];
  const compare = (ours: Standing | undefined, theirs: Standing | undefined): Ratio[] =>
    ours === undefined || theirs === undefined ? [] : [{
      precision: ours.contender.precision,
      against: theirs.contender,
      ratio: medianRate(ours) / medianRate(theirs),
    }];
  const best = (framework: Framework, precision: Precision): Standing | undefined =>
    fastest((contender) => contender.framework === framework && contender.precision === precision);
  const precisions = standings.filter(({ contender }) => contender.framework === "Deno")
    .map(({ contender }) => contender.precision);
  const toBest = precisions.flatMap((precision) =>
    (["PyTorch", "Keras"] as const).flatMap((framework) =>
      compare(best("Deno", precision), best(framework, precision))
    )
  );
  const toTutorial = compare(
    fastest(({ framework }) => framework === "Deno"),
    fastest(({ isTutorial }) => isTutorial),
  );
  const isNew = ({ precision, against }: Ratio): boolean =>
    !toBest.some((ratio) => ratio.precision === precision && ratio.against === against);
  return [...toBest, ...toTutorial.filter(isNew)];
}

/** Median images a second over the rounds. */
export function medianRate({ results }: Pick<Standing, "results">): number {
  return median(results.map(({ imagesPerSecond }) => imagesPerSecond));
}

/**
 * Runs a contender's program.
 * @throws {UserError} If it fails or prints no result.
 */
export async function runContender({ command: [program, ...args] }: Contender): Promise<PeerResult> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    // TensorFlow's own default leaves oneDNN off on processors without AVX-512; ours has it on.
    env: { TF_ENABLE_ONEDNN_OPTS: "1", TF_CPP_MIN_LOG_LEVEL: "3" },
  }).output();
  const lastLine = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim().split("\n").at(-1)!;
  if (!success) throw new UserError(lastLine(stderr) || `${program} failed`);
  return parseResult(lastLine(stdout));
}

/** Reads the line that a contender prints. @throws {UserError} If it is no result. */
export function parseResult(line: string): PeerResult {
  return checkJson(
    RESULT,
    line,
    (problem) =>
      new UserError(`expected a result as one line of JSON, found "${line.slice(0, 80)}": ${problem}`),
  );
}

/** Paths of the peers' scripts. */
type PeerScripts = Pick<Field["programs"], "torch" | "keras">;

/**
 * Gives the peers' scripts to a function: the files beside this one, or, where this one came from a server, copies from
 * there that are removed when the function has ended.
 * @param locate URL of a file of the package.
 * @throws {UserError} If the server does not give them, or they cannot be written.
 */
export async function withPeerScripts<R>(
  use: (scripts: PeerScripts) => Promise<R>,
  locate: (path: string) => URL = (path) => packageFile(path),
): Promise<R> {
  const [torch, keras] = ["torch", "keras"].map((name) => locate(`pipeline/bench/${name}_bench.py`));
  if (torch.protocol === "file:") return await use({ torch: fromFileUrl(torch), keras: fromFileUrl(keras) });
  const folder = await Deno.makeTempDir();
  const copy = async (url: URL): Promise<string> => {
    const path = join(folder, basename(url.pathname));
    await download(url.href, path, { progress: silent, label: path });
    return path;
  };
  try {
    return await use({ torch: await copy(torch), keras: await copy(keras) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** How to get a Python with PyTorch. */
const ADVICE = "make one outside the project with `python3 -m venv DIR` and `DIR/bin/pip install torch`, " +
  "and set RESNET_PYTHON=DIR/bin/python";

/**
 * Looks for PyTorch and Keras in a Python, without importing them.
 * @param program The one in the environment variable `RESNET_PYTHON`, or `python3`, unless given.
 * @throws {UserError} If there is none, saying how to get it.
 */
export async function findPython(program = Deno.env.get("RESNET_PYTHON") ?? "python3"): Promise<Python> {
  const code = "from importlib.util import find_spec\n" +
    "print(*[name for name in ('torch', 'tensorflow', 'keras') if find_spec(name)])";
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args: ["-c", code] }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(`Cannot run the peers: there is no ${program}; ${ADVICE}`);
  }
  const found = new TextDecoder().decode(output.stdout).trim().split(/\s+/);
  if (!output.success || !found.includes("torch")) {
    throw new UserError(`Cannot run the peers: ${program} has no torch; ${ADVICE}`);
  }
  return { program, hasKeras: found.includes("tensorflow") && found.includes("keras") };
}
