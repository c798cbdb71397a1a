/** What tests may do, which they are told by permissions: all of it on this machine, none of it on the network. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { packageFile } from "../runtime/system/package.ts";
import { CHILD_PERMISSIONS, codeArgs } from "./child.ts";
import { canLoadTensorFlow, granted } from "./needs.ts";

if (!canLoadTensorFlow) console.log("Only the pure tests run without permissions; all of them: deno test -P");

Deno.test({ name: "permissions for the whole suite: deno test -P", ignore: !canLoadTensorFlow, fn() {} });

/** Hosts that a test might reach by mistake, and what asks for any. */
const HOSTS = [
  "www.cs.toronto.edu",
  "example.org",
  "192.0.2.1",
  "0.0.0.0",
  undefined,
];

Deno.test("permissions: no test reaches another machine", () => {
  for (const host of HOSTS) {
    assertEquals(Deno.permissions.querySync({ name: "net", host }).state === "granted", false, host);
  }
});

Deno.test({
  name: "permissions: no process of Deno that a test starts does either",
  ignore: !granted("run", "read"),
  fn: async () => {
    const code = `
      const asked = ${
      JSON.stringify(HOSTS)
    }.map((host) => Deno.permissions.querySync({ name: "net", host: host ?? undefined }));
      console.log(asked.some(({ state }) => state === "granted"));
      await fetch("http://192.0.2.1/").catch((error) => console.log(error.name));`;
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: codeArgs(code) }).output();
    assertEquals(new TextDecoder().decode(stdout), "false\nNotCapable\n");
    assertEquals(CHILD_PERMISSIONS.filter((flag) => /^(-A|--allow-all|--allow-net)$/.test(flag)), []);
  },
});

Deno.test({
  name: "permissions: no test gives a process more",
  ignore: !granted("read"),
  fn: () => {
    const root = fromFileUrl(packageFile("tests"));
    const sources = (dir: string): string[] =>
      [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory }) => {
        const path = join(dir, name);
        return isDirectory ? sources(path) : name.endsWith(".ts") ? [path] : [];
      });
    // In an array of arguments; `git add -A` is another's, and this file holds the words it looks for.
    const more =
      /"(?:run|test)",\s*(?:"[^"]*",\s*)*"(?:-A|--allow-all|--allow-net)"|args: \[\s*"eval"|execPath\(\), "eval"/;
    const found = sources(root).filter((path) => !path.endsWith("permissions_test.ts"))
      .filter((path) => more.test(Deno.readTextFileSync(path)));
    assertEquals(found, []);
  },
});
