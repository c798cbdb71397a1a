/**
 * From stored pixels to the network's input: the steps as data, and what runs them.
 * @module
 */
export { applyTransforms } from "./apply.ts";
export {
  augment,
  type ChannelStats,
  CIFAR10_STATS,
  crop,
  IMAGENET_STATS,
  normalize,
  resize,
  TUTORIAL_STATS,
} from "./transforms.ts";
