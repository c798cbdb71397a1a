import { assertEquals } from "@std/assert";
import { type Attr, AttrKind } from "../../../runtime/binding/attributes.ts";
import { faultless } from "../../../runtime/binding/faults.ts";
import { canLoadTensorFlow } from "../../needs.ts";

const type: Attr = { name: "T", type: AttrKind.type, value: 1 };
const strides = (...value: number[]): Attr => ({ name: "strides", type: AttrKind.int, value });
const padding = (value: string): Attr => ({ name: "padding", type: AttrKind.string, value });
const explicit = (...value: number[]): Attr => ({ name: "explicit_paddings", type: AttrKind.int, value });
const none = [padding("EXPLICIT"), explicit(0, 0, 0, 0, 0, 0, 0, 0)];

/** Asks for an op with a kernel of these sizes: its second input is the kernel, or holds the sizes. */
function ask(op: string, attrs: readonly Attr[], sizes: readonly number[]) {
  const second = <T>(value: T) => (input: number): T => {
    assertEquals(input, 1);
    return value;
  };
  const values = second(Int32Array.from(sizes));
  return faultless({ op, attrs }, { shape: second(op === "DepthwiseConv2dNative" ? sizes : [4]), values });
}

Deno.test("a strided 1 x 1 filter gradient over fewer than 16 channels is asked for with its padding written out", () => {
  for (
    const [padded, steps] of [["VALID", [1, 2, 2, 1]], ["SAME", [1, 1, 3, 1]], ["SAME", [
      1,
      2,
      1,
      1,
    ]]] as const
  ) {
    const attrs = [type, strides(...steps), padding(padded)];
    assertEquals(ask("Conv2DBackpropFilter", attrs, [1, 1, 15, 40]), {
      op: "Conv2DBackpropFilter",
      attrs: [type, strides(...steps), ...none],
    });
  }
  const attrs = [strides(1, 2, 2, 1), padding("EXPLICIT"), explicit(0, 0, 0, 0, 0, 0, 0, 0)];
  assertEquals(ask("Conv2DBackpropFilter", attrs, [1, 1, 1, 1]).attrs, attrs);
});

Deno.test("so is a depthwise one of a single channel, as the plain convolution that it is", () => {
  const attrs = [type, strides(1, 2, 3, 1), padding("VALID")];
  assertEquals(ask("DepthwiseConv2dNativeBackpropFilter", attrs, [1, 1, 1, 8]), {
    op: "Conv2DBackpropFilter",
    attrs: [type, strides(1, 2, 3, 1), ...none],
  });
});

Deno.test("a depthwise convolution of one channel is asked for as a plain one", () => {
  const attrs = [type, strides(1, 3, 3, 1), padding("SAME")];
  const plain = { op: "Conv2D", attrs };
  assertEquals(ask("DepthwiseConv2dNative", attrs, [3, 3, 1, 8]), plain);
  assertEquals(ask("DepthwiseConv2dNative", attrs, [3, 3, 2, 8]), { ...plain, op: "DepthwiseConv2dNative" });
});

Deno.test("every other request stays the object that it was", () => {
  const strided = [type, strides(1, 2, 2, 1), padding("VALID")];
  const cases: [op: string, attrs: readonly Attr[], sizes: number[]][] = [
    ["Conv2DBackpropFilter", strided, [1, 1, 16, 4]],
    ["Conv2DBackpropFilter", strided, [3, 1, 3, 4]],
    ["Conv2DBackpropFilter", [strides(1, 1, 1, 1), padding("VALID")], [1, 1, 3, 4]],
    ["DepthwiseConv2dNativeBackpropFilter", strided, [1, 1, 2, 4]],
    ["Conv2DBackpropInput", strided, [1, 1, 3, 4]],
    ["toString", strided, [1, 1, 3, 4]],
  ];
  for (const [op, attrs, sizes] of cases) {
    const request = { op, attrs };
    const inputs = { shape: () => sizes, values: () => sizes };
    assertEquals(faultless(request, inputs) === request, true, `${op} [${sizes}]`);
  }
});

// A process each: oneDNN reads the variable once, and a fault would take the process with it.
for (const isa of ["AVX512_CORE", "AVX2", "SSE41", undefined]) {
  Deno.test({
    name: `convolutions of random shapes and their gradients are tfjs' own, ${
      isa ?? "whatever the processor has"
    }`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "tests/runtime/binding/convolution_fuzz.ts", "180", "2"],
        cwd: new URL("../../..", import.meta.url),
        env: { NO_COLOR: "1", ...(isa && { ONEDNN_MAX_CPU_ISA: isa }) },
      }).output();
      const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
      const ops = "conv2d, fusedConv2d, depthwiseConv2d, conv2dTranspose, conv1d, conv3d";
      assertEquals(lines, [`180 cases of ${ops}: 0 differences`]);
      assertEquals(code, 0);
    },
  });
}
