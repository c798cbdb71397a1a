/** `deno task resize`: the pipeline up to the resized images. */
import { resize } from "../pipeline/transforms/mod.ts";
import { resizeFlags, showStage, stageFlags } from "./cli/stage.ts";
import { runTask } from "./cli/task.ts";

if (import.meta.main) {
  await runTask(
    {
      name: "resize",
      summary: "Loads and resizes the images (bilinear), and shows what comes out.",
      flags: { ...stageFlags, ...resizeFlags },
      examples: ["", "--size 64 --out sheet.png", "--quantize --json"],
    },
    (flags) =>
      showStage({
        name: "resize",
        before: (data) => data,
        stage: resize(flags.size, { quantize: flags.quantize }),
      }, flags),
  );
}
