import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { packageFile, taskCommand, VERSION } from "../../../runtime/system/package.ts";
import { granted } from "../../needs.ts";

/** How `taskCommand` names the task `train` to a program in a folder, by default the checkout, of a package under `root`. */
const command = (
  main: string,
  root: string,
  folder = root.startsWith("file:") ? fromFileUrl(root) : "/me",
): string => taskCommand("train", {}, { main, here: `${root}/runtime/system/package.ts`, folder });

Deno.test("taskCommand: in a checkout it is deno task, for its tasks and for anyone's program", () => {
  assertEquals(command("file:///p/scripts/train.ts", "file:///p"), "deno task train");
  assertEquals(command("file:///me/app.ts", "file:///p"), "deno task train");
  assertEquals(command("file:///me/scripts/main.ts", "file:///p"), "deno task train");
  assertEquals(command("jsr:@me/app/cli", "file:///p"), "deno task train");
  const npx = taskCommand("train", { run: "a b" }, { npx: true });
  assertEquals(npx, `npx -y deno@${Deno.version.deno} task train --run 'a b'`);
  assertEquals(taskCommand("setup --gpu"), "deno task setup --gpu", "these tests are no main.ts");
});

Deno.test("taskCommand: outside of the checkout it names the program by its place: flags hold paths from where one is", () => {
  const [main, root] = ["file:///p/scripts/train.ts", "file:///p"];
  assertEquals(command(main, root, "/me"), "deno run -A /p/scripts/main.ts train");
  assertEquals(command(main, root, "/p/docs"), "deno run -A /p/scripts/main.ts train");
  assertEquals(command(main, root, "/p"), "deno task train");
});

Deno.test("taskCommand: started by the entry, it names that, as it was named", () => {
  assertEquals(
    command("file:///a/b%20c/scripts/main.ts", "file:///a/b%20c"),
    "deno run -A '/a/b c/scripts/main.ts' train",
  );
  assertEquals(
    command("http://host/p/scripts/main.ts", "http://host/p"),
    "deno run -A --import-map=http://host/p/deno.json http://host/p/scripts/main.ts train",
  );
  const server = "https://host/@resnet/deno/0.1.0";
  for (
    const entry of ["jsr:@resnet/deno/cli", "jsr:@resnet/deno@^0.1.0/cli", "jsr:/@resnet/deno@0.1.0/cli"]
  ) {
    assertEquals(command(entry, server), `deno run -A ${entry} train`);
  }
});

Deno.test("taskCommand: a program that has the package from a server is told the entry there", () => {
  for (const main of ["file:///me/app.ts", "jsr:@me/app/cli", "jsr:@resnet/deno-more/cli"]) {
    assertEquals(
      command(main, `https://host/@resnet/deno/${VERSION}`),
      `deno run -A jsr:@resnet/deno@${VERSION}/cli train`,
    );
    assertEquals(
      command(main, "https://host/deno/main"),
      "deno run -A --import-map=https://host/deno/main/deno.json https://host/deno/main/scripts/main.ts train",
    );
  }
});

Deno.test({
  name: "packageFile and VERSION: the files beside the code, and what deno.json says",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    assertEquals(
      packageFile("a/b.py", "http://host/p/runtime/system/package.ts").href,
      "http://host/p/a/b.py",
    );
    assert(packageFile("mod.ts").href === import.meta.resolve("../../../mod.ts"));
    assertEquals(VERSION, JSON.parse(await Deno.readTextFile(packageFile("deno.json"))).version);
  },
});
