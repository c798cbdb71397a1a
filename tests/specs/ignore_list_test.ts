/** Tests of tfjs-node's own list of specs that it leaves out. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { granted } from "../needs.ts";
import { ignoreList, isIgnored, parseIgnoreList } from "./ignore_list.ts";

const PROGRAM = `var IGNORE_LIST = [
    // a comment with 'quotes'
    'bitwiseAnd',
    'greater test-tensorflow {} isn\\'t',
    'last'
];
if (process.platform === 'win32') {
    IGNORE_LIST.push('tensorboard');
}
`;

Deno.test("ignore list: what a program leaves out on every system", () => {
  assertEquals(parseIgnoreList(PROGRAM), ["bitwiseAnd", "greater test-tensorflow {} isn't", "last"]);
  assertThrows(() => parseIgnoreList("var LIST = [];"), Error, "there is none");
});

Deno.test("ignore list: it has a spec by a part of its full name, not by its file", () => {
  assert(isIgnored("ops/binary_test.js: bitwiseAnd test-tensorflow {} of two", ["bitwiseAnd"]));
  assert(!isIgnored("ops/bitwiseAnd_test.js: binary test-tensorflow {} of two", ["bitwiseAnd"]));
});

Deno.test({
  name: "ignore list: that of the npm package is read whole",
  ignore: !granted("read"),
  fn(): void {
    const list = ignoreList();
    assertEquals(list.length, 91); // as JavaScript reads it
    assertEquals([list[0], list.at(-1)], [
      "bitwiseAnd",
      "tan test-tensorflow {} numbers exceed float32 precision",
    ]);
  },
});
