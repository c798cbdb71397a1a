/** Which files of TensorFlow's Python packages are needed at run time, and how they get into an install. */
import { basename, dirname, join } from "@std/path";

/**
 * Moves what is needed out of unpacked packages: the libraries, NVIDIA's folder, the licences. The rest is headers and
 * Python, a third of the size, and neither library opens any of it.
 *
 * @param packages The folder that pip installed into.
 * @param finished The folder to make.
 */
export async function keepRuntime(packages: string, finished: string): Promise<void> {
  await Deno.mkdir(join(finished, "tensorflow"), { recursive: true });
  for (const path of await runtimePaths(packages, "tensorflow")) {
    await Deno.rename(join(packages, path), join(finished, path));
  }
}

/**
 * The same out of packages that stay: hard links where the disk is the same, else copies.
 *
 * @param library The folder with the libraries; what else is needed is looked for beside it.
 * @param finished The folder to make.
 */
export async function linkRuntime(library: string, finished: string): Promise<void> {
  await Deno.mkdir(join(finished, "tensorflow"), { recursive: true });
  const packages = dirname(library);
  for (const path of await runtimePaths(packages, basename(library))) {
    // The folder of the libraries may have any name.
    const isLibrary = dirname(path) === basename(library);
    await linkTree(
      join(packages, path),
      join(finished, isLibrary ? join("tensorflow", basename(path)) : path),
    );
  }
}

/** What is kept, as paths from the folder of the packages. */
async function runtimePaths(packages: string, library: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name } of Deno.readDir(join(packages, library))) {
    const isLibrary = /^libtensorflow_\w+\.(?:so(?:\.\d+)*|(?:\d+\.)*dylib)$/.test(name);
    if (isLibrary || name === "THIRD_PARTY_NOTICES.txt") paths.push(join(library, name));
  }
  for await (const { name } of Deno.readDir(packages)) {
    // The `.dist-info` folders hold the licences.
    if (name === "nvidia" || /^(?:tensorflow|nvidia)\w*-[^-]+\.dist-info$/.test(name)) paths.push(name);
  }
  return paths;
}

async function linkTree(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) {
    // Of a symbolic link, the file it leads to.
    const file = await Deno.realPath(from);
    return await Deno.link(file, to).catch(() => Deno.copyFile(file, to));
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await linkTree(join(from, name), join(to, name));
}
