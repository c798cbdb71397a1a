/**
 * Finding, installing and removing libtensorflow.
 * @module
 */
export { ensureLibrary, installFrom, removeInstalled } from "./install.ts";
export { cacheFolder, LIBRARY_VARIABLE, processEnv } from "./paths.ts";
