"""Writes kernels.json: what each kernel has to give, computed by PyTorch and NumPy in float64.

Run with PyTorch and NumPy installed (never needed to run the tests):  python make_kernels.py

Every case has float32 inputs with two decimals, so the file stays small and the inputs are the same on both sides.
Values come from float64 arithmetic on those float32 numbers. `dy` is the gradient that comes in for each output;
`gradients` holds what goes out for each float input, `null` for inputs that have none. Layouts are this project's:
images [N, H, W, C], kernels [kh, kw, in, out], linear weights [in, out].
"""
import json
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

cases = {}


class Draw:
    """Numbers for one case, from a generator of its own: adding a case changes no other."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape):
        return tensor(self.rng.standard_normal(shape))

    def positive(self, *shape):
        return tensor(self.rng.uniform(0.2, 3, shape))

    def unit(self, *shape):
        return tensor(self.rng.uniform(0.05, 0.95, shape))

    def off_zero(self, *shape):
        """No value near 0, where relu and abs have a kink."""
        return tensor(self.rng.uniform(0.1, 2, shape) * self.rng.choice([-1, 1], shape))

    def distinct(self, *shape):
        """No two values equal, so that a maximum is reached once."""
        return tensor((self.rng.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) / 2) / 7)

    def ints(self, low, high, *shape):
        return torch.tensor(self.rng.integers(low, high, shape), dtype=torch.int32)

    def bools(self, *shape):
        return torch.tensor(self.rng.integers(0, 2, shape).astype(bool))


def tensor(values):
    return torch.tensor(np.round(values, 2).astype(np.float32).astype(np.float64))


def dump(t):
    kinds = {torch.float64: "float32", torch.int32: "int32", torch.int64: "int32", torch.bool: "bool"}
    flat = t.detach().resolve_conj().reshape(-1).tolist()
    data = [float(f"{v:.9g}") for v in flat] if t.dtype == torch.float64 else [int(v) for v in flat]
    return {"dtype": kinds[t.dtype], "shape": list(t.shape), "data": data}


def dump_input(t):
    entry = dump(t)
    if t.dtype == torch.float64:
        entry["data"] = [round(v, 2) for v in entry["data"]]
    return entry


def case(name, draw, fn, gradient=True):
    """`draw` makes the inputs from a `Draw`, `fn` the output or outputs from them."""
    d = Draw(name)
    inputs = [tensor(t.numpy()) if t.dtype == torch.float64 else t for t in draw(d)]
    for t in inputs:
        if gradient and t.dtype == torch.float64:
            t.requires_grad_()
    outputs = fn(*inputs)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    entry = {"inputs": [dump_input(t) for t in inputs], "outputs": [dump(t) for t in outputs]}
    if gradient:
        dy = [d.normal(*o.shape) for o in outputs]
        sum((o * w).sum() for o, w in zip(outputs, dy)).backward()
        entry["dy"] = [dump_input(w) for w in dy]
        entry["gradients"] = [None if t.grad is None else dump(t.grad) for t in inputs]
    assert name not in cases, name
    cases[name] = entry


def plain(name, draw, fn):
    """A case without a gradient."""
    case(name, draw, fn, gradient=False)


# Element by element, two inputs
pair = lambda d: (d.normal(2, 3), d.normal(2, 3))
row = lambda d: (d.normal(2, 3), d.normal(3))
case("add", pair, torch.add)
case("add, row to matrix", row, torch.add)
case("add, column to row", lambda d: (d.normal(2, 1), d.normal(1, 3)), torch.add)
case("add, scalar", lambda d: (d.normal(2, 3), d.normal()), torch.add)
plain("add, int32", lambda d: (d.ints(-9, 9, 4), d.ints(-9, 9, 4)), torch.add)
case("sub, row from matrix", row, torch.sub)
case("mul", pair, torch.mul)
case("mul, row with matrix", row, torch.mul)
case("div", lambda d: (d.normal(2, 3), d.off_zero(2, 3)), torch.div)
case("div, matrix by row", lambda d: (d.normal(2, 3), d.off_zero(3)), torch.div)
plain("div, int32 rounds down", lambda d: (d.ints(-9, 9, 6), d.ints(1, 5, 6)),
      lambda a, b: torch.div(a, b, rounding_mode="floor"))
case("maximum", lambda d: (d.normal(2, 3), d.normal(2, 3)), torch.maximum)
case("minimum", lambda d: (d.normal(2, 3), d.normal(2, 3)), torch.minimum)
case("pow", lambda d: (d.positive(2, 3), d.normal(2, 3)), torch.pow)
case("squaredDifference", pair, lambda a, b: (a - b) ** 2)
plain("squaredDifference, row with matrix", row, lambda a, b: (a - b) ** 2)
case("addN", lambda d: [d.normal(2, 2) for _ in range(3)], lambda *xs: sum(xs))

# Element by element, one input
case("square", lambda d: [d.normal(2, 3)], torch.square)
case("sqrt", lambda d: [d.positive(2, 3)], torch.sqrt)
case("rsqrt", lambda d: [d.positive(2, 3)], torch.rsqrt)
case("reciprocal", lambda d: [d.off_zero(2, 3)], torch.reciprocal)
case("exp", lambda d: [d.normal(2, 3)], torch.exp)
case("expm1", lambda d: [d.normal(2, 3)], torch.expm1)
case("log", lambda d: [d.positive(2, 3)], torch.log)
case("log1p", lambda d: [d.positive(2, 3)], torch.log1p)
case("neg", lambda d: [d.normal(2, 3)], torch.neg)
case("abs", lambda d: [d.off_zero(2, 3)], torch.abs)
case("sign", lambda d: [d.off_zero(2, 3)], torch.sign)
case("cos", lambda d: [d.normal(2, 3)], torch.cos)
case("sin", lambda d: [d.normal(2, 3)], torch.sin)
case("floor", lambda d: [d.normal(2, 3)], torch.floor)
case("ceil", lambda d: [d.normal(2, 3)], torch.ceil)
plain("round, half to even", lambda d: [tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49])], torch.round)
case("clipByValue", lambda d: [d.normal(2, 6)], lambda x: torch.clamp(x, -0.505, 0.505))
case("relu", lambda d: [d.off_zero(2, 5)], torch.relu)
case("relu, native", lambda d: [d.off_zero(2, 3, 3, 2)], torch.relu)
case("relu6", lambda d: [d.off_zero(2, 5) * 5], F.relu6)
case("leakyRelu", lambda d: [d.off_zero(2, 5)], lambda x: F.leaky_relu(x, 0.1))
case("elu", lambda d: [d.off_zero(2, 5)], F.elu)
case("selu", lambda d: [d.off_zero(2, 5)], F.selu)
case("sigmoid", lambda d: [d.normal(2, 3)], torch.sigmoid)
case("tanh", lambda d: [d.normal(2, 3)], torch.tanh)
case("softplus", lambda d: [d.normal(2, 3)], F.softplus)
case("erf", lambda d: [d.normal(2, 3)], torch.erf)
case("softmax", lambda d: [d.normal(3, 4)], lambda x: F.softmax(x, -1))
case("logSoftmax", lambda d: [d.normal(3, 4)], lambda x: F.log_softmax(x, -1))
case("logSumExp", lambda d: [d.normal(3, 4)], lambda x: torch.logsumexp(x, 1))

# Matrix products
case("matMul", lambda d: (d.normal(2, 3), d.normal(3, 4)), torch.matmul)
case("matMul, a transposed", lambda d: (d.normal(3, 2), d.normal(3, 4)), lambda a, b: a.T @ b)
case("matMul, b transposed", lambda d: (d.normal(2, 3), d.normal(4, 3)), lambda a, b: a @ b.T)
case("matMul, both transposed", lambda d: (d.normal(3, 2), d.normal(4, 3)), lambda a, b: a.T @ b.T)
case("matMul, batches", lambda d: (d.normal(2, 2, 3), d.normal(2, 3, 4)), torch.matmul)
case("matMul, batches, b transposed", lambda d: (d.normal(2, 2, 3), d.normal(2, 4, 3)), lambda a, b: a @ b.mT)
case("matMul, fused with bias and relu", lambda d: (d.normal(2, 3), d.normal(3, 4), d.normal(4)),
     lambda a, b, c: torch.relu(a @ b + c))
case("dot", lambda d: (d.normal(3), d.normal(3)), torch.dot)
plain("einsum", lambda d: (d.normal(2, 3, 4), d.normal(4, 2)), lambda a, b: torch.einsum("nij,jk->nik", a, b))

# Convolutions
nchw = lambda x: x.permute(0, 3, 1, 2)
nhwc = lambda x: x.permute(0, 2, 3, 1)
oihw = lambda k: k.permute(3, 2, 0, 1)


def conv(x, k, stride, padding):
    return nhwc(F.conv2d(nchw(x), oihw(k), stride=stride, padding=padding))


def pad_same(x, size, stride, value=0.0):
    """TensorFlow's SAME: as many outputs as ceil(in / stride), the odd pixel of padding on the far side."""
    sides = []
    for length in (x.shape[2], x.shape[1]):
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        sides += [total // 2, total - total // 2]
    return nhwc(F.pad(nchw(x), sides, value=value))


NATIVE = ((1, 1, 0), (1, 2, 0), (2, 1, 0), (2, 1, 1), (2, 2, 0), (3, 1, 0), (3, 1, 1), (3, 2, 1), (3, 2, 0), (7, 1, 3), (7, 2, 3))
for size, stride, padding in NATIVE:
    case(f"conv2d, native, {size}x{size}, stride {stride}, padding {padding}",
         lambda d: (d.normal(2, 6, 5, 2), d.normal(size, size, 2, 3)), lambda x, k: conv(x, k, stride, padding))
case("conv2d, native, 1x3 kernel, padding 1", lambda d: (d.normal(1, 4, 4, 2), d.normal(1, 3, 2, 2)),
     lambda x, k: conv(x, k, 1, 1))
for size, stride in ((3, 1), (3, 2), (7, 2)):
    case(f"conv2d, same, {size}x{size}, stride {stride}", lambda d: (d.normal(2, 6, 6, 2), d.normal(size, size, 2, 3)),
         lambda x, k: conv(pad_same(x, size, stride), k, stride, 0))
# Eight channels, where oneDNN's filter gradient of a strided 1x1 window is right (runtime/binding/faults.ts).
for size, stride, channels in ((1, 2, 8), (2, 1, 2), (3, 1, 2), (3, 2, 2)):
    case(f"conv2d, valid, {size}x{size}, stride {stride}",
         lambda d: (d.normal(2, 6, 6, channels), d.normal(size, size, channels, 3)),
         lambda x, k: conv(x, k, stride, 0))
case("depthwiseConv2d, same, 3x3", lambda d: (d.normal(1, 4, 4, 3), d.normal(3, 3, 3, 1)),
     lambda x, k: nhwc(F.conv2d(nchw(x), k.permute(2, 3, 0, 1), padding=1, groups=3)))
case("depthwiseConv2d, valid, 3x3, stride 2", lambda d: (d.normal(1, 5, 5, 3), d.normal(3, 3, 3, 1)),
     lambda x, k: nhwc(F.conv2d(nchw(x), k.permute(2, 3, 0, 1), stride=2, groups=3)))
case("conv2dTranspose, valid, 2x2, stride 2", lambda d: (d.normal(1, 3, 3, 2), d.normal(2, 2, 3, 2)),
     lambda x, k: nhwc(F.conv_transpose2d(nchw(x), k.permute(3, 2, 0, 1), stride=2)))
case("biasAdd, native, images", lambda d: (d.normal(2, 2, 2, 3), d.normal(3)), torch.add)
case("biasAdd, native, rows", lambda d: (d.normal(4, 3), d.normal(3)), torch.add)

# Pooling
max_pool = lambda x, *window: nhwc(F.max_pool2d(nchw(x), *window))
for size, stride, padding in ((2, 2, 0), (3, 2, 1), (3, 1, 1)):
    case(f"maxPool, native, {size}x{size}, stride {stride}, padding {padding}", lambda d: [d.distinct(2, 6, 6, 2)],
         lambda x: max_pool(x, size, stride, padding))
case("maxPool, native, all values negative: padding is not 0", lambda d: [d.distinct(1, 4, 4, 1) - 9],
     lambda x: max_pool(x, 3, 2, 1))
case("maxPool, valid", lambda d: [d.distinct(1, 5, 5, 2)], lambda x: max_pool(x, 3, 2))
case("maxPool, same", lambda d: [d.distinct(1, 6, 6, 1)], lambda x: max_pool(pad_same(x, 3, 2, -1e9), 3, 2))
avg_pool = lambda x, *window: nhwc(F.avg_pool2d(nchw(x), *window))
case("avgPool, native, 2x2, stride 2", lambda d: [d.normal(2, 5, 4, 2)], lambda x: avg_pool(x, 2, 2))
case("avgPool, native, 3x3, stride 1", lambda d: [d.normal(1, 4, 4, 2)], lambda x: avg_pool(x, 3, 1))
case("avgPool, valid", lambda d: [d.normal(1, 4, 4, 2)], lambda x: avg_pool(x, 2, 2))

# Reductions
case("sum, all", lambda d: [d.normal(2, 3)], torch.sum)
case("sum, one axis", lambda d: [d.normal(2, 3, 2)], lambda x: x.sum(1))
case("sum, two axes, kept", lambda d: [d.normal(2, 3, 2)], lambda x: x.sum((0, 2), keepdim=True))
plain("sum, int32", lambda d: [d.ints(-9, 9, 3, 4)], lambda x: x.sum(1))
case("mean, all", lambda d: [d.normal(2, 3)], torch.mean)
case("mean, over the image", lambda d: [d.normal(2, 3, 3, 2)], lambda x: x.mean((1, 2)))
case("mean, one axis, kept", lambda d: [d.normal(2, 3)], lambda x: x.mean(1, keepdim=True))
case("max, all", lambda d: [d.distinct(2, 5)], torch.max)
case("max, one axis", lambda d: [d.distinct(3, 4)], lambda x: x.max(1).values)
case("max, two axes, kept", lambda d: [d.distinct(2, 3, 2)], lambda x: x.amax((0, 2), keepdim=True))
case("min, one axis", lambda d: [d.distinct(3, 4)], lambda x: x.min(0).values)
plain("prod, one axis", lambda d: [d.normal(3, 4)], lambda x: x.prod(1))
plain("all", lambda d: [d.bools(4, 2)], lambda x: x.all(1))
plain("any", lambda d: [d.bools(4, 2)], lambda x: x.any(1))
plain("argMax", lambda d: [d.distinct(4, 5)], lambda x: x.argmax(1))
plain("argMin, first axis", lambda d: [d.distinct(4, 5)], lambda x: x.argmin(0))
case("moments", lambda d: [d.normal(4, 3)], lambda x: (x.mean(0), x.var(0, unbiased=False)))
case("cumsum", lambda d: [d.normal(2, 4)], lambda x: x.cumsum(1))
case("cumsum, exclusive, from the end", lambda d: [d.normal(2, 4)], lambda x: x.flip(1).cumsum(1).flip(1) - x)
plain("topk", lambda d: [d.distinct(3, 6)], lambda x: tuple(torch.topk(x, 2)))

# Shapes
case("reshape", lambda d: [d.normal(2, 6)], lambda x: x.reshape(3, 4))
case("transpose", lambda d: [d.normal(2, 3)], lambda x: x.T)
case("transpose, four axes", lambda d: [d.normal(2, 3, 4, 2)], lambda x: x.permute(0, 3, 1, 2))
case("expandDims", lambda d: [d.normal(2, 3)], lambda x: x[:, None])
case("squeeze", lambda d: [d.normal(2, 1, 3, 1)], lambda x: x.squeeze(3).squeeze(1))
case("concat, first axis", lambda d: (d.normal(1, 3), d.normal(2, 3)), lambda *xs: torch.cat(xs, 0))
case("concat, last axis, three inputs", lambda d: (d.normal(2, 1), d.normal(2, 3), d.normal(2, 2)),
     lambda *xs: torch.cat(xs, 1))
case("stack", lambda d: (d.normal(2, 3), d.normal(2, 3)), lambda *xs: torch.stack(xs))
case("stack, last axis", lambda d: (d.normal(2, 3), d.normal(2, 3)), lambda *xs: torch.stack(xs, -1))
case("unstack", lambda d: [d.normal(3, 2)], lambda x: x.unbind(0))
case("split, even", lambda d: [d.normal(2, 4)], lambda x: x.split(2, 1))
case("split, sizes", lambda d: [d.normal(2, 6)], lambda x: x.split([1, 2, 3], 1))
case("slice", lambda d: [d.normal(4, 5)], lambda x: x[1:3, 2:5])
plain("stridedSlice", lambda d: [d.normal(5, 6)], lambda x: x[1:5:2, 0:6:3])
plain("stridedSlice, backwards", lambda d: [d.normal(4, 3)], lambda x: x.flip(0)[:3])
case("pad", lambda d: [d.normal(2, 3)], lambda x: F.pad(x, (1, 2, 0, 1)))
case("pad, with a value, images", lambda d: [d.normal(1, 2, 2, 2)], lambda x: F.pad(x, (0, 0, 1, 1, 2, 0), value=0.5))
plain("mirrorPad, reflect", lambda d: [d.normal(1, 4, 3, 2)],
      lambda x: torch.tensor(np.pad(x.numpy(), ((0, 0), (2, 2), (1, 1), (0, 0)), mode="reflect")))
plain("mirrorPad, symmetric", lambda d: [d.normal(3, 2)],
      lambda x: torch.tensor(np.pad(x.numpy(), ((1, 2), (0, 1)), mode="symmetric")))
case("tile", lambda d: [d.normal(2, 3)], lambda x: x.repeat(2, 3))
case("broadcastTo", lambda d: [d.normal(3, 1)], lambda x: x.expand(3, 4) * 1)
case("reverse", lambda d: [d.normal(2, 3)], lambda x: x.flip(1))
case("gather, rows", lambda d: [d.normal(4, 2)], lambda x: x[[2, 0, 2]])
case("gather, last axis", lambda d: [d.normal(2, 4)], lambda x: x[:, [3, 1]])
plain("gather, one of each row", lambda d: [d.normal(3, 4)], lambda x: x[[0, 1, 2], [2, 0, 3]][:, None])

# Choices and comparisons
case("where", lambda d: (d.bools(2, 3), d.normal(2, 3), d.normal(2, 3)), torch.where)
few = lambda d: (d.ints(0, 3, 8), d.ints(0, 3, 8))
COMPARISONS = {"greater": torch.gt, "greaterEqual": torch.ge, "less": torch.lt, "lessEqual": torch.le, "equal": torch.eq,
               "notEqual": torch.ne}
for name, op in COMPARISONS.items():
    plain(name, few, op)
    plain(f"{name}, float32, row with matrix", lambda d: (d.ints(0, 3, 4, 3).double(), d.ints(0, 3, 3).double()), op)
both = lambda d: (d.bools(8), d.bools(8))
plain("logicalAnd", both, torch.logical_and)
plain("logicalOr", both, torch.logical_or)
plain("logicalXor", both, torch.logical_xor)
plain("logicalNot", lambda d: [d.bools(8)], torch.logical_not)

# Types
plain("cast, float32 to int32 truncates", lambda d: [d.normal(8) * 3], lambda x: x.to(torch.int32))
plain("cast, int32 to float32", lambda d: [d.ints(-9, 9, 5)], lambda x: x.double())
plain("cast, bool to float32", lambda d: [d.bools(6)], lambda x: x.double())
plain("cast, bool to int32", lambda d: [d.bools(6)], lambda x: x.int())
plain("cast, float32 to bool", lambda d: [tensor([0, 0.5, -1, 0, 3])], lambda x: x != 0)
plain("cast, int32 to bool", lambda d: [d.ints(0, 2, 6)], lambda x: x != 0)

# Made from nothing
plain("range", lambda d: [], lambda: torch.arange(2, 11, 3, dtype=torch.float64))
plain("range, backwards, int32", lambda d: [], lambda: torch.arange(3, -2, -2, dtype=torch.int32))
plain("linspace", lambda d: [], lambda: torch.linspace(-1, 1, 5, dtype=torch.float64))
plain("fill", lambda d: [], lambda: torch.full((2, 2), 1.5, dtype=torch.float64))
plain("zeros", lambda d: [], lambda: torch.zeros(2, 3, dtype=torch.float64))
plain("ones, int32", lambda d: [], lambda: torch.ones(3, dtype=torch.int32))
plain("eye", lambda d: [], lambda: torch.eye(3, 2, dtype=torch.float64))
plain("zerosLike", lambda d: [d.normal(2, 2)], torch.zeros_like)
plain("onesLike", lambda d: [d.normal(2, 2)], torch.ones_like)
plain("oneHot", lambda d: [d.ints(0, 4, 5)], lambda i: F.one_hot(i.long(), 4).double())
plain("oneHot, on and off values", lambda d: [d.ints(0, 3, 4)], lambda i: F.one_hot(i.long(), 3).double() * 0.75 + 0.25)

# Images
resize = lambda x, size, **options: nhwc(F.interpolate(nchw(x), size=size, **options))
plain("resizeBilinear, larger, half-pixel centres", lambda d: [d.normal(1, 3, 4, 2)],
     lambda x: resize(x, (7, 9), mode="bilinear", align_corners=False))
plain("resizeBilinear, smaller, half-pixel centres", lambda d: [d.normal(1, 6, 6, 1)],
     lambda x: resize(x, (4, 3), mode="bilinear", align_corners=False))
case("resizeBilinear, aligned corners", lambda d: [d.normal(1, 3, 4, 2)],
     lambda x: resize(x, (5, 7), mode="bilinear", align_corners=True))
case("resizeNearestNeighbor", lambda d: [d.normal(1, 2, 3, 2)], lambda x: resize(x, (4, 6), mode="nearest"))
plain("flipLeftRight", lambda d: [d.normal(2, 2, 3, 2)], lambda x: x.flip(2))

# Normalisation and losses
EPSILON = 1e-3


def batch_norm(x, scale, offset):
    y = F.batch_norm(nchw(x), None, None, scale, offset, training=True, eps=EPSILON)
    return nhwc(y)


def normalise(x, scale, offset, mean, variance):
    return (x - mean) / torch.sqrt(variance + EPSILON) * scale + offset


case("batchNormTrain", lambda d: (d.normal(3, 2, 4, 3), d.positive(3), d.normal(3)), batch_norm)
plain("batchNormTrain, statistics", lambda d: (d.normal(3, 2, 4, 3), d.positive(3), d.normal(3)),
      lambda x, scale, offset: (x.mean((0, 1, 2)), x.var((0, 1, 2), unbiased=True)))
case("batchNormInference", lambda d: (d.normal(2, 2, 3, 3), d.positive(3), d.normal(3)),
     lambda x, scale, offset: normalise(x, scale, offset, tensor([0.1, -0.2, 0.3]), tensor([0.5, 1, 2])))
case("batchNorm of tfjs", lambda d: (d.normal(2, 2, 3, 3), d.normal(3), d.positive(3), d.normal(3), d.positive(3)),
     lambda x, mean, variance, offset, scale: normalise(x, scale, offset, mean, variance))
labels = lambda d: (d.normal(4, 5), d.ints(0, 5, 4))
case("crossEntropy", labels, lambda logits, y: F.cross_entropy(logits, y.long()))
case("crossEntropy, smoothed", labels, lambda logits, y: F.cross_entropy(logits, y.long(), label_smoothing=0.1))
case("crossEntropy, logits of 1000", lambda d: (d.normal(3, 4) * 1000, d.ints(0, 4, 3)),
     lambda logits, y: F.cross_entropy(logits, y.long()))
case("softmaxCrossEntropy of tfjs", labels, lambda logits, y: F.cross_entropy(logits, y.long()))
case("dropout, rate 0", lambda d: [d.normal(2, 3)], lambda x: x * 1)

path = Path(__file__).parent / "kernels.json"
lines = [f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in cases.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
