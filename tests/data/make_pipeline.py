"""Makes numpy_shuffle.json and pillow_resize.json, the reference values of the pipeline's tests.
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
