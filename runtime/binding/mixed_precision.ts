/**
 * bfloat16 as a policy of the trace, as autocast is one of PyTorch: which ops of a graph compute in it. tfjs sees float32
 * throughout. Arguments, results and what no rule names are float32.
 */
import { DType } from "./dtypes.ts";
import type { OpDef } from "./protos.ts";

/** When an op computes in bfloat16. */
type Rule =
  /** Whatever comes in: it is cast, since this is where the time goes. */
  | "always"
  /** Where all that comes in has it: what lies between stays in 16 bits. */
  | "all"
  /** Where something that comes in has it, such as what the forward pass kept for a gradient. */
  | "any";

/** The rules; an op without one computes in float32. Statistics of a batch norm are float32 in either format. */
const RULES: Readonly<Record<string, Rule>> = {
  Conv2D: "always",
  Conv2DBackpropFilter: "always",
  Conv2DBackpropInput: "always",
  MatMul: "always",
  BatchMatMulV2: "always",
  Add: "all",
  AddN: "all",
  AddV2: "all",
  AvgPool: "all",
  BiasAdd: "any",
  Elu: "all",
  FusedBatchNormV3: "all",
  GatherV2: "all",
  IsNan: "all",
  MaxPool: "all",
  Maximum: "all",
  Mul: "all",
  Pack: "all",
  Pad: "all",
  PadV2: "all",
  Relu: "all",
  Reshape: "all",
  SelectV2: "all",
  Slice: "all",
  StridedSlice: "all",
  Sub: "all",
  Transpose: "all",
  AvgPoolGrad: "all",
  BiasAddGrad: "all",
  EluGrad: "any",
  FusedBatchNormGradV3: "any",
  MaxPoolGrad: "any",
  ReluGrad: "any",
};

/** The attribute of an op for the type that it computes in. */
function typeOf(op: string): string {
  return op === "GatherV2" ? "Tparams" : "T";
}

/** An op as it is asked for, and the types and shapes that its inputs have. */
export interface MixedRequest {
  /** TensorFlow's name of it. */
  readonly op: string;
  readonly inputs: readonly { readonly dtype: number; readonly shape: readonly number[] | undefined }[];
}

/** The type that the policy has each input of an op be: the op computes in the type of what it is given. */
export function mixedDtypes({ op, inputs }: MixedRequest, { inputArg }: OpDef): number[] {
  const rule = Object.hasOwn(RULES, op) ? RULES[op] : undefined;
  const type = typeOf(op);
  // Sizes and the statistics of a batch norm have types of their own.
  const isImage = inputs.map(({ dtype }, i) =>
    isFloat(dtype) && (inputArg[i] ?? inputArg[0]).typeAttr === type
  );
  const images = inputs.filter((_, i) => isImage[i]);
  const isHalf = ({ dtype }: { dtype: number }): boolean => dtype === DType.bfloat16;
  const isMixed = rule === "always" ? images.length > 0 : rule !== undefined && images.some(isHalf) &&
    // A number that an image is scaled by or filled with has no say.
    (rule === "any" || images.every((input) => isHalf(input) || input.shape?.length === 0));
  return inputs.map(({ dtype }, i) => {
    if (!isFloat(dtype)) return dtype;
    return isMixed && isImage[i] ? DType.bfloat16 : DType.float32;
  });
}

function isFloat(dtype: number): boolean {
  return dtype === DType.float32 || dtype === DType.bfloat16;
}
