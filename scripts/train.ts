/** `deno task train`: trains a recipe on CIFAR-10 and writes its run folder. */
import { loadCifar } from "../pipeline/cifar.ts";
import { fetchCifar } from "../pipeline/fetch_cifar.ts";
import { runTask } from "./task.ts";
import { runTraining, trainTask } from "./training.ts";

await runTask(trainTask, (flags) =>
  runTraining(flags, async (progress) => {
    await fetchCifar(flags.data, { progress });
    return await loadCifar(flags.data);
  }));
