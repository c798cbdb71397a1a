/** `deno task train`: trains a recipe on CIFAR-10 and writes its run folder. */
import { fetchCifar, loadCifar } from "../pipeline/data/mod.ts";
import { runTask } from "./cli/task.ts";
import { runTraining, trainTask } from "./training.ts";

await runTask(trainTask, (flags) =>
  runTraining(flags, async (progress) => {
    await fetchCifar(flags.data, { progress });
    return await loadCifar(flags.data);
  }));
