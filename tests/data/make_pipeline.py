"""Makes numpy_shuffle.json, pillow_resize.json and muon.json, the reference values of the pipeline's tests.
Run where NumPy and Pillow are installed: python tests/data/make_pipeline.py"""
import base64, json, pathlib
import numpy as np, PIL
from PIL import Image

HERE = pathlib.Path(__file__).parent


def fingerprint(order):
    """A number that changes when any element or the order does."""
    value = 0
    for index in order:
        value = (value * 31 + index) % 4294967291
    return value


def shuffled(seed, n):
    np.random.seed(seed)
    order = list(range(n))
    np.random.shuffle(order)
    return {"seed": seed, "n": n, "head": order[:10], "fingerprint": fingerprint(order)}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


write("numpy_shuffle.json", {
    "numpy": np.__version__,
    "orders": [shuffled(seed, n) for seed, n in (
        (42, 50000), (0, 10), (1, 1), (7, 2), (42, 1000), (123, 257), (4294967295, 256), (2024, 65537),
        ([42, 0], 50000), ([42, 1], 50000), ([0, 0], 8), ([4294967295, 7], 100), ([5], 33))],
})

# Noise, with black, white and a hard edge in it. 6 to 36 and 5 to 8 hit halves exactly; 7 and 3 shrink.
random = np.random.RandomState(0)
cases = []
for height, width, size in ((6, 6, 42), (6, 6, 36), (5, 5, 8), (9, 13, 7), (16, 16, 3)):
    image = random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    image[0, 0], image[0, 1], image[-1] = 0, 255, image[-1] // 128 * 255
    resized = np.asarray(Image.fromarray(image).resize((size, size), Image.BILINEAR))
    encode = lambda array: base64.b64encode(array.tobytes()).decode()
    cases.append({"height": height, "width": width, "size": size, "image": encode(image), "resized": encode(resized)})
write("pillow_resize.json", {"pillow": PIL.__version__, "cases": cases})


def orthogonalize(matrix):
    """By singular values: five times s <- as + bs^3 + cs^5, from s / |s|. No matrix product of the iteration is in it."""
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.sqrt((s ** 2).sum())
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s ** 3 + 2.0315 * s ** 5
    return u * s @ v


# Two steps of Muon on kernels [kh, kw, in, out] that are tall, wide and of one filter.
cases = []
momentum, rate = 0.6, 0.25
for shape in ((3, 3, 2, 4), (1, 1, 3, 5), (3, 3, 2, 1)):
    start = kernel = random.standard_normal(shape)
    grads = random.standard_normal((2, *shape))
    velocity = np.zeros(shape)
    for grad in grads:
        velocity = momentum * velocity + grad
        direction = orthogonalize((grad + momentum * velocity).reshape(-1, shape[-1])).reshape(shape)
        kernel = kernel * np.sqrt(shape[-1]) / np.sqrt((kernel ** 2).sum()) - rate * direction
    flat = lambda array: [float(f"{value:.9g}") for value in array.ravel()]
    cases.append({"shape": shape, "kernel": flat(start), "grads": [flat(grad) for grad in grads],
                  "stepped": flat(kernel), "velocity": flat(velocity)})
write("muon.json", {"momentum": momentum, "rate": rate, "cases": cases})
