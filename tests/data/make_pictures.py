"""Makes pictures.json: small pictures of every kind that is decoded, and their pixels as Pillow gives them.
Run where Pillow and NumPy are installed: python tests/data/make_pictures.py"""
import base64, io, json, pathlib, struct, zlib
import numpy as np, PIL
from PIL import Image, ImageOps, features

HERE = pathlib.Path(__file__).parent
random = np.random.RandomState(0)
WIDTH, HEIGHT = 21, 13

# A slope with noise on it and some flat colours: neighbours differ, so that no exchange of pixels goes unseen.
slope = np.linspace(0, 255, WIDTH)[None, :, None] * [1, 0.5, -1] + np.linspace(0, 255, HEIGHT)[:, None, None] * [-1, 0.5, 1]
rgb = (slope + 128 + random.randint(-40, 40, slope.shape)).clip(0, 255).astype(np.uint8)
rgb[:4, :5], rgb[4:7, 12:] = [255, 0, 0], [0, 0, 255]
image = Image.fromarray(rgb)
alpha = Image.fromarray(random.randint(0, 256, (HEIGHT, WIDTH)).astype(np.uint8))
rgba = image.copy()
rgba.putalpha(alpha)
grey, palette = image.convert("L"), image.quantize(7)

cases = []


def case(name, data, pixels=None):
    """The bytes of a file, and what Pillow makes of them unless it is told."""
    if pixels is None:
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    height, width, _ = pixels.shape
    encode = lambda data: base64.b64encode(data).decode()
    cases.append({"name": name, "width": width, "height": height, "file": encode(data), "pixels": encode(pixels.tobytes())})


def saved(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


jpeg = saved(image, "JPEG", quality=80)
case("JPEG, chroma halved", jpeg)
case("JPEG, chroma whole", saved(image, "JPEG", quality=95, subsampling=0))
case("JPEG, chroma halved across only", saved(image, "JPEG", quality=70, subsampling=1))
case("JPEG, progressive", saved(image, "JPEG", quality=60, progressive=True))
case("JPEG, grey", saved(grey, "JPEG", quality=80))
case("JPEG, stored as RGB", saved(image, "JPEG", quality=90, keep_rgb=True))
case("JPEG with restarts", saved(image, "JPEG", quality=80, restart_marker_blocks=1))
case("JPEG with something behind it", jpeg + b"\xff\xd8 and more")
for orientation in range(1, 9):
    case(f"JPEG, orientation {orientation}", saved(image, "JPEG", quality=40, exif=exif(orientation)))
case("JPEG, orientation 9, which there is not", saved(image, "JPEG", quality=40, exif=exif(9)))
swapped = saved(image, "JPEG", quality=40, exif=b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0))
case("JPEG, orientation 6, the other byte order", swapped)

cmyk = Image.fromarray(random.randint(0, 256, (HEIGHT, WIDTH, 4)).astype(np.uint8), "CMYK")
data = saved(cmyk, "JPEG", quality=95)
at = data.index(b"\xff\xee")
case("JPEG, CMYK", data)
case("JPEG, YCCK", data[:at + 15] + b"\2" + data[at + 16:])
case("JPEG, CMYK without Adobe's segment", data[:at] + data[at + 16:])

case("PNG", saved(image, "PNG"))
case("PNG, opacity", saved(rgba, "PNG"))
case("PNG, grey", saved(grey, "PNG"))
case("PNG, grey with opacity", saved(rgba.convert("LA"), "PNG"))
case("PNG, palette", saved(palette, "PNG"))
case("PNG, palette of 4 bits", saved(palette, "PNG", bits=4))
case("PNG, palette, a colour transparent", saved(palette, "PNG", transparency=2))
case("PNG, palette, colours half transparent", saved(palette, "PNG", transparency=bytes([0, 100, 200, 255])))
case("PNG, black and white", saved(image.convert("1"), "PNG"))
case("PNG, grey, one transparent", saved(grey, "PNG", transparency=128))
case("PNG, one colour transparent", saved(image, "PNG", transparency=(255, 0, 0)))
case("PNG, orientation 6", saved(image, "PNG", exif=exif(6)))


def png(color_type, bits, samples, interlaced=False, channels=3):
    """A PNG of kinds that Pillow does not write: each row without a filter."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] \
        if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for left, top, across, down in passes:
        part = samples[top::down, left::across]
        for row in part if part.size else []:
            if bits < 8:
                ones = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits:]
                rows += b"\0" + np.packbits(ones.reshape(-1)).tobytes()
            else:
                rows += b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes()
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, color_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


case("PNG, interlaced", png(2, 8, rgb, interlaced=True))
case("PNG, grey of 2 bits", png(0, 2, np.asarray(grey) >> 6))
case("PNG, grey of 4 bits, interlaced", png(0, 4, np.asarray(grey) >> 4, interlaced=True))
deep = random.randint(0, 65536, (HEIGHT, WIDTH, 4))
case("PNG, 16 bits", png(2, 16, deep[..., :3]))
case("PNG, 16 bits with opacity", png(6, 16, deep))
# Of grey with 16 bits Pillow makes all above 255 white.
high = np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, axis=2)
case("PNG, grey of 16 bits", png(0, 16, deep[..., 0]), high)
case("PNG, grey of 16 bits with opacity", png(4, 16, deep[..., :2]), high)

case("GIF", saved(palette, "GIF"))
case("GIF, not interlaced", saved(palette, "GIF", interlace=0))
case("GIF, a colour transparent", saved(palette, "GIF", transparency=2))
others = [Image.fromarray(255 - rgb).quantize(5), image.rotate(180).quantize(5)]
case("GIF, an animation", saved(palette, "GIF", save_all=True, append_images=others))
gif = saved(palette, "GIF", interlace=0)
at = gif.index(b",", 13 + 3 * 8)
case("GIF, its image beside the corner", gif[:6] + struct.pack("<HH", 25, 16) + gif[10:at + 1] + struct.pack("<HH", 3, 2) + gif[at + 5:])
case("GIF, its image beyond the screen", gif[:6] + struct.pack("<HH", 5, 5) + gif[10:])

bmp = saved(image, "BMP")
case("BMP", bmp)
case("BMP, rows down", bmp[:22] + struct.pack("<i", -HEIGHT) + bmp[26:])
case("BMP, 32 bits", saved(rgba, "BMP"))
case("BMP, palette", saved(palette, "BMP"))
case("BMP, grey", saved(grey, "BMP"))
case("BMP, black and white", saved(image.convert("1"), "BMP"))

case("WebP", saved(image, "WEBP", quality=80))
case("WebP, whole", saved(image, "WEBP", lossless=True))
case("WebP, opacity", saved(rgba, "WEBP", quality=80))
case("WebP, whole, opacity", saved(rgba, "WEBP", lossless=True, exact=True))
case("WebP, an animation", saved(image, "WEBP", lossless=True, save_all=True, append_images=[o.convert("RGB") for o in others]))
case("WebP, orientation 8", saved(image, "WEBP", lossless=True, exif=exif(8)))

versions = {"pillow": PIL.__version__, **{name: features.version(name) for name in ("libjpeg_turbo", "zlib", "webp")}}
(HERE / "pictures.json").write_text(json.dumps({**versions, "cases": cases}, separators=(",", ":")).replace('},{', '},\n{') + "\n")
