/** Every public name is documented: `deno doc --lint` of the entries finds nothing in the project's own files. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { granted } from "./needs.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/**
 * Types of TensorFlow.js that the public functions take and give. They are exported in the namespace `tf`, where the
 * linter does not look.
 */
const OF_TFJS = /references private type '(Tensor\d?D?|Scalar)'$/;

/** The linter's findings: a line that says what, and one that says where. */
function findings(text: string): { what: string; where: string }[] {
  const matches = text.matchAll(/^error\[[^\]]*\]: (.*)\n\s*--> (.*)$/gm);
  return [...matches].map(([, what, where]) => ({ what, where }));
}

Deno.test({
  name: "deno doc --lint: every public name of the project is documented",
  ignore: !granted("read", "run"),
  async fn(): Promise<void> {
    const { exports } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
    const entries: string[] = Object.values(exports);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--lint", ...entries],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const found = findings(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
    assert(found.some(({ where }) => where.includes("@tensorflow")), "the linter looked at the whole API");
    const own = found.filter(({ where }) => where.startsWith(ROOT));
    assertEquals(own.filter(({ what }) => !OF_TFJS.test(what)), []);
  },
});
