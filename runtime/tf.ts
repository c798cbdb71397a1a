/**
 * TensorFlow.js with libtensorflow behind it: everything that `@tensorflow/tfjs` exports, what tfjs-node has besides
 * (`node`, files), and a `ready` that finds or installs the library and makes it the backend.
 */
import "./kernels/register.ts";

export * from "@tensorflow/tfjs";
export { ready } from "./binding/backend.ts";
export { node } from "./binding/tfjs_node.ts";
