/** What a run was made with. */
import { fromFileUrl } from "@std/path";
import { runtimeInfo, tf } from "../../runtime/mod.ts";
import { packageFile, VERSION } from "../../runtime/system/package.ts";

/** Versions of what computes. The runtime must have started. */
export function versions(): Record<string, string> {
  return { deno: Deno.version.deno, tensorflow: runtimeInfo().version, tfjs: tf.version["tfjs-core"] };
}

/** Which code it was: the package's version, and the commit where it is a checkout of this project. */
export async function codeVersion(): Promise<{ version: string; commit?: string }> {
  const commit = await checkedOut(packageFile("."));
  return { version: VERSION, ...(commit !== undefined && { commit }) };
}

/**
 * The commit that is checked out in a folder, with "+changes" where files differ from it. The folder must be the
 * checkout's own, and hold this project: one that the code lies in as a copy, or that lies above it, has another history.
 *
 * @param root URL of the folder.
 * @returns Nothing where git does not know, or there is no such folder on this disk.
 */
export async function checkedOut(root: URL): Promise<string | undefined> {
  if (root.protocol !== "file:") return undefined;
  const folder = fromFileUrl(root);
  const git = async (...args: string[]): Promise<string> => {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", folder, ...args],
      stderr: "null",
    }).output();
    if (!success) throw new Error("git failed");
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    if (await git("rev-parse", "--show-toplevel") !== await Deno.realPath(folder)) return undefined;
    await git("ls-files", "--error-unmatch", "pipeline/runs/versions.ts");
    const commit = await git("rev-parse", "HEAD");
    return await git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}+changes`;
  } catch {
    return undefined; // no git, or no repository: the run is as good without
  }
}
