/** Says how to run everything when plain `deno test` runs the pure tests only. */
import { canLoadTensorFlow } from "./needs.ts";

if (!canLoadTensorFlow) console.log("Only the pure tests run without permissions; all of them: deno test -P");

Deno.test({ name: "permissions for the whole suite: deno test -P", ignore: !canLoadTensorFlow, fn() {} });
