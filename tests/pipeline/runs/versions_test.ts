/** Which commit a run is said to be made with: never that of a repository in which the code is a guest. */
import { assertEquals, assertMatch } from "@std/assert";
import { dirname, join, toFileUrl } from "@std/path";
import { checkedOut, codeVersion } from "../../../pipeline/runs/versions.ts";
import { packageFile } from "../../../runtime/system/package.ts";
import { granted } from "../../needs.ts";

/** Whether there is a git to make repositories with. */
function hasGit(): boolean {
  if (!granted("run", "read", "write")) return false;
  try {
    return new Deno.Command("git", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const HERE = "pipeline/runs/versions.ts";

/** Puts the file by which the project is known into a folder. */
async function copyTo(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, dirname(HERE)), { recursive: true });
  await Deno.copyFile(packageFile(HERE), join(folder, HERE));
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"];
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["-C", folder, ...identity, ...args],
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  return text(stdout);
}

/** Makes a repository of all that is in a folder, but what is named in `ignored`. @returns Its commit. */
async function makeRepository(folder: string, ignored = ""): Promise<string> {
  await Deno.writeTextFile(join(folder, ".gitignore"), ignored);
  await git(folder, "init", "-q");
  await git(folder, "add", "-A");
  await git(folder, "commit", "-q", "-m", "first");
  return await git(folder, "rev-parse", "HEAD");
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "checkedOut: a checkout of the project has its commit, and +changes once a file differs",
  ignore: !hasGit(),
  fn: () =>
    inFolder(async (folder) => {
      await copyTo(folder);
      const commit = await makeRepository(folder);
      assertMatch(commit, /^[0-9a-f]{40,}$/);
      assertEquals(await checkedOut(toFileUrl(folder)), commit);
      await Deno.writeTextFile(join(folder, "notes.txt"), "untracked");
      assertEquals(await checkedOut(toFileUrl(folder)), commit);
      await Deno.writeTextFile(join(folder, HERE), "changed");
      assertEquals(await checkedOut(toFileUrl(folder)), `${commit}+changes`);

      const link = `${folder}-link`;
      await Deno.symlink(folder, link);
      try {
        assertEquals(await checkedOut(toFileUrl(link)), `${commit}+changes`, "through a link");
      } finally {
        await Deno.remove(link);
      }
    }),
});

Deno.test({
  name:
    "checkedOut: a copy in somebody's repository has no commit, tracked there or not, nor one on a server",
  ignore: !hasGit(),
  async fn(): Promise<void> {
    await inFolder(async (folder) => {
      for (const copy of ["vendor/resnet", "node_modules/resnet"]) await copyTo(join(folder, copy));
      await makeRepository(folder, "node_modules");
      for (const copy of ["vendor/resnet", "node_modules/resnet"]) {
        assertEquals(await checkedOut(toFileUrl(join(folder, copy))), undefined, copy);
      }
    });
    await inFolder(async (folder) => {
      await copyTo(folder);
      await makeRepository(folder, "pipeline");
      assertEquals(await checkedOut(toFileUrl(folder)), undefined, "at the top, but not tracked");
    });
    await inFolder(async (folder) => {
      await copyTo(folder);
      assertEquals(await checkedOut(toFileUrl(folder)), undefined, "no repository");
    });
    assertEquals(await checkedOut(new URL("https://example.org/p/")), undefined);
  },
});

Deno.test({
  name: "codeVersion: the version of deno.json is always there",
  ignore: !granted("run", "read"),
  async fn(): Promise<void> {
    const { version } = JSON.parse(await Deno.readTextFile(packageFile("deno.json")));
    assertEquals((await codeVersion()).version, version);
  },
});
