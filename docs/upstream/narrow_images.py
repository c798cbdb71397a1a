"""Convolutions with room for one column of results, or for less than the step: wrong values, memory that nobody wrote.

    pip install tensorflow-cpu==2.21.0 && python narrow_images.py

Everything is a small whole number, so that float32 is exact, and bfloat16 should be float32's results rounded once.
"""
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)


def whole(*shape):
    return tf.constant(random.integers(-2, 3, shape), tf.float32)


def exact(x, kernel, across):
    height, width = kernel.shape[:2]
    rows, columns = x.shape[1] - height + 1, (x.shape[2] - width) // across + 1
    met = lambda i, j: x.numpy()[:, i : i + rows, j : j + (columns - 1) * across + 1 : across]
    return sum(met(i, j) @ kernel.numpy()[i, j] for i in range(height) for j in range(width))


def count_wrong(title, op):
    wrong, worst = 0, 0.0
    for _ in range(200):
        for size in range(3, 21):
            tf.fill([2**size + random.integers(2**size)], np.nan)  # leaves NaN in memory that is handed out again
        expected, found = op()
        difference = np.abs(tf.cast(found, tf.float32) - expected)
        wrong += not np.all(difference <= np.abs(expected) / 128)
        worst = max(worst, np.max(np.nan_to_num(difference, nan=np.inf)))
    print(f"{title}: {wrong} of 200 wrong, by up to {worst:g}")


def forward(images, dtype):
    x, kernel = whole(images, 12, 2, 1), whole(3, 2, 1, 13)
    strides = [1, 1, 3, 1]
    found = tf.raw_ops.Conv2D(input=tf.cast(x, dtype), filter=tf.cast(kernel, dtype), strides=strides, padding="VALID")
    return exact(x, kernel, 3), found


def three_dimensional():
    x, kernel = whole(1, 1, 4, 5, 1), whole(1, 2, 3, 1, 39)
    return exact(x[0], kernel[0], 3)[None], tf.raw_ops.Conv3D(input=x, filter=kernel, strides=[1, 1, 1, 3, 1], padding="VALID")


def filter_gradient(x, sizes, step, padding):
    dy = whole(x.shape[0], 1, 1, sizes[3])
    run = lambda t: tf.raw_ops.Conv2DBackpropFilter(
        input=t(x), filter_sizes=sizes, out_backprop=t(dy), strides=[1, step, step, 1], padding=padding
    )
    return run(tf.identity), run(lambda v: tf.cast(v, tf.bfloat16))


count_wrong("Conv2D, two images 12 x 2, window 3 x 2, step 3 across", lambda: forward(2, tf.float32))
count_wrong("Conv2D in bfloat16, one image of them", lambda: forward(1, tf.bfloat16))
count_wrong("Conv3D, image 4 x 5, window 2 x 3, step 3 across", three_dimensional)
count_wrong(
    "Conv2DBackpropFilter in bfloat16, image 1 x 1, window 1 x 2, step 2",
    lambda: filter_gradient(whole(2, 1, 1, 6), [1, 2, 6, 16], 2, "SAME"),
)
count_wrong(
    "Conv2DBackpropFilter in bfloat16, one channel, image 4 x 1, window 4 x 1, step 3",
    lambda: filter_gradient(whole(2, 4, 1, 1), [4, 1, 1, 16], 3, "VALID"),
)
