import { assertEquals, assertThrows } from "@std/assert";
import { cacheFolderOf } from "../../../runtime/install/paths.ts";
import { UserError } from "../../../runtime/system/errors.ts";

const env = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("cacheFolderOf follows each platform's convention", () => {
  assertEquals(cacheFolderOf("linux", env({ HOME: "/home/me" })), "/home/me/.cache/resnet-deno");
  assertEquals(cacheFolderOf("linux", env({ HOME: "/home/me", XDG_CACHE_HOME: "/x" })), "/x/resnet-deno");
  assertEquals(
    cacheFolderOf("linux", env({ HOME: "/home/me", XDG_CACHE_HOME: "relative" })),
    "/home/me/.cache/resnet-deno",
    "the XDG specification has relative paths ignored",
  );
  assertEquals(cacheFolderOf("freebsd", env({ HOME: "/home/me" })), "/home/me/.cache/resnet-deno");
  assertEquals(
    cacheFolderOf("darwin", env({ HOME: "/Users/me", XDG_CACHE_HOME: "/x" })),
    "/Users/me/Library/Caches/resnet-deno",
  );
  assertEquals(
    cacheFolderOf("windows", env({ LOCALAPPDATA: "C:\\Users\\me\\AppData\\Local" })),
    "C:\\Users\\me\\AppData\\Local\\resnet-deno",
  );
});

Deno.test("RESNET_DENO_CACHE is the cache folder on every platform", () => {
  for (const os of ["linux", "darwin", "windows"] as const) {
    assertEquals(cacheFolderOf(os, env({ RESNET_DENO_CACHE: "/c", HOME: "/h", LOCALAPPDATA: "l" })), "/c");
  }
});

Deno.test("cacheFolderOf without a home says what to set", () => {
  assertThrows(
    () => cacheFolderOf("linux", env({})),
    UserError,
    "Cannot place the cache folder: HOME is not set; set RESNET_DENO_CACHE to a folder",
  );
  assertThrows(() => cacheFolderOf("windows", env({ HOME: "/h" })), UserError, "LOCALAPPDATA is not set");
});
