/** `deno task train` on made data instead of CIFAR-10: the program that the tests of training start. */
import "./made_version.ts";
import { runTask } from "../../scripts/cli/task.ts";
import { runTraining, trainTask } from "../../scripts/train.ts";
import { madeData } from "../made_data.ts";

const seed = Number(Deno.env.get("MADE_SEED") ?? 0);

await runTask(
  trainTask,
  (flags) =>
    runTraining(
      flags,
      () => Promise.resolve(madeData({ images: 240, testImages: 60, classes: 10, size: 32, seed })),
    ),
);
