/** The line that a task ends with. What each task says is in its own test. */
import { assertEquals, assertMatch } from "@std/assert";
import { nextLine } from "../../../scripts/cli/next.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { runScript } from "../run_script.ts";

Deno.test("nextLine: the task by what it is for, its flags quoted, those that are not given left out", () => {
  assertEquals(nextLine("train"), "Train: deno task train");
  assertEquals(nextLine("train", { data: undefined }), "Train: deno task train");
  assertEquals(nextLine("report", { run: "my runs/a" }), "Look: deno task report --run 'my runs/a'");
  assertEquals(
    nextLine("predict", { run: "-a" }, "photo.jpg"),
    "Try it: deno task predict --run=-a photo.jpg",
  );
});

Deno.test({
  name: "setup: what was found for whoever asked, the next task beside it",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const { code, stdout, stderr } = await runScript("setup.ts");
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^TensorFlow 2\.\d+\.\d+ on CPU:0.*, in .+\n$/);
    assertEquals(stderr.trimEnd().split("\n").at(-1), "Train: deno task train");
  },
});
