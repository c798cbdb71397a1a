/**
 * A page that classifies pictures wherever it is opened: one HTML file with the network, what computes it, and pictures to
 * try it on.
 * @module
 */
export { type Classifier, loadClassifier } from "./browser/classify.ts";
export { pageFacts } from "./facts.ts";
export { pageNetwork } from "./network.ts";
export { type GalleryImage, networkIn, type Page, pageHtml } from "./page.ts";
