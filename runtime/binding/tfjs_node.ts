/**
 * `tf.node`: tfjs-node's own code over this runtime's binding. Importing this module does what importing tfjs-node does
 * besides: `model.save` and `tf.loadLayersModel` take `file://` addresses, and `model.fit` shows its progress unless it is
 * told `verbose: 0`.
 */
import "./compat.ts";
import * as tfjs from "@tensorflow/tfjs";
import { ProgbarLogger } from "@tensorflow/tfjs-node-gpu/dist/callbacks.js";
import { nodeFileSystemRouter } from "@tensorflow/tfjs-node-gpu/dist/io/file_system.js";

export { node } from "@tensorflow/tfjs-node-gpu/dist/node.js";

tfjs.io.registerLoadRouter(nodeFileSystemRouter);
tfjs.io.registerSaveRouter(nodeFileSystemRouter);
tfjs.registerCallbackConstructor(1, ProgbarLogger);
