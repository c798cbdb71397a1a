import { assertEquals } from "@std/assert";
import { formatBytes, formatPartOfBytes } from "../../../runtime/system/bytes.ts";

Deno.test("formatBytes chooses the unit: kB without decimals, MB with one, GB with two", () => {
  assertEquals([0, 499, 999e3, 1e6, 273.84e6, 1.2e9, 1e18].map(formatBytes), [
    "0 kB",
    "0 kB",
    "999 kB",
    "1.0 MB",
    "273.8 MB",
    "1.20 GB",
    "1000000000.00 GB",
  ]);
});

Deno.test("formatPartOfBytes says the part in the unit of the whole", () => {
  assertEquals(formatPartOfBytes(68.44e6, 273.84e6), "68.4 of 273.8 MB");
  assertEquals(formatPartOfBytes(1e3, 273.84e6), "0.0 of 273.8 MB");
  assertEquals(formatPartOfBytes(500e6, 1.2e9), "0.50 of 1.20 GB");
});
