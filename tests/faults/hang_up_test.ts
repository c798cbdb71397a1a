/** A terminal that is closed, as a process has it: it stops and saves, or under `nohup` goes on. */
import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { readMetrics, RUN_FILES } from "../../pipeline/runs/folder.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";

const PROGRAM = fromFileUrl(new URL("../scripts/made_train.ts", import.meta.url));

/** Trains in a shell that first does `before`, sends SIGHUP at the start of training, and waits for the end. */
async function hungUp(dir: string, before: string) {
  const process = new Deno.Command("sh", {
    args: ["-c", `${before}; exec "$@"`, "sh", Deno.execPath()].concat(
      runArgs(PROGRAM, "--run", dir, "--epochs", "4", "--limit", "200", "--batch", "20"),
    ),
    env: { RESNET_DEBUG: "" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Response(process.stdout).text();
  let said = "";
  let isSent = false;
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (isSent || !/^Training: \d+ images$/m.test(said)) continue;
    process.kill("SIGHUP");
    isSent = true;
  }
  return { said, stdout: await stdout, ...await process.status };
}

Deno.test({
  name: "SIGHUP stops and saves as SIGTERM does, and under nohup is not heard",
  ignore: !canLoadTensorFlow || Deno.build.os === "windows",
  fn: () =>
    inFolder(async (root) => {
      const [stopped, whole] = [join(root, "stopped"), join(root, "whole")];
      const first = await hungUp(stopped, "trap - HUP");
      assertEquals(first.code, 129, first.said);
      assertMatch(first.said, /^SIGHUP: finishing the step under way, then saving$/m);
      assertMatch(first.stdout, /^Stopped at step \d+ of 36; go on with: /m);
      assertEquals([...Deno.readDirSync(stopped)].length, Object.keys(RUN_FILES).length);

      const second = await hungUp(whole, 'trap "" HUP');
      assertEquals([second.code, second.said.includes("SIGHUP")], [0, false], second.said);
      assertEquals((await readMetrics(whole)).length, 4);
    }),
});
