/** Made folders and programs that stand for TensorFlow's packages, Python and pip in the tests of the installer. */
import { join } from "@std/path";
import { libraryNames } from "../../runtime/install/platform.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { granted } from "../needs.ts";

/** Whether these tests can run: they write files and start shell scripts. */
export const canInstall = granted("read", "write", "env", "run", "sys") && Deno.build.os !== "windows";

/** The libraries' file names on this machine. */
export const names = libraryNames(Deno.build.os);

/** Makes a folder of packages as pip leaves it, with libraries of a few bytes, and returns it. */
export async function makePackages(
  folder: string,
  { version = "2.21.0", distribution = "tensorflow_cpu", cuda = false } = {},
): Promise<string> {
  const files: Record<string, string> = {
    [`tensorflow/${names.cc}`]: "the C API",
    [`tensorflow/${names.framework}`]: "the framework",
    "tensorflow/THIRD_PARTY_NOTICES.txt": "notices",
    "tensorflow/__init__.py": "raise Exception('imported')",
    "tensorflow/include/tensorflow/c/c_api.h": "// header",
    [`${distribution}-${version}.dist-info/METADATA`]:
      `Metadata-Version: 2.1\nName: ${distribution}\nVersion: ${version}\n`,
    [`${distribution}-${version}.dist-info/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_27_x86_64\n",
    [`${distribution}-${version}.dist-info/RECORD`]: "",
    ...(cuda ? { "nvidia/cudnn/lib/libcudnn.so.9": "cudnn" } : {}),
  };
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, content);
  }
  return folder;
}

/** Makes a program of a shell script, and returns its path. */
export async function makeProgram(folder: string, name: string, script: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const file = join(folder, name);
  await Deno.writeTextFile(file, `#!/bin/sh\n${script}\n`);
  await Deno.chmod(file, 0o755);
  return file;
}

/** A progress that keeps its messages, and the labels of its bars. */
export function recorder(): Progress & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    message: (line) => void lines.push(line),
    start(label) {
      lines.push(label);
      return { update: () => {}, stop: () => {} };
    },
  };
}

/** Runs a test in a folder of its own, which is removed afterwards. */
export async function inTemporary(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is in a folder, sorted. */
export function listing(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
