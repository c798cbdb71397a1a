import { assertEquals } from "@std/assert";
import { join, relative } from "@std/path";
import { picturePaths } from "../../../pipeline/inference/picture_paths.ts";
import { folderTest } from "../../in_folder.ts";
import { pictureFile } from "../pictures.ts";

async function write(dir: string, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(join(dir, path, ".."), { recursive: true });
    await Deno.writeFile(join(dir, path), pictureFile("PNG").file);
  }
}

folderTest("picturePaths: files, folders and patterns, in the order in which they are named", async (dir) => {
  await write(
    dir,
    "b.png",
    "a.png",
    "photos/2/z.png",
    "photos/1/y.png",
    "photos/x",
    "[a].png",
    "c1.jpg",
    "c2.jpg",
  );
  await Deno.writeTextFile(join(dir, "photos/notes.txt"), "text");
  await Deno.writeTextFile(join(dir, "photos/bad.jpg"), "text");
  await Deno.writeTextFile(join(dir, "photos/none.png"), "");
  const found = async (...names: string[]) => {
    const { files, ...rest } = await picturePaths(names.map((name) => join(dir, name)));
    const problems = rest.problems.map((
      { file, problem },
    ) => [relative(dir, file), problem.replaceAll(dir, "D")]);
    return { ...rest, problems, files: files.map((file) => relative(dir, file)) };
  };
  const all = ["photos/x", "photos/1/y.png", "photos/2/z.png"];
  assertEquals(await found("b.png", "a.png", "b.png"), {
    files: ["b.png", "a.png"],
    problems: [],
    others: 0,
  });
  assertEquals(await found("photos", "photos/x"), {
    files: all,
    problems: [
      ["photos/bad.jpg", "Cannot read D/photos/bad.jpg: it cannot be opened, or is no picture"],
      ["photos/none.png", "Cannot read D/photos/none.png: it is empty"],
    ],
    others: 1,
  });
  assertEquals((await found("c*.jpg", "photos/**/*.png")).files, [
    "c1.jpg",
    "c2.jpg",
    "photos/1/y.png",
    "photos/2/z.png",
    "photos/none.png",
  ]);
  assertEquals((await found("{b,a}.png")).files, ["a.png", "b.png"]);
  assertEquals((await found("[a].png")).files, ["[a].png"], "what is there is no pattern");
  assertEquals(
    (await found("photos/[12]")).files,
    ["photos/1/y.png", "photos/2/z.png"],
    "folders may match too",
  );
  assertEquals(await found("no.jpg", "d*.jpg", "a.png/x.jpg", "a.png"), {
    files: ["a.png"],
    problems: [
      ["no.jpg", "Cannot read D/no.jpg: no such file or folder"],
      ["d*.jpg", "Cannot read D/d*.jpg: no file matches it"],
      ["a.png/x.jpg", "Cannot read D/a.png/x.jpg: no such file or folder"],
    ],
    others: 0,
  });
});
