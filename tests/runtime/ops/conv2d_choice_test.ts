/** Which algorithm a convolution is given, where measurements say that it is the faster one (docs/performance.md). */
import { assertEquals } from "@std/assert";
import { chooseAlgorithm, type Setting } from "../../../runtime/ops/conv2d_choice.ts";

const WINDOW = { stride: 1, padding: 1 };
const SETTING: Setting = {
  precision: "float32",
  isDifferentiated: true,
  isXla: false,
  processor: "AVX-512",
};

/** The choice in one word: the tile of Winograd's convolution, the block, or what the kernel's gradient is by. */
function choose(
  [height, width]: readonly number[],
  kernelShape: readonly number[],
  setting: Partial<Setting> = {},
  window = WINDOW,
): number | string {
  const xShape = [16, height, width, kernelShape[2]];
  const convolution = { ...window, xShape, kernelShape: [...kernelShape] };
  const algorithm = chooseAlgorithm(convolution, { ...SETTING, ...setting });
  switch (algorithm.kind) {
    case "winograd":
      return algorithm.tile;
    case "blocks":
      return `${algorithm.block.rows} x ${algorithm.block.columns}`;
    case "direct":
      return algorithm.filterGradient;
  }
}

const square = (channels: number): number[] => [3, 3, channels, channels];

Deno.test("conv2d's choice: Winograd's for many channels, with the tile that fits the map", () => {
  type Tile = number | undefined;
  const cases: [size: number, channels: number, training: [Tile, Tile], alone: [Tile, Tile]][] = [
    [28, 128, [4, 2], [4, undefined]],
    [14, 256, [5, 2], [5, 2]],
    [15, 256, [5, undefined], [5, undefined]],
    [7, 512, [4, 2], [4, 2]],
    [7, 256, [4, undefined], [4, undefined]],
    [3, 256, [4, undefined], [4, undefined]],
    [2, 512, [undefined, 2], [undefined, 2]],
    [56, 64, [4, undefined], [undefined, undefined]],
    [14, 64, [undefined, undefined], [undefined, undefined]],
    [32, 16, [undefined, undefined], [undefined, undefined]],
  ];
  for (const [size, channels, training, alone] of cases) {
    const chosen = (isDifferentiated: boolean) =>
      (["float32", "bfloat16"] as const).map((precision) => {
        const choice = choose([size, size], square(channels), { precision, isDifferentiated });
        return typeof choice === "number" ? choice : undefined;
      });
    assertEquals([chosen(true), chosen(false)], [training, alone], `${size} with ${channels}`);
  }
});

Deno.test("conv2d's choice: the fewer of a kernel's channels count", () => {
  for (
    const [inputs, outputs, expected] of [[128, 128, 4], [128, 32, "direct"], [32, 128, "direct"]] as const
  ) {
    assertEquals(choose([28, 28], [3, 3, inputs, outputs]), expected, `${inputs} to ${outputs}`);
  }
});

Deno.test("conv2d's choice: the direct one for other windows than 3 x 3 at stride 1 with padding 1", () => {
  assertEquals(choose([28, 28], [3, 3, 256, 256]), 4);
  for (
    const [height, width, stride, padding] of [
      [3, 3, 2, 1],
      [3, 3, 1, 0],
      [3, 3, 1, 2],
      [1, 3, 1, 1],
      [3, 1, 1, 1],
      [1, 1, 1, 0],
      [5, 5, 1, 2],
    ]
  ) {
    const choice = choose([28, 28], [height, width, 256, 256], {}, { stride, padding });
    assertEquals(choice, "direct", `${height} x ${width}, stride ${stride}, padding ${padding}`);
  }
});

Deno.test("conv2d's choice: Winograd's in a graph only, on the processors that it was measured on", () => {
  const processors = ["AVX2", "AVX-512", "AMX", "x86_64", "aarch64", "GPU"];
  const by = (precision: Setting["precision"]) =>
    processors.map((processor) => choose([14, 14], square(256), { precision, processor }));
  assertEquals(by("float32"), [5, 5, 5, "direct", "direct", "direct"]);
  assertEquals(by("bfloat16"), ["direct", 2, "direct", "direct", "direct", "direct"]);
  assertEquals(by(undefined), Array(6).fill("direct"));
});

