"""The cases of `deno task bench` in Keras on TensorFlow: the same networks, losses and optimizers.

Prints one line of JSON. `deno task bench --against python` runs it if Python has both packages; by hand:

    python pipeline/bench/keras_bench.py --model resnet20 --batch 128 --size 32 --precision float32

As in torch_bench.py the images are normalised before the clock starts. The optimizer's weight decay is Keras' own,
decoupled from the gradient, which is less work than the coupled one of the others.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

CIFAR_BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9, "resnet110": 18}


def conv(x, filters, kernel_size, stride, bias):
    """A convolution padded on both sides alike, as PyTorch's."""
    if stride > 1 and kernel_size > 1:
        x = layers.ZeroPadding2D(kernel_size // 2)(x)
    padding = "same" if stride == 1 else "valid"
    return layers.Conv2D(filters, kernel_size, stride, padding, use_bias=bias)(x)


def norm(x):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def block(x, filters, stride, tutorial):
    """Two 3x3 convolutions and a shortcut: a projection (the tutorial) or padding (He et al., option A)."""
    y = layers.ReLU()(norm(conv(x, filters, 3, stride, tutorial)))
    y = norm(conv(y, filters, 3, 1, tutorial))
    more = filters - x.shape[-1]
    if tutorial and (stride > 1 or more):
        x = norm(conv(x, filters, 1, stride, True))
    elif stride > 1 or more:
        channels = (more // 2, more - more // 2)
        x = ops.pad(x[:, ::stride, ::stride, :], ((0, 0), (0, 0), (0, 0), channels))
    return layers.ReLU()(layers.Add()([y, x]))


def make_model(name, size):
    """The tutorial's ResNet-34, or one of the CIFAR networks of He et al."""
    tutorial = name == "resnet34"
    widths = (64, 128, 256, 512) if tutorial else (16, 32, 64)
    depths = (3, 4, 6, 3) if tutorial else (CIFAR_BLOCKS[name],) * 3
    images = keras.Input((size, size, 3))
    x = conv(images, 64, 7, 2, True) if tutorial else conv(images, 16, 3, 1, False)
    x = layers.ReLU()(norm(x))
    if tutorial:
        x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, (filters, depth) in enumerate(zip(widths, depths)):
        for index in range(depth):
            x = block(x, filters, 2 if stage > 0 and index == 0 else 1, tutorial)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(10, dtype="float32")(x))


def make_step(args):
    """One step as a function without arguments, which returns when it is done."""
    keras.utils.set_random_seed(0)
    if args.precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = make_model(args.model, args.size)
    images = tf.constant(np.random.standard_normal((args.batch, args.size, args.size, 3)), tf.float32)
    labels = tf.constant(np.random.randint(0, 10, args.batch), tf.int32)
    decay = 1e-3 if args.model == "resnet34" else 1e-4
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=decay),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    if args.inference:
        return lambda: model.predict_on_batch(images)
    return lambda: model.train_on_batch(images, labels)


def time_steps(step, seconds):
    """Milliseconds of the first step, and of each measured one: the second, which warms up, is not among them."""
    times = []
    start = None
    while len(times) < 5 or time.perf_counter() - start < seconds:
        if len(times) == 2:
            start = time.perf_counter()
        before = time.perf_counter()
        step()
        times.append((time.perf_counter() - before) * 1000)
    return times[0], times[2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["resnet34", *CIFAR_BLOCKS], default="resnet20")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--inference", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    first, times = time_steps(make_step(args), args.seconds)
    middle = statistics.median(times)
    print(json.dumps({
        "imagesPerSecond": args.batch / middle * 1000,
        "msPerStep": middle,
        "firstStepMs": first,
        "steps": len(times),
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }))


if __name__ == "__main__":
    main()
