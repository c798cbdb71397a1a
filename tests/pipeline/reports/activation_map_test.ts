import { assertAlmostEquals, assertEquals } from "@std/assert";
import { drawActivationMap } from "../../../pipeline/reports/activation_map.ts";

const WHOLE = { left: 0, top: 0, width: 8, height: 4 };

/** Draws over a grey picture of 8 x 4, and gives what stands at a place. */
function drawn(values: number[], shown = WHOLE): (x: number, y: number) => number[] {
  const picture = { width: 8, height: 4, pixels: new Uint8Array(8 * 4 * 3).fill(100) };
  const map = { width: values.length, height: 1, values: Float32Array.from(values) };
  const { width, pixels } = drawActivationMap(picture, map, shown);
  assertEquals([width, pixels.length], [8, 96]);
  return (x, y) => [...pixels.subarray((y * 8 + x) * 3, (y * 8 + x) * 3 + 3)];
}

Deno.test("drawActivationMap: red where the map is highest, the picture where it is 0 or less", () => {
  const at = drawn([2, 0, 0, -1]);
  // 65 % of red (255, 0, 0) over grey of 100.
  assertEquals(at(0, 0), [201, 35, 35]);
  assertEquals([at(3, 1), at(7, 3)], [[100, 100, 100], [100, 100, 100]]);
  // The centre of the second column lies a quarter on the way from the first place to the second.
  const [red, green] = at(1, 2);
  const heat = 0.75;
  assertAlmostEquals(red, (1 - 0.65 * heat) * 100 + 0.65 * heat * 255, 1);
  assertAlmostEquals(green, (1 - 0.65 * heat) * 100 + 0.65 * heat * 255 * (1 - heat), 1);
});

Deno.test("drawActivationMap: a map that is nowhere above 0 leaves the picture as it is", () => {
  const at = drawn([0, -3]);
  assertEquals([at(0, 0), at(7, 3)], [[100, 100, 100], [100, 100, 100]]);
});

Deno.test("drawActivationMap: what the network was not shown is darker, and has no colour", () => {
  const at = drawn([1, 1], { left: 2, top: 0, width: 4, height: 4 });
  assertEquals([at(1, 0), at(6, 3)], [[40, 40, 40], [40, 40, 40]]);
  assertEquals([at(2, 0), at(5, 3)], [[201, 35, 35], [201, 35, 35]]);
});
