import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { withLock } from "../../../runtime/system/lock.ts";
import { codeArgs } from "../../child.ts";
import { granted } from "../../needs.ts";
import { withoutLocks } from "../../without_locks.ts";
import { inTemporary } from "../made_packages.ts";

const ignore = !granted("read", "write", "run");

/** Another process that takes the lock, says so, and holds it until its standard input ends. */
async function holder(lock: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: codeArgs(
      `import { withLock } from "./runtime/system/lock.ts";
       await withLock(${JSON.stringify(lock)}, () => {}, async () => {
         console.log("locked");
         await Deno.stdin.read(new Uint8Array(1));
       });`,
    ),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "locked\n");
  await reader.cancel();
  return child;
}

Deno.test({
  name: "withLock waits for another process, and says so once",
  ignore,
  fn: () =>
    inTemporary(async (folder) => {
      const lock = join(folder, "new", "x.lock");
      const other = await holder(lock);
      let waits = 0;
      const result = await withLock(lock, () => {
        waits++;
        void other.stdin.close();
      }, () => Promise.resolve("mine"));
      assertEquals([result, waits, (await other.status).code], ["mine", 1, 0]);
      await withLock(lock, () => waits++, () => Promise.resolve());
      assertEquals(waits, 1, "a free lock is taken without waiting");
    }),
});

Deno.test({
  name: "withLock gets the lock of a process that was killed",
  ignore,
  fn: () =>
    inTemporary(async (folder) => {
      const lock = join(folder, "x.lock");
      const other = await holder(lock);
      const done = await withLock(lock, () => other.kill("SIGKILL"), () => Promise.resolve(true));
      assertEquals([done, (await other.status).signal], [true, "SIGKILL"]);
      await other.stdin.abort().catch(() => {});
    }),
});

Deno.test({
  name: "withLock goes on where the file system has no locks, and tells the work",
  ignore,
  fn: () =>
    inTemporary(async (folder) => {
      const lock = join(folder, "x.lock");
      const told = (): Promise<boolean> =>
        withLock(lock, unexpected, (isLocked) => Promise.resolve(isLocked));
      assertEquals(await told(), true);
      // ENOLCK of an NFS without its lock service, ENOSYS and ENOTSUP of FUSE: flock(2), and what Deno makes of them.
      for (const said of ["No locks available (os error 37)", "Function not implemented (os error 38)"]) {
        assertEquals(await withoutLocks(told, said), false, said);
      }
      assertEquals(await told(), true);
    }),
});

/** No one else has the lock. */
function unexpected(): never {
  throw new Error("nobody is there to wait for");
}

Deno.test({
  name: "withLock excludes within one process too, and lets go after an error",
  ignore,
  fn: () =>
    inTemporary(async (folder) => {
      const lock = join(folder, "x.lock");
      const order: string[] = [];
      const failing = withLock(lock, () => {}, async () => {
        order.push("first in");
        await Promise.resolve();
        order.push("first out");
        throw new Error("failed");
      }).catch((error: Error) => order.push(error.message));
      const second = withLock(lock, () => {}, () => Promise.resolve(order.push("second")));
      await Promise.all([failing, second]);
      const first = order.indexOf("first in");
      assertEquals(order[first + 1], "first out", `another one came in between: ${order}`);
      assertEquals([...order].sort(), ["failed", "first in", "first out", "second"]);
    }),
});
