import { assertEquals } from "@std/assert";
import { closest } from "../../../runtime/system/closest.ts";

const near = (name: string, ...candidates: string[]) => closest(name, candidates);

Deno.test("closest: the name that is one or two edits away", () => {
  assertEquals(near("epoch", "batchSize", "epochs"), "epochs");
  assertEquals(near("epochss", "epochs"), "epochs", "a letter too many");
  assertEquals(near("epachs", "epochs"), "epochs", "another letter");
  assertEquals(near("eopchs", "epochs"), "epochs", "two that are swapped, two edits");
  assertEquals(near("Epochs", "epochs"), "epochs", "a capital is another letter");
  assertEquals(near("eopchss", "epochs"), undefined, "three edits");
  assertEquals(near("kitten", "sitting"), undefined, "Levenshtein's own example of three");
});

Deno.test("closest: the name that it begins, however long that is", () => {
  assertEquals(near("label", "labelSmoothing"), "labelSmoothing");
  assertEquals(near("l", "labelSmoothing"), "labelSmoothing");
  assertEquals(near("labels", "labelSmoothing", "label"), "label", "but it must begin just so");
});

Deno.test("closest: the nearest, of several as near the first", () => {
  assertEquals(near("resnet2", "resnet44", "resnet32", "resnet20"), "resnet20", "begun beats edited");
  assertEquals(near("resnet21", "resnet110", "resnet32", "resnet20"), "resnet20", "one edit beats two");
  assertEquals(near("resnet30", "resnet20", "resnet32"), "resnet20");
});

Deno.test("closest: none for a name that would have to change as a whole", () => {
  assertEquals(near("", "a", "epochs"), undefined);
  assertEquals(near("x", "a", "b"), undefined);
  assertEquals(near("xy", "ab"), undefined);
  assertEquals(near("xb", "ab"), "ab");
  assertEquals(near("epochs"), undefined, "there is nothing to mean");
});
