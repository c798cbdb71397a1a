import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type Change,
  changed,
  type Draw,
  drawBox,
  drawChange,
} from "../../../../pipeline/data/images/random_changes.ts";
import golden from "../../../data/photo_changes.json" with { type: "json" };
import { pictureOf } from "./picture_of.ts";

/** The given numbers one after the other. */
function given(numbers: readonly number[]): Draw {
  const left = [...numbers];
  return () => left.shift()!;
}

Deno.test("changed gives the bytes of torchvision's TrivialAugmentWide", () => {
  const check = (image: typeof golden.image, changes: readonly (Change & { result: string })[]) => {
    for (const { kind, strength, result } of changes) {
      const found = changed(pictureOf(image), { kind, strength });
      assertEquals(found.pixels.toBase64(), result, `${kind} ${strength}`);
    }
  };
  check(golden.image, golden.changes as (Change & { result: string })[]);
  check(golden.square, golden.turned.map((change) => ({ kind: "rotate", ...change })));
  check(golden.flat, golden.flats as (Change & { result: string })[]);
});

Deno.test("drawBox draws as torchvision's RandomResizedCrop does, given the same numbers", () => {
  for (const { width, height, scale, ratio, draws, box } of golden.crops) {
    const range = { scale: scale as [number, number], ratio: ratio as [number, number] };
    assertEquals(drawBox({ width, height }, range, given(draws)), box, `${width} x ${height}`);
  }
});

Deno.test("drawChange draws any kind with any of torchvision's strengths, in both directions", () => {
  const kinds = Object.entries(golden.strengths);
  for (const [at, [kind, { values, signed }]] of kinds.entries()) {
    const kindDraw = (at + 0.5) / kinds.length;
    for (const [step, value] of values.entries()) {
      const strengthDraw = (step + 0.5) / values.length;
      for (const [directionDraw, sign] of signed ? [[0.4, -1], [0.6, 1]] : [[0.4, 1]]) {
        const change = drawChange(given([kindDraw, strengthDraw, directionDraw]));
        assertEquals(change.kind, kind);
        if (kind === "posterize") assertEquals(Math.round(change.strength), value);
        else assertAlmostEquals(change.strength, sign * value, 1e-5);
      }
    }
  }
});

Deno.test("drawBox stays in the picture", () => {
  let state = 1;
  const draw: Draw = () => (state = state * 48271 % 2147483647) / 2147483647;
  const range = { scale: [0.01, 1], ratio: [0.2, 5] } as const;
  for (let i = 0; i < 2000; i++) {
    const size = { width: 1 + Math.floor(20 * draw()), height: 1 + Math.floor(20 * draw()) };
    const { left, top, width, height } = drawBox(size, range, draw);
    assert(left >= 0 && top >= 0 && width > 0 && height > 0);
    assert(left + width <= size.width && top + height <= size.height);
  }
});
