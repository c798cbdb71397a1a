/** What `deno task train` does: trains a recipe and keeps its run folder, stops and resumes. */
import { join } from "@std/path";
import { parameterCount } from "../layers/mod.ts";
import type { Data } from "../pipeline/data/mod.ts";
import {
  checkResumed,
  checkVacant,
  codeVersion,
  createRun,
  epochMetrics,
  loadCheckpoint,
  loadStart,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  runName,
  saveCheckpoint,
  saveWeights,
  versions,
  writeMetrics,
  writeRunInfo,
} from "../pipeline/runs/mod.ts";
import {
  buildModel,
  changeRecipe,
  choosePrecision,
  disposeState,
  findRecipe,
  initialState,
  prepareData,
  recipes,
  stepsPerEpoch,
  testResults,
  train,
  type TrainState,
} from "../pipeline/training/mod.ts";
import { configure, type Progress, readCpu, runtimeInfo, tf, UsageError, UserError } from "../runtime/mod.ts";
import { accuracyLine, testLines } from "./cli/accuracy_lines.ts";
import { dataFlag, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

/** The task and its flags. */
export const trainTask = {
  name: "train",
  summary: "Trains a network on CIFAR-10; installs what is missing first.",
  flags: {
    recipe: { type: "string", choices: Object.keys(recipes), help: "what to train, and how (default: fast)" },
    epochs: { type: "integer", min: 1, help: "passes over the training images" },
    batch: { type: "integer", min: 2, help: "images a step" },
    lr: { type: "number", min: 0, help: "peak learning rate" },
    seed: {
      type: "integer",
      min: 0,
      max: 2 ** 31 - 1,
      help: "seed of weights, order and augmentation (default: 0)",
    },
    precision: {
      type: "string",
      choices: ["float32", "bfloat16"],
      help: "number format of the convolutions",
    },
    limit: { type: "integer", min: 2, help: "take the first N training images only" },
    data: dataFlag,
    run: { type: "string", placeholder: "DIR", help: "folder of the run (default: runs/RECIPE-TIME)" },
    resume: { type: "string", placeholder: "DIR", help: "go on with a run that was stopped" },
    force: { type: "boolean", help: "start over in a folder that holds a run" },
    init: {
      type: "string",
      placeholder: "FILE",
      help: "start from these weights (safetensors, PyTorch's names)",
    },
    "no-test": { type: "boolean", help: "leave the test images alone" },
    device: {
      type: "string",
      choices: ["cpu", "gpu"],
      help: "where to run (default: a GPU if there is one)",
    },
    threads: { type: "integer", min: 1, help: "threads of one kernel (default: one per core)" },
    quiet: { type: "boolean", help: "no progress" },
  },
  examples: [
    "",
    "--recipe resnet20 --seed 1",
    "--recipe tutorial --epochs 2",
    "--resume runs/fast-20261125-093000",
  ],
} as const;

/** Exit code of a process that a signal ended, by the shell's convention: 128 + the signal's number. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Signals within this time count as one, in milliseconds: a terminal's Ctrl-C reaches this process itself and once or
 * twice more through `deno task`, which passes it on.
 */
const ONE_KEY_PRESS_MS = 1000;

/**
 * Trains as the flags say, and prints what the tutorial prints.
 * @param load Gives the images; called first, so that nothing is started without them.
 * @throws {UsageError} If the flags contradict a resumed run, or the folder holds a run.
 */
export async function runTraining(
  flags: Values<typeof trainTask.flags>,
  load: (progress: Progress) => Promise<Data>,
): Promise<void> {
  const progress = terminalProgress(flags.quiet);
  const cpu = readCpu();
  const resumed = flags.resume === undefined ? undefined : await readRunInfo(flags.resume);
  if (resumed !== undefined) checkResumed(flags, resumed, flags.resume!);
  if (resumed !== undefined && (flags.run !== undefined || flags.force)) {
    throw new UsageError(
      `Cannot resume ${flags.resume} with --run or --force: a resumed run stays in its folder`,
    );
  }
  const asked = resumed ?? { ...flags, seed: flags.seed ?? 0 };
  const recipe = resumed?.recipe ?? changeRecipe(findRecipe(flags.recipe ?? "fast"), flags);
  const { seed, limit, init, threads, device } = asked;
  const dir = flags.resume ?? flags.run ?? join("runs", runName(recipe.name, new Date()));

  if (resumed === undefined && !flags.force) await checkVacant(dir);

  const loaded = await load(progress);
  configure({ device, threads, progress });
  await tf.ready();
  const { devices } = runtimeInfo();
  const onGpu = devices.some((name) => name.startsWith("GPU"));
  const precision = resumed?.precision ??
    choosePrecision(flags.precision, recipe, { hasBfloat16: cpu.hasBfloat16 && !onGpu });
  if (precision === "bfloat16" && !cpu.hasBfloat16) {
    progress.message("This processor has no bfloat16 instructions: expect a tenth of the speed of float32");
  }
  const info: RunInfo = resumed ?? {
    recipe,
    seed,
    precision,
    ...(limit !== undefined && { limit }),
    ...(init !== undefined && { init }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
    cpu: { model: cpu.model, instructions: cpu.instructions, cores: cpu.cores },
    versions: versions(),
    commit: await codeVersion(),
    started: new Date().toISOString(),
  };

  const data = prepareData(loaded, recipe, limit);
  const model = buildModel(recipe.model, data.train.classes.length);
  const path = (file: keyof typeof RUN_FILES): string => join(dir, RUN_FILES[file]);
  const restored = resumed === undefined ? undefined : await restore(path("checkpoint"), model);
  const given = restored === undefined && init !== undefined ? await loadStart(init, model, seed) : undefined;
  const start = restored?.state ?? initialState(model, recipe, data.train, seed, given?.variables);
  // Only now: a folder that is emptied by --force may hold those weights.
  if (resumed === undefined) await createRun(dir, info, flags);

  const images = data.train.indices.length;
  const perEpoch = stepsPerEpoch(images, recipe.batchSize);
  progress.message(
    `${model.name}, ${parameterCount(model).toLocaleString("en")} parameters, ${images} training images, ` +
      `${recipe.epochs} epochs of ${perEpoch} steps, ${precision}, ${
        devices.join(" and ")
      }, ${cpu.model} (${cpu.instructions})`,
  );
  if (given?.replacedHead !== undefined) {
    progress.message(
      `${init} tells ${given.replacedHead} classes apart: the last layer starts anew, with ${data.train.classes.length}`,
    );
  }
  progress.message(`${resumed ? `Resumed at step ${start.step} of` : "Run folder:"} ${dir}`);

  const metrics = (await readMetrics(dir)).filter(({ step }) => step <= start.step);
  const before = restored?.notes.seconds ?? 0;
  const began = performance.now();
  const seconds = (): number => before + (performance.now() - began) / 1000;
  const epoch = { images: 0, from: began, to: began };
  const save = async (state: TrainState): Promise<void> => {
    await saveWeights(path("weights"), model, state.variables, state.step);
    await saveCheckpoint(path("checkpoint"), model, state, { seconds: seconds() });
  };

  const stop = new AbortController();
  let signal: keyof typeof SIGNAL_EXIT | undefined;
  let askedAt = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (signal !== undefined) {
        if (performance.now() - askedAt > ONE_KEY_PRESS_MS) Deno.exit(SIGNAL_EXIT[name]); // asked again: at once
        return;
      }
      askedAt = performance.now();
      signal = name;
      progress.message(`${name}: finishing the step under way, then saving`);
      stop.abort();
    });
  }

  const bar = progress.start(
    "Training",
    recipe.epochs * images - imagesDone(start, images, recipe.batchSize),
    "images",
  );
  let done = 0;
  let final: TrainState;
  try {
    final = await train(model, data, recipe, {
      seed,
      state: start,
      precision,
      signal: stop.signal,
      onStep({ images, loss }) {
        epoch.images += images;
        epoch.to = performance.now();
        bar.update(done += images, `loss ${loss.toFixed(4)}`);
      },
      async onEpoch(report, state) {
        const imagesPerSecond = epoch.images / ((epoch.to - epoch.from) / 1000);
        metrics.push(epochMetrics(report, { seconds: seconds(), imagesPerSecond }));
        // Metrics first: a resumed run drops the lines after its checkpoint, but cannot write one before it again.
        await writeMetrics(dir, metrics);
        await save(state);
        const { validation, validationRunning } = report;
        console.log(`Epoch [${report.epoch}/${report.epochs}], Loss: ${report.lastLoss.toFixed(4)}`);
        if (validation) console.log(accuracyLine(validation, "validation"));
        if (validationRunning) {
          console.log(accuracyLine(validationRunning, "validation", "with running statistics"));
        }
        Object.assign(epoch, { images: 0, from: performance.now() });
      },
    });
  } catch (error) {
    if (!(error instanceof UserError) || metrics.length === 0) throw error;
    throw new UserError(`${error.message}; the weights of epoch ${metrics.length} are in ${dir}`);
  } finally {
    bar.stop();
  }

  if (signal !== undefined && final.step < recipe.epochs * perEpoch) {
    await save(final);
    console.log(
      `Stopped at step ${final.step} of ${
        recipe.epochs * perEpoch
      }; go on with: deno task train --resume ${dir}`,
    );
    Deno.exit(SIGNAL_EXIT[signal]);
  }
  progress.message(`Trained for ${(seconds() / 60).toFixed(1)} minutes; the weights are ${path("weights")}`);
  if (!flags["no-test"] && data.test !== undefined) {
    const results = testResults(model, final.variables, data.test, recipe, { precision, progress });
    testLines(results).forEach((line) => console.log(line));
    await writeRunInfo(dir, { ...info, test: results.test, ...(results.tta && { testTta: results.tta }) });
  }
  disposeState(final);
}

/** The last checkpoint, or nothing if the run was stopped before its first one: it then begins again. */
async function restore(path: string, model: Parameters<typeof loadCheckpoint>[1]) {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return await loadCheckpoint(path, model);
}

/** Images that the steps of a state have seen; the last step of an epoch is smaller. */
function imagesDone({ step }: TrainState, images: number, batchSize: number): number {
  const perEpoch = stepsPerEpoch(images, batchSize);
  return Math.floor(step / perEpoch) * images + (step % perEpoch) * batchSize;
}
