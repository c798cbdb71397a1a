/** Who has a run's folder. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ownFolder } from "../../../pipeline/runs/owner.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { folderTest } from "../../in_folder.ts";

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

folderTest("ownFolder: made if missing, and as it was when it is let go of", async (root) => {
  const dir = join(root, "runs", "a");
  {
    await using folder = await ownFolder(dir);
    assertEquals([folder.dir, folder.isLocked, names(dir)], [dir, true, [".lock"]]);
    const { pid, since } = JSON.parse(await Deno.readTextFile(join(dir, ".lock")));
    assertEquals(pid, Deno.pid);
    assert(Math.abs(Date.parse(since) - Date.now()) < 60_000, since);
    const { message } = await assertRejects(() => ownFolder(dir), UserError);
    assertEquals(
      message,
      `Cannot use the run ${dir}: process ${Deno.pid} trains there since ${since}; wait for its end, ` +
        `stop it with "kill ${Deno.pid}", or choose another folder`,
    );
  }
  assertEquals(names(dir), []);
});

folderTest("ownFolder: one at a time, though each removes the file that the next has opened", async (dir) => {
  let [owners, most, taken] = [0, 0, 0];
  const contender = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      try {
        await using _ = await ownFolder(dir);
        taken++;
        most = Math.max(most, ++owners);
        await new Promise((resolve) => setTimeout(resolve, 1));
        owners--;
      } catch (error) {
        assert(error instanceof UserError, String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, contender));
  assertEquals([most, owners], [1, 0]);
  assert(taken >= 20, `${taken} had it`);
});

folderTest(
  "ownFolder: whoever opened the file before its owner removed it has no lock by that",
  async (dir) => {
    const { tryLock } = Deno.FsFile.prototype;
    const ending = await ownFolder(dir);
    Deno.FsFile.prototype.tryLock = async function (exclusive) {
      Deno.FsFile.prototype.tryLock = tryLock;
      await ending[Symbol.asyncDispose]();
      return await this.tryLock(exclusive);
    };
    {
      await using _ = await ownFolder(dir);
      await assertRejects(() => ownFolder(dir), UserError, "trains there since");
    }
    assertEquals(names(dir), []);
  },
);

folderTest(
  "ownFolder: what a killed owner left binds nobody; who has no name yet is another process",
  async (dir) => {
    const lock = join(dir, ".lock");
    await Deno.writeTextFile(lock, '{"pid":1,"host":"h","since":"2026-01-01T00:00:00Z"}\n');
    {
      await using _ = await ownFolder(dir);
      for (
        const [text, said] of [["", "another process trains there; wait"], [
          '{"pid":7,"host":"far away","since":"2026-01-01T00:00:00Z"}',
          'process 7 on far away trains there since 2026-01-01T00:00:00Z; wait for its end, stop it with "kill 7" there, ',
        ]]
      ) {
        await Deno.writeTextFile(lock, text);
        const { message } = await assertRejects(() => ownFolder(dir), UserError);
        assertEquals(message.startsWith(`Cannot use the run ${dir}: ${said}`), true, message);
      }
      await Deno.remove(lock);
      await Deno.writeTextFile(lock, "somebody else's");
    }
    assertEquals(await Deno.readTextFile(lock), "somebody else's");
  },
);

folderTest(
  "ownFolder: where there are no locks it goes on, and leaves alone what may be another's",
  async (dir) => {
    const { tryLock } = Deno.FsFile.prototype;
    await Deno.writeTextFile(join(dir, ".lock"), "another's");
    Deno.FsFile.prototype.tryLock = () => Promise.reject(new Error("No locks available (os error 37)"));
    try {
      await using folder = await ownFolder(dir);
      assertEquals(folder.isLocked, false);
    } finally {
      Deno.FsFile.prototype.tryLock = tryLock;
    }
    assertEquals(await Deno.readTextFile(join(dir, ".lock")), "another's");
  },
);

folderTest("ownFolder: on a full disk it has no name, and is the owner", async (dir) => {
  const { write } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.write = () => Promise.reject(new Error("No space left on device (os error 28)"));
  try {
    await using _ = await ownFolder(dir);
    await assertRejects(() => ownFolder(dir), UserError, "another process trains there; wait for its end");
  } finally {
    Deno.FsFile.prototype.write = write;
  }
});

folderTest("ownFolder: a folder that cannot be written says so", async (root) => {
  await Deno.writeTextFile(join(root, "file"), "");
  const dir = join(root, "file", "run");
  await assertRejects(
    () => ownFolder(dir),
    UserError,
    `Cannot write the run ${dir}: not a directory; choose another folder with --run`,
  );
});
