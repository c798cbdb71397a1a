/** What TensorBoard is shown of training: a list of summaries for each step and epoch, and what writes them. */
import { resolve } from "@std/path";
import { type Model, toArrays, type Variables } from "../../layers/mod.ts";
import { type Precision, type Summary, SummaryWriter } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { oneLine } from "../../runtime/system/texts.ts";
import { batches } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { confidentMistakes, type Mistake } from "../inference/answers.ts";
import { answersOf } from "../inference/ask.ts";
import type { TrainState } from "../training/state.ts";
import type { EpochReport, StepReport } from "../training/train.ts";

/** The most points of a curve in an epoch: TensorBoard itself shows a thousand of a whole curve. */
const POINTS = 100;

/** How many mistakes are shown. */
const MISTAKES = 12;

/** What may be shown besides, and who is told that something cannot be. */
export interface TensorBoardOptions {
  /**
   * The network, and the images whose mistakes are shown after each epoch, those first that it is surest of; it looks at
   * all of them, with running statistics. No mistakes are shown unless given.
   */
  readonly mistakes?: {
    /** What is trained. */
    readonly model: Model;
    /** Such as the validation images; of 1, 3 or 4 channels. */
    readonly images: Dataset;
    /** Images a step; 128 unless given. */
    readonly batchSize?: number;
    /** Number format of the convolutions; float32 unless given. */
    readonly precision?: Precision;
  };
  /** Told in a line why nothing can be written; after the next epoch that is tried again. It is thrown unless given. */
  readonly onProblem?: (problem: string) => void;
}

/** Writes what TensorBoard shows: `onStep` and `onEpoch` are such as `train` takes. Must be closed. */
export interface TensorBoard extends Disposable {
  /** Writes the loss and the learning rate of a step. */
  readonly onStep: (report: StepReport) => void;
  /** Writes what came of an epoch; the state is not disposed. */
  readonly onEpoch: (report: EpochReport, state: Pick<TrainState, "variables">) => void;
}

/**
 * Writes a training run down for TensorBoard: the loss and the learning rate by step, at most a hundred points an epoch;
 * after each epoch how the validation images fare, images a second, histograms of the weights, and mistakes. Training is
 * the same with it, bit for bit.
 *
 * A run that goes on writes to the same folder: what is there of the steps that it does again, TensorBoard forgets.
 *
 * @param dir The folder of this run, made if missing; TensorBoard takes the one above for all runs in it.
 * @throws {UserError} As it is called, if the folder cannot be written and `onProblem` is not given.
 * @example
 * ```ts
 * import { type Data, type Model, recipes, tensorBoard, train } from "@resnet/deno";
 *
 * async function run(model: Model, data: Data) {
 *   using log = tensorBoard("logs/a", { mistakes: { model, images: data.validation! } });
 *   return await train(model, data, recipes.resnet20.training, { seed: 1, ...log });
 * } // tensorboard --logdir logs
 * ```
 */
export function tensorBoard(dir: string, { mistakes, onProblem }: TensorBoardOptions = {}): TensorBoard {
  const path = resolve(dir);
  let writer: SummaryWriter | undefined;
  /** Whether nothing is written until an epoch ends: the disk was full a moment ago. */
  let waits = false;
  const write = (step: number, summaries: readonly Summary[]): void => {
    if (writer === undefined) {
      writer = new SummaryWriter(path);
      writer.restart(step);
    }
    for (const summary of summaries) writer.write(step, summary);
  };
  const close = (): void => {
    writer?.[Symbol.dispose]();
    writer = undefined;
  };
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      // Behind half a record nothing can be read: what comes next goes to a file of its own.
      close();
      waits = true;
      if (onProblem === undefined || !(error instanceof UserError)) throw error;
      onProblem(error.message);
    }
  };

  const pace = { images: 0, start: performance.now(), end: NaN };
  return {
    onStep(report) {
      pace.images += report.images;
      pace.end = performance.now();
      if (!waits && isPoint(report)) attempt(() => write(report.step, stepSummaries(report)));
    },
    onEpoch(report, { variables }) {
      const imagesPerSecond = pace.images / ((pace.end - pace.start) / 1000);
      const summaries = [
        ...epochSummaries(report, { imagesPerSecond, variables }),
        ...(mistakes === undefined ? [] : mistakeSummaries(mistakes, variables)),
      ];
      waits = false;
      attempt(() => {
        write(report.step, summaries);
        writer?.flush();
      });
      Object.assign(pace, { images: 0, start: performance.now() });
    },
    [Symbol.dispose]() {
      attempt(() => writer?.flush());
      close();
    },
  };
}

/** Whether a step is one of the points of its epoch, evenly spread, the last step among them. */
export function isPoint({ stepOfEpoch, stepsPerEpoch }: StepReport): boolean {
  return (stepsPerEpoch - stepOfEpoch) % Math.ceil(stepsPerEpoch / POINTS) === 0;
}

/** What is shown of a step. */
export function stepSummaries({ loss, learningRate }: StepReport): Summary[] {
  return [scalar("loss/train", loss), scalar("learning_rate", learningRate)];
}

/** What is shown of an epoch. */
export function epochSummaries(
  { validation, validationRunning }: EpochReport,
  { imagesPerSecond, variables }: { readonly imagesPerSecond: number; readonly variables: Variables },
): Summary[] {
  return [
    ...(validation ? measured("validation", validation) : []),
    ...(validationRunning ? measured("validation_running_statistics", validationRunning) : []),
    scalar("images_per_second", imagesPerSecond),
    ...Object.entries(toArrays(variables).params).map(([name, { data: values }]) =>
      ({ kind: "histogram", tag: `weights/${name}`, values }) as const
    ),
  ];
}

function measured(part: string, { loss, accuracy }: { loss: number; accuracy: number }): Summary[] {
  return [scalar(`loss/${part}`, loss), scalar(`accuracy/${part}`, accuracy)];
}

function scalar(tag: string, value: number): Summary {
  return { kind: "scalar", tag, value };
}

/** The pictures of the surest mistakes, and a table of what they are. */
function mistakeSummaries(
  { model, images, ...options }: NonNullable<TensorBoardOptions["mistakes"]>,
  variables: Variables,
): Summary[] {
  const found = confidentMistakes(answersOf({ ...images, model, variables }, images, options), MISTAKES);
  const table = { kind: "text", tag: "mistakes/table", text: mistakeTable(found, images.classes) } as const;
  if (found.length === 0) return [table];
  const indices = Uint32Array.from(found, ({ image }) => images.indices[image]);
  const [{ images: pixels, size }] = batches({ ...images, indices }, indices.length);
  return [{ kind: "images", tag: "mistakes", pixels, shape: [size, ...images.imageShape] }, table];
}

/** Which picture is what, as Markdown; a class may be called anything. */
export function mistakeTable(found: readonly Mistake[], classes: readonly string[]): string {
  const name = (label: number): string => oneLine(classes[label]).replaceAll("|", "\\|");
  const rows = found.map(({ label, guess, confidence }, i) =>
    `| ${i} | ${name(label)} | ${name(guess)} | ${(100 * confidence).toFixed(1)} % |`
  );
  return ["| picture | is | taken for | sure |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
