import { tf } from "../../../mod.ts";
import { fit } from "./fit.mjs";

const [data] = Deno.args;
await tf.ready();
console.log("deno", await fit(tf, (name: string) => Deno.readFileSync(`${data}/${name}`)));
Deno.exit(0);
