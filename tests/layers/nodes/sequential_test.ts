/** Layers one after the other. */
import { assertEquals } from "@std/assert";
import { batchNorm, conv, input, relu } from "../../../layers/nodes/nodes.ts";
import { sequential } from "../../../layers/nodes/sequential.ts";

const x = input([8, 8, 3]);

Deno.test("sequential: each layer on the one before, called by its place", () => {
  const y = sequential(x, { name: "conv1" }, [
    (x, at) => conv(x, { ...at, filters: 5, kernelSize: 3 }),
    batchNorm,
    relu,
  ]);
  const byHand = relu(
    batchNorm(conv(x, { name: "conv1.0", filters: 5, kernelSize: 3 }), { name: "conv1.1" }),
    { name: "conv1.2" },
  );
  assertEquals(y, byHand);
});

Deno.test("sequential: nothing changes nothing", () => {
  assertEquals(sequential(x, { name: "empty" }, []), x);
});
