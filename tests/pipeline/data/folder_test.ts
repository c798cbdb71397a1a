import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import {
  byCodePoints,
  folderLines,
  listPictures,
  type PictureFile,
  withoutFiles,
} from "../../../pipeline/data/folder.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { folderTest } from "../../in_folder.ts";

/** The first bytes of a picture: whether there are more is not looked at. */
const PNG = Uint8Array.of(0x89, ...new TextEncoder().encode("PNG\r\n\x1a\n"));

/** Writes files, pictures unless their content is given. */
function write(dir: string, files: readonly (string | [name: string, content: string])[]): void {
  for (const file of files) {
    const [name, content] = typeof file === "string"
      ? [file, PNG]
      : [file[0], new TextEncoder().encode(file[1])];
    Deno.mkdirSync(dirname(join(dir, name)), { recursive: true });
    Deno.writeFileSync(join(dir, name), content);
  }
}

/** Paths without the folder that all are in, and labels. */
function short(dir: string, files: readonly PictureFile[] | undefined): [string, number][] | undefined {
  return files?.map(({ path, label }) => [path.slice(dir.length + 1), label]);
}

folderTest("listPictures: a folder of each class, in the order of torchvision's ImageFolder", async (dir) => {
  write(dir, [
    "zebra/1.png",
    "Zebra/b.png",
    "Zebra/a/9.png",
    "Zebra/a-/9.png",
    "Zebra/a/10.png",
    "Zebra/B.PNG",
    "\uff5e/x.png",
    "🦓/x.png",
    "猫/x.png",
  ]);
  const { root, classes, train, validation, test, emptyClasses, skipped } = await listPictures(dir);
  assertEquals(root, dir);
  assertEquals([validation, test], [undefined, undefined]);
  assertEquals([emptyClasses, skipped], [[], []]);
  // ImageFolder(root).classes and .samples of torchvision 0.29.2.
  assertEquals(classes, ["Zebra", "zebra", "猫", "\uff5e", "🦓"]);
  assertEquals(short(dir, train), [
    ["Zebra/B.PNG", 0],
    ["Zebra/b.png", 0],
    ["Zebra/a/10.png", 0],
    ["Zebra/a/9.png", 0],
    ["Zebra/a-/9.png", 0],
    ["zebra/1.png", 1],
    ["猫/x.png", 2],
    ["\uff5e/x.png", 3],
    ["🦓/x.png", 4],
  ]);
});

Deno.test("byCodePoints is the order of Python's strings", () => {
  const sorted = ["", "A", "AA", "B", "a", "é", "\uffff", "😀", "😀a", "😁"];
  assertEquals(sorted.toReversed().sort(byCodePoints), sorted);
});

folderTest("listPictures: train, val and test, each with the class numbers of train", async (dir) => {
  for (const name of ["val", "valid", "validation"]) {
    const root = join(dir, name);
    write(root, [
      "train/cat/1.png",
      "train/dog/2.png",
      `${name}/dog/3.png`,
      "test/cat/4.png",
      "test/dog/5.png",
    ]);
    const found = await listPictures(root);
    assertEquals(found.classes, ["cat", "dog"]);
    assertEquals(short(root, found.train), [["train/cat/1.png", 0], ["train/dog/2.png", 1]]);
    assertEquals(short(root, found.validation), [[`${name}/dog/3.png`, 1]]);
    assertEquals(short(root, found.test), [["test/cat/4.png", 0], ["test/dog/5.png", 1]]);
  }
  // A class may be called so, if there are others.
  write(join(dir, "vehicles"), ["train/1.png", "test/1.png", "plane/1.png"]);
  assertEquals((await listPictures(join(dir, "vehicles"))).classes, ["plane", "test", "train"]);
});

