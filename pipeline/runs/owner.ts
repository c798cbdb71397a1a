/** A run's folder belongs to the process that trains in it. */
import { join } from "@std/path";
import { UserError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { removeIfThere } from "../../runtime/system/files.ts";
import { fields, jsonOf, number, text } from "../../runtime/system/schema.ts";

/** In the run's folder while a process owns it. What a killed process leaves of it binds nobody: its lock is gone. */
const LOCK = ".lock";

/** Between two looks at who an owner is, in milliseconds: so long it may take to write that, or as many times as long. */
const INTRODUCTION_MS = 200;

/** How often is looked before an owner counts as one that has no name: its disk may be full. */
const LOOKS = 10;

/** A folder that this process has to itself. */
export interface OwnedFolder extends AsyncDisposable {
  /** Its path. */
  readonly dir: string;
  /** Whether others are kept out: not where the file system has no locks. */
  readonly isLocked: boolean;
}

const ownerSchema = fields({ pid: number(), host: text, since: text });

/**
 * Takes a folder for a run, until it is disposed of or the process ends, however it ends: the operating system holds
 * the lock.
 *
 * @param dir Its path; it is made if missing.
 * @throws {UserError} If another process, or another run in this one, has it, naming that; or if it cannot be written.
 */
export async function ownFolder(dir: string): Promise<OwnedFolder> {
  const path = join(dir, LOCK);
  const held = await explainFileErrors(
    `Cannot write the run ${dir}`,
    "choose another folder with --run",
    async () => {
      await Deno.mkdir(dir, { recursive: true });
      return await lockedOrOwner(path);
    },
  );
  if (typeof held === "string") throw new UserError(`Cannot use the run ${dir}: ${held}`);
  const { file, isLocked } = held;
  if (isLocked) {
    try {
      await file.truncate();
      const owner = { pid: Deno.pid, host: Deno.hostname(), since: new Date().toISOString() };
      await file.write(new TextEncoder().encode(JSON.stringify(owner) + "\n"));
    } catch {
      // A full disk: the lock holds, only its owner's name is not known.
    }
  }
  return {
    dir,
    isLocked,
    async [Symbol.asyncDispose]() {
      // While it is locked still, or it could be another's. What cannot be removed binds nobody.
      if (isLocked && await isAt(path, file)) await removeIfThere(path).catch(() => {});
      file.close();
    },
  };
}

/** The lock's file; or who has the lock, and what to do about it. One that ends meanwhile leaves it to whoever looks next. */
async function lockedOrOwner(path: string): Promise<Lock | string> {
  for (let look = 1; look <= LOOKS; look++) {
    const held = await locked(path);
    if (held !== undefined) return held;
    await new Promise((resolve) => setTimeout(resolve, INTRODUCTION_MS));
    const owner = await ownerOf(path);
    if (owner !== undefined) return owner;
  }
  return "another process trains there; wait for its end, or choose another folder";
}

/** A lock's file, open, and locked where there are locks. */
interface Lock {
  readonly file: Deno.FsFile;
  readonly isLocked: boolean;
}

/** The lock's file, open and locked where there are locks; nothing if somebody else has the lock. */
async function locked(path: string): Promise<Lock | undefined> {
  while (true) {
    const file = await Deno.open(path, { create: true, read: true, write: true });
    const got = await file.tryLock(true).catch(() => undefined); // an error is not that of a lock that is taken
    if (got === undefined) return { file, isLocked: false };
    // An owner that ended meanwhile has removed the file that was opened: a lock on that excludes nobody.
    if (got && await isAt(path, file)) return { file, isLocked: true };
    file.close();
    if (!got) return undefined;
  }
}

/** Whether a path still leads to an open file. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const there = await Deno.stat(path).catch(() => undefined);
  const { dev, ino } = await file.stat();
  return there !== undefined && there.dev === dev && there.ino === ino;
}

/** Who has a lock, and what to do about it; nothing if it has not said so. */
async function ownerOf(path: string): Promise<string | undefined> {
  const owner = jsonOf(ownerSchema, await Deno.readTextFile(path).catch(() => ""));
  if (owner === undefined) return undefined;
  const { pid, host, since } = owner;
  const here = host === Deno.hostname();
  return `process ${pid}${here ? "" : ` on ${host}`} trains there since ${since}; wait for its end, ` +
    `stop it with "kill ${pid}"${here ? "" : " there"}, or choose another folder`;
}
