import { assertEquals } from "@std/assert";
import { cut, cutPath, oneLine, quote } from "../../../runtime/system/texts.ts";

Deno.test("cut: the beginning of what is long, and no half of a character", () => {
  assertEquals(cut("a".repeat(40)), "a".repeat(40));
  assertEquals(cut("a".repeat(41)), `${"a".repeat(40)}…`);
  assertEquals(cut("abcd", 3), "abc…");
  assertEquals(cut("ab😀d", 3), "ab…");
});

Deno.test("cutPath: the end of what is long, and no half of a character", () => {
  assertEquals(cutPath("runs/a/model.safetensors"), "runs/a/model.safetensors");
  assertEquals(cutPath(`${"a".repeat(90)}/model.safetensors`), `…${"a".repeat(82)}/model.safetensors`);
  assertEquals(cutPath(`b😀${"a".repeat(99)}`), `…${"a".repeat(99)}`);
});

Deno.test("quote: on one line, cut as it is shown", () => {
  assertEquals(quote('a"b\n'), '"a\\"b\\n"');
  assertEquals(quote("\x9b\u2028"), '"\\u009b\\u2028"');
  assertEquals(quote("\0".repeat(1000), 10), '"\\u0000\\u00…"');
  assertEquals(quote("abcdef", 5), '"abcde…"');
  assertEquals(oneLine("a\tb"), "a\\tb");
});