folderTest("listPictures: what is no picture is told apart by its bytes, and counted", async (dir) => {
  write(dir, [
    "a/1.png",
    "a/picture-called.txt",
    ["a/Thumbs.db", "thumbs"],
    ["a/labels.csv", "a,b"],
    ["a/empty.jpg", ""],
    ["a/empty.txt", ""],
    ["a/text.jpg", "not a picture"],
    ["a/iphone.heic", "\0\0\0 ftypheic"],
    ["a/._1.png", "of macOS"],
    "a/.git/1.png",
    "b/1.png",
    "loose.png",
    ["README.md", "# Photos"],
    ".hidden/1.png",
  ]);
  Deno.mkdirSync(join(dir, "c/deep"), { recursive: true });
  Deno.symlinkSync("nowhere.jpg", join(dir, "b/dangling.jpg"));
  const { classes, train, emptyClasses, skipped } = await listPictures(dir);
  assertEquals(classes, ["a", "b"]);
  assertEquals(emptyClasses, ["c"]);
  assertEquals(short(dir, train), [["a/1.png", 0], ["a/picture-called.txt", 0], ["b/1.png", 1]]);
  const by = Object.fromEntries(skipped.map(({ path, reason }) => [path.slice(dir.length + 1), reason]));
  assertEquals(by, {
    "README.md": "other",
    "loose.png": "other",
    "a/._1.png": "other",
    "a/Thumbs.db": "other",
    "a/labels.csv": "other",
    "a/empty.jpg": "empty",
    "a/empty.txt": "empty",
    "a/text.jpg": "unreadable",
    "a/iphone.heic": "unreadable",
    "b/dangling.jpg": "unreadable",
  });
  assertEquals(
    folderLines({ root: "photos", classes, emptyClasses, skipped }, { train: 2, validation: 1 }),
    [
      "photos/: 3 images in 2 classes (train 2, validation 1), 3 unreadable, 2 empty, 5 other files",
      `Left out, unreadable: ${dir}/a/iphone.heic, ${dir}/a/text.jpg, ${dir}/b/dangling.jpg`,
      `Left out, empty: ${dir}/a/empty.jpg, ${dir}/a/empty.txt`,
      `Left out, other: ${dir}/README.md, ${dir}/loose.png, ${dir}/a/._1.png, ${dir}/a/Thumbs.db, ${dir}/a/labels.csv`,
      "Left out, classes without training images: c",
    ],
  );
});

Deno.test("folderLines: the first five are named, control characters shown", () => {
  const skipped = Array.from({ length: 7 }, (_, i) => ({ path: `p/${i}\n.jpg`, reason: "empty" as const }));
  const classes = Array.from({ length: 10 }, (_, i) => `${i}`);
  assertEquals(
    folderLines({ root: "p/", classes, emptyClasses: [], skipped }, { train: 1650, validation: 412 }),
    [
      "p/: 2062 images in 10 classes (train 1650, validation 412), 0 unreadable, 7 empty",
      "Left out, empty: p/0\\n.jpg, p/1\\n.jpg, p/2\\n.jpg, p/3\\n.jpg, p/4\\n.jpg and 2 more",
    ],
  );
  assertEquals(folderLines({ root: "p", classes, emptyClasses: [], skipped: [] }, { train: 5, test: 2 }), [
    "p/: 7 images in 10 classes (train 5, test 2), 0 unreadable",
  ]);
});

folderTest("listPictures: links are followed, loops end", async (dir) => {
  write(dir, ["elsewhere/sub/1.png", "elsewhere/2.png", "root/a/3.png", "root/b/4.png"]);
  const root = join(dir, "root");
  Deno.symlinkSync("../../elsewhere", join(root, "a/link")); // a folder
  Deno.symlinkSync("../../elsewhere/2.png", join(root, "b/5.png")); // a file
  Deno.symlinkSync("..", join(root, "b/up")); // the class is in what it leads to
  Deno.symlinkSync(".", join(root, "b/self"));
  Deno.symlinkSync("../../elsewhere/sub", join(root, "a/again")); // a second way to a folder
  Deno.symlinkSync("../elsewhere", join(root, "c")); // a class
  const { classes, train, skipped } = await listPictures(root);
  assertEquals(classes, ["a", "b", "c"]);
  const paths = short(root, train)!;
  assertEquals(paths.filter(([, label]) => label === 0).map(([path]) => path), [
    "a/3.png",
    "a/again/1.png",
    "a/link/2.png",
  ]);
  assertEquals(paths.filter(([, label]) => label === 2).map(([path]) => path), [
    "c/2.png",
    "c/sub/1.png",
  ]);
  const b = paths.filter(([, label]) => label === 1).map(([path]) => path);
  assertEquals(b.slice(0, 2), ["b/4.png", "b/5.png"]);
  assertEquals(skipped, []);
});

