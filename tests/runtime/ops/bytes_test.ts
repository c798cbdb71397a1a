/** Bytes that travel as float32. */
import { assertEquals } from "@std/assert";
import { gatherRows, packBytes, putAt, tf, unpackBytes } from "../../../runtime/mod.ts";
import { eagerAndJitted, leakTest } from "../harness.ts";

leakTest(
  "packBytes, unpackBytes: every byte comes back, whatever its neighbours, in rows of any length",
  () => {
    tf.tidy(() => {
      for (const [rows, ...shape] of [[4, 4, 4, 4], [3, 5, 1, 3], [7, 1], [1, 256], [2, 3, 3, 3]]) {
        const length = shape.reduce((product, size) => product * size, 1);
        // Runs of 255 are NaNs as float32, runs of 0 and 128 zeros of both signs.
        const bytes = Uint8Array.from(
          { length: rows * length },
          (_, i) => [i, 255, 0, 128][(i >> 3) % 4] & 255,
        );
        const packed = packBytes(bytes, rows);
        assertEquals(packed.shape, [rows, Math.ceil(length / 4)]);
        eagerAndJitted(
          (packed: tf.Tensor2D) => unpackBytes(packed, shape),
          [packed],
          (numbers, mode) => {
            assertEquals([numbers.shape, numbers.dtype], [[rows, ...shape], "float32"], mode);
            assertEquals([...numbers.dataSync()], [...bytes], mode);
          },
        );
      }
      const apart = new Uint8Array(9).map((_, i) => i).subarray(1); // not at a multiple of 4 bytes
      assertEquals([...unpackBytes(packBytes(apart, 2), [4]).dataSync()], [1, 2, 3, 4, 5, 6, 7, 8]);
    });
  },
);

leakTest("gatherRows: rows by places that are known in the call only, packed bytes too", () => {
  tf.tidy(() => {
    const bytes = Uint8Array.from({ length: 5 * 8 }, (_, i) => 255 - i);
    const places = tf.tensor1d([4, 0, 4], "int32");
    const gathered = (packed: tf.Tensor2D, places: tf.Tensor1D) =>
      unpackBytes(gatherRows(packed, places), [8]);
    eagerAndJitted(gathered, [packBytes(bytes, 5), places], (numbers, mode) => {
      const row = (place: number) => [...bytes.subarray(place * 8, place * 8 + 8)];
      assertEquals([...numbers.dataSync()], [row(4), row(0), row(4)].flat(), mode);
    });
    const whole = gatherRows(tf.tensor2d([[1, 2], [3, 4]], [2, 2], "int32"), tf.tensor1d([1], "int32"));
    assertEquals([whole.dtype, [...whole.dataSync()]], ["int32", [3, 4]]);
  });
});

leakTest("putAt: one number in a place that is known in the call only", () => {
  tf.tidy(() => {
    const put = (values: tf.Tensor1D, place: tf.Scalar) => putAt(values, place, tf.scalar(-1));
    for (const place of [0, 2]) {
      eagerAndJitted(put, [tf.tensor1d([5, 6, 7]), tf.scalar(place, "int32")], (numbers, mode) => {
        assertEquals([...numbers.dataSync()], [5, 6, 7].with(place, -1), mode);
      });
    }
  });
});
