/** `deno task setup`: finds or installs libtensorflow, loads it, and says what is there. */
import {
  cacheFolder,
  ensureLibrary,
  installFrom,
  LIBRARY_VARIABLE,
  processEnv,
  removeInstalled,
} from "../runtime/install/mod.ts";
import { configure, hasGpu, runtimeInfo, tf } from "../runtime/mod.ts";
import { UsageError } from "../runtime/system/errors.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "setup",
  summary: taskSummary("setup"),
  flags: {
    gpu: { type: "boolean", help: "the build for NVIDIA's GPUs, with CUDA (Linux on x86_64)" },
    from: {
      type: "string",
      placeholder: "DIR",
      help: "install from a folder that holds TensorFlow 2.21, such as Python's site-packages",
    },
    remove: { type: "boolean", help: "remove the installed library from the cache" },
  },
  examples: ["", "--gpu", "--from /opt/venv/lib/python3.11/site-packages", "--remove"],
} as const;

async function setUp({ gpu, from, remove }: Values<typeof task.flags>): Promise<void> {
  const progress = terminalProgress();
  if (remove) {
    if (gpu || from !== undefined) {
      throw new UsageError(`Cannot use --remove with ${gpu ? "--gpu" : "--from"}: give one of them`);
    }
    await removeInstalled(progress);
    console.log(`There is no TensorFlow in ${cacheFolder()} now`);
    printNext("setup");
    return;
  }
  if (from !== undefined) {
    if (processEnv(LIBRARY_VARIABLE) !== undefined) {
      throw new UsageError(`Cannot use --from while ${LIBRARY_VARIABLE} is set, which comes first: unset it`);
    }
    if (gpu) throw new UsageError("Cannot use --from with --gpu: the folder decides whether CUDA is there");
    await installFrom(from, { progress });
  } else await ensureLibrary({ gpu, progress });

  configure({ progress });
  await tf.ready();
  const { version, devices, directory } = runtimeInfo();
  console.log(`TensorFlow ${version} on ${devices.join(", ")}, in ${directory}`);
  if (gpu && !hasGpu(devices)) {
    console.log("No GPU that CUDA can use was found: everything runs on the CPU");
  }
  printNext("train");
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, setUp, args);
}

if (import.meta.main) await main(Deno.args);
