/**
 * Kernels of tfjs that tfjs-node does not have, or that are not right with it: each a TensorFlow op, or a few of them.
 * Importing this module puts them behind tfjs.
 */
import "./batch_norm.ts";
import "./concat.ts";
import "./convolution.ts";
import "./einsum.ts";
import "./elementwise.ts";
import "./gather.ts";
import "./images.ts";
import "./multinomial.ts";
import "./pooling.ts";
import "./ragged.ts";
import "./rounding.ts";
import "./scatter.ts";
import "./search.ts";
import "./softmax.ts";
import "./sparse.ts";
import "./strings.ts";
