"""Makes photo_changes.json: what torchvision makes of a picture in evaluation and in training.
Run where torchvision is installed: python tests/data/make_photo_changes.py"""
import base64, json, math, pathlib
import numpy as np, PIL, torch, torchvision
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, RandomResizedCrop, Resize, TrivialAugmentWide
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

HERE = pathlib.Path(__file__).parent
random = np.random.RandomState(1)
encode = lambda image: base64.b64encode(np.asarray(image).tobytes()).decode()


def picture(width, height):
    """Slopes with noise on them, a black and a white corner; red does not reach 0 and 255."""
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    values = np.stack([60 + 120 * x + 0 * y, 255 * y + 0 * x, 255 * (1 - x) * y], 2) + random.randint(-30, 30, (height, width, 3))
    values[:3, :4, 1:], values[-2:, -5:, 1:] = 0, 255
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


named = lambda image: {"width": image.width, "height": image.height, "pixels": encode(image)}
views = []
for width, height, shorter, size in ((25, 18, 12, 10), (18, 25, 12, 9), (40, 19, 19, 16), (11, 8, 24, 21), (16, 16, 16, 16), (61, 9, 7, 7)):
    image = picture(width, height)
    view = CenterCrop(size)(Resize(shorter)(image))
    views.append({**named(image), "shorter": shorter, "size": size, "view": encode(view)})

image = picture(25, 18)
boxes = []
for left, top, width, height, size in ((0, 0, 25, 18, 9), (3, 2, 9, 7, 16), (24, 17, 1, 1, 4), (5, 0, 12, 18, 12), (1, 1, 23, 16, 7)):
    view = F.resized_crop(image, top, left, height, width, [size, size], InterpolationMode.BILINEAR)
    boxes.append({"left": left, "top": top, "width": width, "height": height, "size": size, "view": encode(view)})

# The draws of RandomResizedCrop, given instead of drawn: uniform_ and randint of torch take the next number in [0, 1).
drawn = []


class Uniform:
    def uniform_(self, low, high):
        return torch.tensor(float(low) + (float(high) - float(low)) * drawn.pop(0), dtype=torch.float64)


crops = []
empty, randint = torch.empty, torch.randint
torch.empty = lambda size: Uniform()
torch.randint = lambda low, high, size: torch.tensor(low + math.floor((high - low) * drawn.pop(0)))
for width, height, scale, ratio in ((25, 18, (0.08, 1), (3 / 4, 4 / 3)), (300, 200, (0.35, 1), (3 / 4, 4 / 3)), (200, 300, (0.9, 1), (0.5, 2)),
                                    (300, 20, (0.9, 1), (3 / 4, 4 / 3)), (20, 300, (0.9, 1), (3 / 4, 4 / 3))):
    for _ in range(3):
        draws = random.random_sample(30).round(4).tolist()
        drawn[:] = draws
        top, left, h, w = RandomResizedCrop.get_params(Image.new("L", (width, height)), scale, ratio)
        crops.append({"width": width, "height": height, "scale": scale, "ratio": ratio, "draws": draws,
                      "box": {"left": int(left), "top": int(top), "width": w, "height": h}})
torch.empty, torch.randint = empty, randint

names = {"Identity": "identity", "ShearX": "shearX", "ShearY": "shearY", "TranslateX": "translateX", "TranslateY": "translateY",
         "Rotate": "rotate", "Brightness": "brightness", "Color": "color", "Contrast": "contrast", "Sharpness": "sharpness",
         "Posterize": "posterize", "Solarize": "solarize", "AutoContrast": "autoContrast", "Equalize": "equalize"}
space = TrivialAugmentWide()._augmentation_space(31)
changes, strengths = [], {}
square = picture(17, 17)
for name, (magnitudes, signed) in space.items():
    values = [float(m) for m in magnitudes] if magnitudes.ndim else [0.0]
    strengths[names[name]] = {"values": values, "signed": signed}
    some = {0, 7, 20, 30} if signed else {0, 5, 16, 30}
    for step, value in enumerate(values):
        if step not in some: continue
        for strength in [value, -value] if signed and value else [value]:
            result = _apply_op(image, name, strength, InterpolationMode.NEAREST, None)
            changes.append({"kind": names[name], "strength": strength, "result": encode(result)})
turned = [{"strength": s, "result": encode(_apply_op(square, "Rotate", s, InterpolationMode.NEAREST, None))} for s in (90.0, -90.0, 135.0)]
# Few pixels and flat ones, where autocontrast and equalize leave things be.
flat = Image.new("RGB", (4, 3), (7, 0, 255))
flats = [{"kind": names[n], "strength": s, "result": encode(_apply_op(flat, n, s, InterpolationMode.NEAREST, None))}
         for n, s in (("AutoContrast", 0.0), ("Equalize", 0.0), ("Contrast", 0.5), ("Sharpness", -0.5), ("Solarize", 0.0))]

(HERE / "photo_changes.json").write_text(json.dumps({
    "torchvision": torchvision.__version__, "pillow": PIL.__version__,
    "views": views, "image": named(image), "boxes": boxes, "crops": crops, "strengths": strengths, "changes": changes,
    "square": named(square), "turned": turned, "flat": named(flat), "flats": flats,
}, separators=(",", ":")).replace('},{', '},\n{') + "\n")
