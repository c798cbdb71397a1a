/** Opening the library, and the text that passes to and from C. */
import { assert, assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Binding } from "../../../runtime/binding/binding.ts";
import { cString, cStringBytes, keepLoaded, openLibrary } from "../../../runtime/binding/library.ts";
import { hasGpu, runtimeInfo, tf, UserError } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";

Deno.test("cStringBytes ends in a zero, and gives the same buffer for the same text", () => {
  assertEquals(cStringBytes("Conv2D"), new TextEncoder().encode("Conv2D\0"));
  assertEquals(cStringBytes("naïve"), new TextEncoder().encode("naïve\0"));
  assertEquals(cStringBytes(""), new Uint8Array(1));
  assertStrictEquals(cStringBytes("Conv2D"), cStringBytes("Conv2D"));
});

Deno.test("cString of null is empty", () => assertEquals(cString(null), ""));

Deno.test({
  name: "cString reads to the zero",
  ignore: !canLoadTensorFlow,
  fn() {
    const bytes = new TextEncoder().encode("naïve\0rest");
    assertEquals(cString(Deno.UnsafePointer.of(bytes)), "naïve");
  },
});

Deno.test({
  name: "openLibrary says which folder has no library, why, and what to do",
  ignore: !canLoadTensorFlow,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      assertThrows(() => openLibrary(folder), UserError, `Cannot load libtensorflow from ${folder}: `);
      assertThrows(
        () => openLibrary(folder),
        UserError,
        'run "deno task setup --remove" and "deno task setup"',
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "keepLoaded says what the loader has against a library",
  ignore: !canLoadTensorFlow || Deno.build.os !== "linux",
  fn() {
    assertEquals(keepLoaded("libc.so.6"), undefined);
    assertStringIncludes(keepLoaded("libnone.so.1")!, "libnone.so.1: cannot open shared object file");
  },
});

Deno.test({
  name: "hasCuda: asked of the library, which knows it; without it there is no GPU",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const { devices, directory } = runtimeInfo();
    const { symbols, hasCuda } = openLibrary(directory);
    if (Deno.build.os === "linux") assert(symbols.isGoogleCudaEnabled !== null);
    assert(hasCuda || !hasGpu(devices));
  },
});

Deno.test({
  name: "where no GPU may be used there is none",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    assertEquals(new Binding(openLibrary(runtimeInfo().directory), { gpus: [] }).devices, ["CPU:0"]);
  },
});

Deno.test({
  name: "a GPU that is not there is refused, with the devices that are",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const { devices, directory } = runtimeInfo();
    if (hasGpu(devices)) return;
    assertThrows(
      () => new Binding(openLibrary(directory), { device: "gpu" }),
      UserError,
      `Cannot use a GPU: TensorFlow sees ${devices.join(", ")}; leave out --device gpu`,
    );
  },
});
