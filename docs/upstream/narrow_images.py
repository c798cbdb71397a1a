"""Convolutions with room for one column of results, or for less than the window: wrong values, memory that nobody wrote.

    pip install tensorflow-cpu==2.21.0 && python narrow_images.py

Everything is a small whole number, so that float32 is exact, and bfloat16 should be float32's results rounded once.
"""
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)


def whole(*shape):
    return tf.constant(random.integers(-2, 3, shape), tf.float32)


def count_wrong(title, op):
    wrong, worst = 0, 0.0
    for _ in range(200):
        tf.fill([random.integers(1, 4000)], np.nan) + 1  # leaves NaN in memory that is handed out again
        expected, found = op()
        difference = np.abs(tf.cast(found, tf.float32) - expected)
        wrong += not np.all(difference <= np.abs(expected) / 128)
        worst = max(worst, np.max(np.nan_to_num(difference, nan=np.inf)))
    print(f"{title}: {wrong} of 200 wrong, by up to {worst:g}")


def three_dimensional():
    x, kernel = whole(1, 1, 4, 5, 1), whole(1, 2, 3, 1, 39)
    flat = tf.raw_ops.Conv2D(input=x[0], filter=kernel[0], strides=[1, 1, 3, 1], padding="VALID")
    return flat[None], tf.raw_ops.Conv3D(input=x, filter=kernel, strides=[1, 1, 1, 3, 1], padding="VALID")


def forward():
    x, kernel = whole(1, 12, 2, 1), whole(3, 2, 1, 13)
    run = lambda t: tf.raw_ops.Conv2D(input=t(x), filter=t(kernel), strides=[1, 1, 3, 1], padding="VALID")
    return run(tf.identity), run(lambda v: tf.cast(v, tf.bfloat16))


def filter_gradient():
    x, dy = whole(2, 1, 1, 6), whole(2, 1, 1, 16)
    run = lambda t: tf.raw_ops.Conv2DBackpropFilter(
        input=t(x), filter_sizes=[1, 2, 6, 16], out_backprop=t(dy), strides=[1, 1, 2, 1], padding="SAME"
    )
    return run(tf.identity), run(lambda v: tf.cast(v, tf.bfloat16))


count_wrong("Conv3D, image 4 x 5, window 2 x 3, step 3 across", three_dimensional)
count_wrong("Conv2D in bfloat16, image 12 x 2, window 3 x 2, step 3 across", forward)
count_wrong("Conv2DBackpropFilter in bfloat16, image 1 x 1, window 1 x 2, step 2 across", filter_gradient)
