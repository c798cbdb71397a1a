/** Arithmetic by hand. */
import { assertEquals } from "@std/assert";
import { resnet } from "../../../layers/networks/resnet.ts";
import { forwardMultiplyAdds } from "../../../layers/readers/flops.ts";

Deno.test("forwardMultiplyAdds: ResNet-20 at 32 x 32, by hand", () => {
  const conv = (size: number, i: number, o: number): number => size * size * 9 * i * o;
  const byHand = conv(32, 3, 16) + 6 * conv(32, 16, 16) +
    conv(16, 16, 32) + 5 * conv(16, 32, 32) +
    conv(8, 32, 64) + 5 * conv(8, 64, 64) + 64 * 10;
  assertEquals(byHand, 40_551_040);
  assertEquals(forwardMultiplyAdds(resnet([3, 3, 3], { stem: "cifar" })), byHand);
});

Deno.test("forwardMultiplyAdds: ResNet-34 at 224 x 224, by hand (3.6 x 10^9 in He et al., table 1)", () => {
  const conv = (size: number, k: number, i: number, o: number): number => size * size * k * k * i * o;
  const stage = (size: number, i: number, o: number, n: number): number =>
    conv(size, 3, i, o) + (2 * n - 1) * conv(size, 3, o, o) + (i === o ? 0 : conv(size, 1, i, o));
  const byHand = conv(112, 7, 3, 64) +
    stage(56, 64, 64, 3) + stage(28, 64, 128, 4) + stage(14, 128, 256, 6) + stage(7, 256, 512, 3) + 512 * 10;
  assertEquals(byHand, 3_663_254_528);
  assertEquals(forwardMultiplyAdds(resnet([3, 4, 6, 3])), byHand);
});
