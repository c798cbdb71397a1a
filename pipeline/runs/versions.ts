/** What a run was made with. */
import { runtimeInfo, tf } from "../../runtime/mod.ts";

/** Versions of what computes. The runtime must have started. */
export function versions(): Record<string, string> {
  return { deno: Deno.version.deno, tensorflow: runtimeInfo().version, tfjs: tf.version["tfjs-core"] };
}

/** The commit of this code, with "+changes" where files differ from it; nothing where git does not know. */
export async function codeVersion(): Promise<string | undefined> {
  const git = async (...args: string[]): Promise<string> => {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", import.meta.dirname ?? ".", ...args],
      stderr: "null",
    }).output();
    if (!success) throw new Error("git failed");
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    const commit = await git("rev-parse", "HEAD");
    return await git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}+changes`;
  } catch {
    return undefined; // no git, or no repository: the run is as good without
  }
}
