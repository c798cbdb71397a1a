"""Conv2DBackpropFilter of a strided 1 x 1 convolution over few channels: wrong values, and writes outside its memory.

    pip install tensorflow-cpu==2.21.0 && python strided_1x1_filter_gradient.py
    ONEDNN_MAX_CPU_ISA=AVX2 python strided_1x1_filter_gradient.py
    TF_ENABLE_ONEDNN_OPTS=0 python strided_1x1_filter_gradient.py      # right

Pixels and gradients are small whole numbers, so the sums are exact in any order: every difference is a fault.
"""
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)
wrong = {}
for channels in range(1, 33):
    for _ in range(100):
        size, filters = random.integers(8, 65), random.integers(1, 33)
        x = random.integers(-2, 3, (8, size, size, channels)).astype(np.float32)
        places = x[:, ::2, ::2]  # the pixels that a 1 x 1 kernel with stride 2 meets
        dy = random.integers(-2, 3, (*places.shape[:3], filters)).astype(np.float32)
        expected = np.einsum("nhwc,nhwf->cf", places, dy)
        try:
            found = tf.raw_ops.Conv2DBackpropFilter(
                input=x, filter_sizes=[1, 1, channels, filters], out_backprop=dy, strides=[1, 2, 2, 1], padding="VALID"
            ).numpy()[0, 0]
            wrong[channels] = wrong.get(channels, 0) + (not np.array_equal(found, expected))
        except tf.errors.OpError as error:
            wrong[channels] = wrong.get(channels, 0) + 1
            print(f"{channels} channels: {error.message.splitlines()[0][:160]}", flush=True)
    print(f"{channels} channels: {wrong[channels]} of 100 gradients wrong", flush=True)
