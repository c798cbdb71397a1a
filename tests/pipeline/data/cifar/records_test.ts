import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeRecords, encodeRecords } from "../../../../pipeline/data/cifar/records.ts";

/** Records from interleaved pixels, written from the format's description: the inverse of `decodeRecords`. */
function recordsOf(images: Uint8Array, labels: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  labels.forEach((label, image) => {
    bytes.push(label);
    for (const channel of [0, 1, 2]) {
      for (let pixel = 0; pixel < 1024; pixel++) bytes.push(images[(image * 1024 + pixel) * 3 + channel]);
    }
  });
  return Uint8Array.from(bytes);
}

Deno.test("decodeRecords is the inverse of an encoder", () => {
  const records = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 9 }), fc.uint8Array({ minLength: 3072, maxLength: 3072 })),
    {
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(records, (records) => {
      const labels = Uint8Array.from(records, ([label]) => label);
      const images = Uint8Array.from(records.flatMap(([, pixels]) => [...pixels]));
      assertEquals(decodeRecords(recordsOf(images, labels)), { images, labels });
    }),
    { numRuns: 25 },
  );
});

Deno.test("decodeRecords makes planes to pixels", () => {
  const record = new Uint8Array(3073);
  record[0] = 7;
  record[1 + 33] = 10; // red of row 1, column 1
  record[1 + 1024 + 33] = 20; // green
  record[1 + 2048 + 33] = 30; // blue
  const { images, labels } = decodeRecords(record);
  assertEquals([...labels], [7]);
  assertEquals([...images.subarray(33 * 3, 34 * 3)], [10, 20, 30]);
  assertEquals(images.reduce((sum, value) => sum + value, 0), 60);
});

Deno.test("encodeRecords makes pixels to planes", () => {
  const images = new Uint8Array(2 * 3072);
  images.set([10, 20, 30], 3072 + 33 * 3); // of the second image, row 1, column 1
  const bytes = encodeRecords(images, [7, 8]);
  assertEquals([bytes.length, bytes[0], bytes[3073]], [6146, 7, 8]);
  assertEquals([0, 1024, 2048].map((plane) => bytes[3073 + 1 + plane + 33]), [10, 20, 30]);
  assertEquals(bytes.reduce((sum, value) => sum + value, 0), 60 + 7 + 8);
});

Deno.test("decodeRecords refuses parts of records, a target of another size and labels above 9", () => {
  assertThrows(
    () => decodeRecords(new Uint8Array(3072)),
    RangeError,
    "decodeRecords: 3072 bytes are not a whole number of 3073-byte records",
  );
  assertThrows(
    () => decodeRecords(new Uint8Array(3073), { images: new Uint8Array(6144), labels: new Uint8Array(2) }),
    RangeError,
    "decodeRecords: 1 records need 1 labels and 3072 image bytes, the target has 2 and 6144",
  );
  const wrong = new Uint8Array(2 * 3073);
  wrong[3073] = 10;
  assertThrows(
    () => decodeRecords(wrong),
    RangeError,
    "decodeRecords: record 1 has label 10, expected 0 to 9",
  );
});
