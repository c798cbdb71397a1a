/**
 * tfjs-node-gpu 4.22.0 calls two functions of Node's `util` that newer Nodes and Deno have dropped.
 * Importing this module first gives them back.
 */
import util from "node:util";

Object.assign(util, {
  isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  isArray: Array.isArray,
});
