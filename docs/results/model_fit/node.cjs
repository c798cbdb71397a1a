const { readFileSync } = require("fs");
const util = require("util");
util.isNullOrUndefined ??= (value) => value == null; // what newer Nodes have dropped
const tf = require("@tensorflow/tfjs-node");

const [data] = process.argv.slice(2);
import("./fit.mjs").then(async ({ fit }) => {
  console.log("node", await fit(tf, (name) => readFileSync(`${data}/${name}`)));
  process.exit(0);
});