folderTest("listPictures refuses a folder that it can make nothing of, and says what to do", async (dir) => {
  const message = async (root: string): Promise<string> =>
    (await assertRejects(() => listPictures(root), UserError)).message.replaceAll(root, "R");
  assertEquals(
    await message(join(dir, "none")),
    "Cannot use the pictures in R: no such file or directory; name a folder with a folder of pictures for each class",
  );
  const advice = "put those of each class, of which it takes two, into a folder of its own, R/CLASS";
  write(join(dir, "flat"), ["1.png"]);
  assertEquals(
    await message(join(dir, "flat")),
    `Cannot use the pictures in R: there are no pictures in it; ${advice}`,
  );
  write(join(dir, "one"), ["cat/1.png", ["dog/1.txt", "no"]]);
  assertEquals(
    await message(join(dir, "one")),
    `Cannot use the pictures in R: all are of one class, "cat"; ${advice}`,
  );
  write(join(dir, "two"), ["train/a/1.png", "train/b/1.png", "val/a/1.png", "valid/a/1.png"]);
  assertEquals(
    await message(join(dir, "two")),
    "Cannot use the pictures in R: it has both val and valid; keep one of them",
  );
  write(join(dir, "untrained"), ["val/a/1.png", "test/a/1.png"]);
  assertEquals(
    await message(join(dir, "untrained")),
    "Cannot use the pictures in R: it has test and val, but no train",
  );
  write(join(dir, "stranger"), ["train/a/1.png", "train/b/1.png", "val/c/1.png"]);
  assertEquals(
    await message(join(dir, "stranger")),
    'Cannot use the pictures in R: validation has the class "c", of which train has no picture',
  );
  write(dir, ["file.png"]);
  assertEquals(
    await message(join(dir, "file.png")),
    "Cannot use the pictures in R: not a directory; name a folder with a folder of pictures for each class",
  );
});

folderTest("listPictures: ten thousand classes", async (dir) => {
  write(dir, Array.from({ length: 10_000 }, (_, i) => `${String(i).padStart(5, "0")}/1.png`));
  const { classes, train } = await listPictures(dir);
  assertEquals([classes.length, train.length], [10_000, 10_000]);
  assertEquals([classes[9_999], train[9_999].label], ["09999", 9_999]);
});

folderTest(
  "withoutFiles: files that turned out to be none, and classes that they were all of",
  async (dir) => {
    write(dir, [
      "train/a/1.png",
      "train/a/2.png",
      "train/b/1.png",
      "train/c/1.png",
      "test/a/1.png",
      "test/b/2.png",
    ]);
    const folder = await listPictures(dir);
    assertEquals(withoutFiles(folder, new Set()) === folder, true);
    const bad = ["train/a/2.png", "train/b/1.png", "test/b/2.png"].map((path) => join(dir, path));
    const left = withoutFiles(folder, new Set(bad));
    assertEquals(left.classes, ["a", "c"]);
    assertEquals(left.emptyClasses, ["b"]);
    assertEquals(short(dir, left.train), [["train/a/1.png", 0], ["train/c/1.png", 1]]);
    assertEquals(short(dir, left.test), [["test/a/1.png", 0]]);
    assertEquals(left.validation, undefined);
    assertEquals(left.skipped, bad.map((path) => ({ path, reason: "unreadable" })));
    assertThrows(
      () => withoutFiles(folder, new Set(bad.slice(0, 2))),
      UserError,
      'test has the class "b", of which train has no picture',
    );
  },
);
