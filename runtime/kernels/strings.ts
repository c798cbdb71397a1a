/** Strings: parts of them, their hashes, their order. */
import * as tfjs from "@tensorflow/tfjs";
import { callInt64Op, callOp, setKernel, type } from "../binding/kernel.ts";

setKernel<"data" | "dataSplits", tfjs.StringNGramsAttrs>(
  tfjs.StringNGrams,
  ({ data, dataSplits }, { separator, nGramWidths, leftPad, rightPad, padWidth, preserveShortSequences }) =>
    callOp(
      "StringNGrams",
      {
        separator,
        ngram_widths: nGramWidths,
        left_pad: leftPad,
        right_pad: rightPad,
        pad_width: padWidth,
        preserve_short_sequences: preserveShortSequences,
        Tsplits: type("int32"),
      },
      [data, dataSplits],
      2,
    ),
);

setKernel<"input" | "delimiter", tfjs.StringSplitAttrs>(
  tfjs.StringSplit,
  ({ input, delimiter }, { skipEmpty }) =>
    callInt64Op("StringSplit", { skip_empty: skipEmpty }, [input, delimiter], 3),
);

setKernel<"input", tfjs.StringToHashBucketFastAttrs>(
  tfjs.StringToHashBucketFast,
  ({ input }, { numBuckets }) =>
    callInt64Op("StringToHashBucketFast", { num_buckets: numBuckets }, [input])[0],
);

const ORDERS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  [tfjs.Greater]: (a, b) => a > b,
  [tfjs.GreaterEqual]: (a, b) => a >= b,
  [tfjs.Less]: (a, b) => a < b,
  [tfjs.LessEqual]: (a, b) => a <= b,
};

/** TensorFlow orders numbers only: strings are read and ordered here, so that `jit` takes none. */
for (const [name, holds] of Object.entries(ORDERS)) {
  setKernel<"a" | "b", unknown>(name, ({ a, b }) => {
    if (a.dtype !== "string") return callOp(name, { T: type(a.dtype) }, [a, b])[0];
    const shape = tfjs.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const [left, right] = [a, b].map((texts) => {
      const attrs = { T: type("string"), Tidx: type("int32") };
      return callOp("BroadcastTo", attrs, [texts, tfjs.tensor1d(shape, "int32")])[0].dataSync<"string">();
    });
    return tfjs.tensor(left.map((text, i) => holds(text, right[i])), shape, "bool");
  });
}