Deno.test("conv2d's choice: in bfloat16 the kernel's gradient by patches on small maps, up to their limits", () => {
  const stride1 = { stride: 1, padding: 1 };
  const stride2 = { stride: 2, padding: 1 };
  const unpadded = { stride: 2, padding: 0 };
  const cases = [
    // What was measured: at stride 1, and between the maps of a stride 2.
    { map: [3, 3], kernel: [3, 3, 160, 160], window: stride1, expected: "patches" },
    { map: [3, 3], kernel: [3, 3, 256, 256], window: stride1, expected: "patches" },
    { map: [7, 7], kernel: [3, 3, 256, 256], window: stride1, expected: "patches" },
    { map: [56, 56], kernel: [3, 3, 64, 64], window: stride1, expected: "direct" },
    { map: [14, 14], kernel: [3, 3, 256, 512], window: stride2, expected: "patches" },
    { map: [28, 28], kernel: [3, 3, 128, 256], window: stride2, expected: "patches" },
    { map: [56, 56], kernel: [3, 3, 64, 128], window: stride2, expected: "direct" },
    // The limits; four channels are too few for Winograd's.
    { map: [4, 4], kernel: [3, 3, 3, 4], window: stride1, expected: "patches" },
    { map: [1, 17], kernel: [3, 3, 3, 4], window: stride1, expected: "direct" },
    { map: [8, 8], kernel: [3, 3, 256, 4], window: stride1, expected: "patches" },
    { map: [5, 13], kernel: [3, 3, 256, 4], window: stride1, expected: "direct" },
    { map: [8, 8], kernel: [3, 3, 255, 4], window: stride1, expected: "direct" },
    { map: [28, 27], kernel: [3, 3, 128, 4], window: stride2, expected: "patches" },
    { map: [1, 393], kernel: [3, 3, 128, 4], window: stride2, expected: "direct" }, // 197 pixels
    { map: [28, 28], kernel: [3, 3, 127, 4], window: stride2, expected: "direct" },
    { map: [6, 6], kernel: [3, 3, 4, 4], window: stride2, expected: "direct" },
    // Padding and the kernel's own size make the map.
    { map: [30, 30], kernel: [3, 3, 128, 4], window: unpadded, expected: "patches" },
    { map: [31, 31], kernel: [3, 3, 128, 4], window: unpadded, expected: "direct" },
    { map: [31, 31], kernel: [4, 4, 128, 4], window: unpadded, expected: "patches" },
    // A window of one pixel makes no patches.
    { map: [2, 2], kernel: [1, 1, 256, 256], window: { stride: 1, padding: 0 }, expected: "direct" },
    { map: [2, 2], kernel: [1, 1, 256, 256], window: unpadded, expected: "direct" },
  ] as const;
  for (const { map, kernel, window, expected } of cases) {
    const label = `${map} by ${kernel}, stride ${window.stride}`;
    for (const processor of ["AVX-512", "AMX", "aarch64"]) {
      const setting = { precision: "bfloat16", processor } as const;
      assertEquals(choose(map, kernel, setting, window), expected, `${label}, ${processor}`);
    }
    for (const precision of ["float32", undefined] as const) {
      const choice = choose(map, kernel, { precision, processor: "aarch64" }, window);
      assertEquals(choice, "direct", `${label}, ${precision}`);
    }
  }
});

Deno.test("conv2d's choice: where both would do in bfloat16, Winograd's comes before patches", () => {
  const by = (processor: string) => choose([7, 7], square(512), { precision: "bfloat16", processor });
  assertEquals([by("AVX-512"), by("AMX")], [2, "patches"]);
});

Deno.test("conv2d's choice: on a GPU cuDNN's own, for gradients with padding on both sides too", () => {
  const kernelShape = [3, 3, 512, 512];
  const convolution = { stride: 1, padding: 1, xShape: [16, 7, 7, 512], kernelShape };
  for (const precision of ["float32", "bfloat16"] as const) {
    assertEquals(chooseAlgorithm(convolution, { ...SETTING, precision, processor: "GPU" }), {
      kind: "direct",
      filterGradient: "direct",
      padsApart: false,
    });
  }
  const strided = { ...convolution, stride: 2 };
  assertEquals(chooseAlgorithm(strided, { ...SETTING, precision: "bfloat16" }), {
    kind: "direct",
    filterGradient: "patches",
    padsApart: true,
  });
});

Deno.test("conv2d's choice: in blocks where a GPU's matrix units would idle, and XLA compiles", () => {
  const gpu = { precision: "bfloat16", isXla: true, processor: "GPU" } as const;
  const tutorial = { stride: 2, padding: 3 };
  assertEquals(choose([224, 224], [7, 7, 3, 64], gpu, tutorial), "2 x 2");
  assertEquals(choose([224, 222], [7, 7, 3, 64], gpu, tutorial), "direct"); // blocks of 4 pixels do not fit
  assertEquals(choose([224, 224], [7, 7, 5, 64], gpu, tutorial), "direct");
  // A CIFAR ResNet: its first layer, its three stages, what is between two.
  const wide = (channels: number, filters: number, size = 32, window = WINDOW) =>
    choose([size, size], [3, 3, channels, filters], gpu, window);
  assertEquals([wide(3, 16), wide(16, 16), wide(32, 32, 16)], ["1 x 4", "1 x 4", "1 x 2"]);
  assertEquals([wide(64, 64, 8), wide(16, 32, 32, { stride: 2, padding: 1 })], ["direct", "direct"]);
  assertEquals([wide(16, 16, 31), wide(24, 24), wide(32, 16)], ["direct", "direct", "direct"]);
  assertEquals(wide(16, 16, 32, { stride: 1, padding: 0 }), "direct");
  const others: Partial<Setting>[] = [
    { precision: "float32" },
    { precision: undefined },
    { isXla: false },
    { processor: "AVX-512" },
  ];
  for (const other of others) assertEquals(choose([32, 32], square(16), { ...gpu, ...other }), "direct");
});
