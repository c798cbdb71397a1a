/** The task `fetch-data` as a process: what it prints and how it ends. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { runArgs } from "../child.ts";
import { granted } from "../needs.ts";

const ignore = !granted("read", "write", "run", "env");

async function fetchData(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = fromFileUrl(new URL("../../scripts/fetch-data.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: runArgs(script, ...args),
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "fetch-data explains itself",
  ignore,
  fn: async () => {
    const { code, stdout, stderr } = await fetchData("--help");
    assertEquals([code, stderr], [0, ""]);
    for (const flag of ["--source", "--data"]) assertStringIncludes(stdout, flag);
  },
});

Deno.test({
  name: "fetch-data refuses a source that is nothing, with exit code 2",
  ignore,
  fn: async () =>
    assertEquals(await fetchData("--source", "torronto"), {
      code: 2,
      stdout: "",
      stderr: `error: Cannot use --source "torronto": no such file or folder; ` +
        "expected auto, toronto, npm, an http(s) URL or a path\n",
    }),
});

Deno.test({
  name: "fetch-data fails when the source has not got the files, with exit code 1",
  ignore,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      const { code, stdout, stderr } = await fetchData("--source", dir, "--data", `${dir}/data`);
      assertEquals([code, stdout], [1, ""]);
      assertEquals(
        stderr.trimEnd().split("\n").at(-1),
        `error: Cannot read ${dir}/data_batch_1.bin: no such file or directory; choose another source`,
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
