/** Windows: their padding in TensorFlow's words, and how far they reach. */
import { assertEquals, assertThrows } from "@std/assert";
import { checkWindow, outputSize, paddingAttrs, reachedPaddings } from "../../../runtime/ops/geometry.ts";

Deno.test("window: a padding has a name where TensorFlow has one that means the same", () => {
  const explicit = (pixels: number) => ({
    padding: "EXPLICIT",
    explicit_paddings: [0, 0, pixels, pixels, pixels, pixels, 0, 0],
  });
  for (
    const [kernel, stride, padding, expected] of [
      [[3, 3], 1, 0, { padding: "VALID" }],
      [[7, 7], 2, 0, { padding: "VALID" }],
      [[3, 3], 1, 1, { padding: "SAME" }],
      [[7, 7], 1, 3, { padding: "SAME" }],
      [[3, 3], 2, 1, explicit(1)], // SAME would pad the far sides only, where the size is even
      [[2, 2], 1, 1, explicit(1)],
      [[1, 3], 1, 1, explicit(1)],
    ] as const
  ) {
    assertEquals<unknown>(paddingAttrs(kernel, { stride, padding }), expected, `${kernel} by ${stride}`);
  }
});

Deno.test("window: rows and columns of the result, and the padding that is read for them", () => {
  for (
    const [size, kernel, stride, padding, output, after] of [
      [[8, 8], [3, 3], 1, 1, [8, 8], [1, 1]],
      [[8, 7], [3, 3], 2, 1, [4, 4], [0, 1]], // of 8 pixels, the last window ends with the seventh
      [[224, 224], [7, 7], 2, 3, [112, 112], [2, 2]],
      [[4, 5], [1, 3], 1, 1, [6, 5], [1, 1]],
      [[5, 5], [1, 1], 2, 0, [3, 3], [0, 0]],
      [[6, 6], [2, 2], 3, 0, [2, 2], [0, 0]],
    ] as const
  ) {
    const shape = [2, ...size, 3];
    const label = `${size} by ${kernel}`;
    assertEquals<readonly number[]>(outputSize(shape, kernel, { stride, padding }), output, label);
    assertEquals(
      reachedPaddings(shape, kernel, { stride, padding }),
      [[0, 0], [padding, after[0]], [padding, after[1]], [0, 0]],
      label,
    );
  }
});

Deno.test("window: sizes are whole numbers", () => {
  checkWindow("pool", { kernelSize: 1, stride: 1, padding: 0 });
  for (
    const [window, message] of [
      [{ kernelSize: 0 }, "pool: kernelSize 0 is not a whole number from 1"],
      [{ stride: 1.5 }, "pool: stride 1.5 is not a whole number from 1"],
      [{ padding: -1 }, "pool: padding -1 is not a whole number from 0"],
      [{ padding: NaN }, "pool: padding NaN is not a whole number from 0"],
    ] as const
  ) {
    assertThrows(() => checkWindow("pool", window), RangeError, message);
  }
});
