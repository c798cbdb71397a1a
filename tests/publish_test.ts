/** What `deno publish` takes: the sources that its entries need, and nothing of the project's own workshop. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join, relative } from "@std/path";
import { packageFile } from "../runtime/system/package.ts";
import { granted } from "./needs.ts";

const ROOT = fromFileUrl(packageFile("."));

/** Paths of the files in a folder and below it, from the root. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesIn(path) : [path];
  });
}

Deno.test({
  name: "deno publish: no complaint, every file of the rooms and none of tests, documents and results",
  ignore: !granted("read", "run"),
  async fn(): Promise<void> {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--dry-run", "--allow-dirty"],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(success, true, said);
    const files = [...said.matchAll(/^ {3}(file:\/\/\S+)/gm)].map(([, url]) =>
      relative(ROOT, fromFileUrl(url))
    );
    const rooms = ["layers", "pipeline", "runtime", "scripts"];
    const room = (file: string): string => file.split("/")[0];
    assertEquals(files.filter((file) => !rooms.includes(room(file))).sort(), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "deno.json",
      "mod.ts",
      // `deno publish` asks for what `links` points at; what is published imports the packages from JSR.
      "std/cli/mod.ts",
      "std/path/mod.ts",
    ]);
    assertEquals(
      files.filter((file) => rooms.includes(room(file))).sort(),
      rooms.flatMap((room) => filesIn(room)).sort(),
    );
  },
});
