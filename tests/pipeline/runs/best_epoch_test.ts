/** Which epoch is the best, and when patience is over. */
import { assertEquals } from "@std/assert";
import { bestEpoch, epochsThatFit, isPatienceOver } from "../../../pipeline/runs/best_epoch.ts";

const epochs = (...accuracies: (number | null)[]) =>
  accuracies.map((validationAccuracy, i) => ({ epoch: i + 1, step: 8 * (i + 1), validationAccuracy }));

Deno.test("bestEpoch: the first of the highest accuracies", () => {
  assertEquals(bestEpoch(epochs()), undefined);
  assertEquals(bestEpoch(epochs(null, null)), undefined);
  assertEquals(bestEpoch(epochs(0)), epochs(0)[0]);
  assertEquals(bestEpoch(epochs(0.2, 0.5, 0.5, 0.4))?.epoch, 2);
});

Deno.test("isPatienceOver: after so many epochs without a better one", () => {
  const over = (patience: number | undefined, ...accuracies: (number | null)[]) =>
    isPatienceOver(epochs(...accuracies), { patience });
  assertEquals(over(2), false);
  assertEquals(over(2, 0.5, 0.4), false);
  assertEquals(over(2, 0.5, 0.4, 0.5), true); // as good is not better
  assertEquals(over(2, 0.5, 0.4, 0.6), false);
  assertEquals(over(1, 0.5, 0.4), true);
  assertEquals(over(undefined, 0.5, 0.4, 0.3, 0.2), false);
  assertEquals(over(1, null, null, null), false);
});

Deno.test("epochsThatFit: whole epochs, never fewer than are done nor more than the recipe has", () => {
  assertEquals(epochsThatFit(40, 1, { each: 10, left: 95 }), 10);
  assertEquals(epochsThatFit(40, 1, { each: 10, left: 100 }), 11);
  assertEquals(epochsThatFit(40, 1, { each: 10, left: 4000 }), 40);
  assertEquals(epochsThatFit(40, 2, { each: 10, left: 9 }), 2);
  assertEquals(epochsThatFit(40, 1, { each: 10, left: -5 }), 1);
});
