/** The yardstick itself: what `assertClose` lets through, and where `permute` puts things. */
import { assertEquals, AssertionError, assertThrows } from "@std/assert";
import {
  assertClose,
  EXACT,
  FORWARD,
  GRADIENT,
  hwioToOihw,
  nchwToNhwc,
  nhwcToNchw,
  oihwToHwio,
  permute,
} from "./reference.ts";

const row = (...data: number[]) => ({ shape: [data.length], data });

Deno.test("assertClose allows absolute + relative * max|reference|, for each element", () => {
  assertClose(row(100.0009, 0.0009), row(100, 0), FORWARD);
  assertClose(row(1e-7 + 0.0001), row(1e-7 + 0.0001));
  assertClose(row(0.9e-6), row(0), GRADIENT);
  assertClose(row(1, -2), { shape: [2], dataSync: () => new Float32Array([1, -2]) }, EXACT);
  assertThrows(
    () => assertClose(row(1, 2, 3.1), row(1, 2, 3), FORWARD, "dx"),
    AssertionError,
    "dx: element 2 of [3] is 3.1, expected 3: off by 0.1",
  );
  assertThrows(() => assertClose(row(100, 0.0011), row(100, 0), FORWARD), AssertionError, "element 1");
  assertThrows(() => assertClose(row(1.1e-6), row(0), GRADIENT), AssertionError);
  assertThrows(() => assertClose(row(1 + 1e-15), row(1), EXACT), AssertionError);
  assertThrows(() => assertClose(row(-1), row(1)), AssertionError);
});

Deno.test("assertClose: NaN and infinities equal themselves only, and widen no bound", () => {
  assertClose(row(NaN, Infinity, -Infinity), row(NaN, Infinity, -Infinity));
  for (const [a, b] of [[NaN, 1], [1, NaN], [Infinity, 1], [1, Infinity], [Infinity, -Infinity]]) {
    assertThrows(() => assertClose(row(a, 0), row(b, 0)), AssertionError, "element 0");
  }
  assertThrows(() => assertClose(row(Infinity, 1), row(Infinity, 1.1)), AssertionError, "element 1");
});

Deno.test("assertClose wants equal shapes and as many values", () => {
  assertThrows(() => assertClose(row(1, 2), { shape: [1, 2], data: [1, 2] }), AssertionError, "shape");
  assertThrows(
    () => assertClose({ shape: [2], data: [1] }, row(1, 2)),
    AssertionError,
    "number of values",
  );
});

Deno.test("permute moves dimension axes[i] to place i", () => {
  const matrix = { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
  assertEquals(permute(matrix, [1, 0]), { shape: [3, 2], data: new Float64Array([1, 4, 2, 5, 3, 6]) });
  // Element [n, c, h, w] is 1000 n + 100 c + 10 h + w, so that its value says where it came from.
  const [N, C, H, W] = [2, 3, 2, 4];
  const data: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) data.push(1000 * n + 100 * c + 10 * h + w);
    }
  }
  const images = { shape: [N, C, H, W], data };
  const moved = nchwToNhwc(images);
  assertEquals(moved.shape, [N, H, W, C]);
  assertEquals(Array.from(moved.data).slice(0, 6), [0, 100, 200, 1, 101, 201]);
  assertEquals(Array.from(nhwcToNchw(moved).data), data);
  const kernel = oihwToHwio(images);
  assertEquals(kernel.shape, [H, W, C, N]);
  assertEquals(Array.from(kernel.data).slice(0, 6), [0, 1000, 100, 1100, 200, 1200]);
  assertEquals(Array.from(hwioToOihw(kernel).data), data);
  assertThrows(() => permute(matrix, [0, 0]), RangeError, "permute: [0,0] is not a permutation");
  assertThrows(() => permute(matrix, [0]), RangeError, "permute: [0] is not a permutation");
});
