/** A network is data: a process that may do nothing at all can describe one. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { granted } from "../needs.ts";

Deno.test({
  name: "every network is described without any permission, and without the library",
  ignore: !granted("run", "read"),
  async fn(): Promise<void> {
    const [program, config] = ["described.ts", "../../deno.json"].map((path) =>
      fromFileUrl(new URL(path, import.meta.url))
    );
    const args = ["run", "--quiet", "--no-prompt", "--no-check", "--config", config, program];
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), { args }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim();
    assertEquals([text(stdout), text(stderr), code], ["7 networks", "", 0]);
  },
});
