/** Files of events: what TensorBoard finds in them, after a restart too, and what is said where none can be written. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { decode } from "fast-png";
import { type Summary, SummaryWriter } from "../../../runtime/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { readEvents, stepsInTensorBoard } from "../../events.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../harness.ts";

const scalar = (value: number): Summary => ({ kind: "scalar", tag: "loss", value });

leakTest("SummaryWriter: each kind of summary, as TensorBoard reads it", () =>
  inFolder(async (dir) => {
    const pixels = Uint8Array.from({ length: 2 * 2 * 3 * 3 }, (_, i) => 100 + 4 * i);
    {
      using writer = new SummaryWriter(join(dir, "new", "folder"));
      writer.write(3, scalar(0.25));
      writer.write(2 ** 40, scalar(0.5));
      writer.write(4, { kind: "histogram", tag: "weights", values: Float32Array.of(-1, 0, 2, 2.5) });
      writer.write(5, { kind: "images", tag: "seen", pixels, shape: [2, 2, 3, 3] });
      writer.write(6, { kind: "text", tag: "said", text: "**größer**" });
    }
    const found = await readEvents(join(dir, "new", "folder"));
    assertEquals(found.filter(({ png }) => png === undefined), [
      { step: 3, tag: "loss", simpleValue: 0.25 },
      { step: 2 ** 40, tag: "loss", simpleValue: 0.5 },
      { step: 4, tag: "weights", histogram: { min: -1, max: 2.5, num: 4, sum: 3.5 } },
      { step: 6, tag: "said", plugin: "text", text: "**größer**" },
    ]);
    const images = found.flatMap(({ tag, step, png }) => png ? [{ tag, step, ...decode(png) }] : []);
    assertEquals(images.map(({ tag, step, width, height }) => [tag, step, width, height]), [
      ["seen/image/0", 5, 3, 2],
      ["seen/image/1", 5, 3, 2],
    ]);
    assertEquals(images.flatMap(({ data }) => [...data]), [...pixels]); // no brightness is changed
    const steps = await stepsInTensorBoard(join(dir, "new", "folder"));
    if (steps === undefined) return;
    assertEquals(steps, {
      loss: [3, 2 ** 40],
      weights: [4],
      "seen/image/0": [5],
      "seen/image/1": [5],
      said: [6],
    });
  }));

leakTest("SummaryWriter: after a restart TensorBoard has every step once", () =>
  inFolder(async (dir) => {
    const write = (first: number, value: number): void => {
      using writer = new SummaryWriter(dir);
      writer.restart(first);
      for (let step = first; step < first + 4; step++) writer.write(step, scalar(value));
      writer.flush();
    };
    write(1, 1);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // TensorBoard takes the files by the second in their names
    write(3, 2);
    assertEquals((await readEvents(dir, { all: true })).map(({ step }) => step), [1, 2, 3, 4, 3, 4, 5, 6]);
    assertEquals(
      (await readEvents(dir)).map(({ step, simpleValue }) => [step, simpleValue]),
      [[1, 1], [2, 1], [3, 2], [4, 2], [5, 2], [6, 2]],
    );
    const steps = await stepsInTensorBoard(dir);
    if (steps !== undefined) assertEquals(steps, { loss: [1, 2, 3, 4, 5, 6] });
  }));

leakTest(
  "SummaryWriter: a folder that cannot be one, in a line; one that is taken away",
  () =>
    inFolder(async (dir) => {
      const file = join(dir, "file");
      await Deno.writeTextFile(file, "");
      const error = assertThrows(() => new SummaryWriter(join(file, "logs")), UserError);
      assertEquals(
        error.message,
        `Cannot write TensorBoard's events to ${join(file, "logs")}: ${file} is not a directory`,
      );

      const logs = join(dir, "logs");
      using writer = new SummaryWriter(logs);
      await Deno.remove(logs, { recursive: true });
      writer.write(1, scalar(1));
      assertThrows(
        () => writer.flush(),
        UserError,
        `Cannot write TensorBoard's events to ${logs}: no such file or directory`,
      );
    }),
);
