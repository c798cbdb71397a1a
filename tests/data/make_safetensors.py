"""Writes safetensors.json: what the reference reader of safetensors takes and what it refuses, and the values of floats.

Run with the packages safetensors 0.8.0, numpy and ml_dtypes installed (never needed to run the tests):

    python make_safetensors.py

files   headers by hand, each with so many bytes of data behind it (zeros), and whether the reader takes the file
raw     whole files in base64, and the same
mutated a rule that changes small files by random numbers, written down a second time in the test: where it begins, and
        whether the reader takes each file, a bit a file
floats  every value of a type of 8 bits as float32; of one of 16 bits the SHA-256 of all values
"""
import base64
import hashlib
import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import safetensors

assert safetensors.__version__ == "0.8.0"


def accepts(file):
    try:
        safetensors.deserialize(file)
        return True
    except safetensors.SafetensorError:
        return False


def encode(header, data_bytes, length=None):
    return struct.pack("<Q", len(header) if length is None else length) + header + bytes(data_bytes)


def entry(dtype, shape, begin, end, more=""):
    return f'{{"dtype":{dtype},"shape":{shape},"data_offsets":[{begin},{end}]{more}}}'


def ignored(value):
    """A value that stands where nothing is expected."""
    return ('{"a":' + entry('"F32"', "[2]", 0, 8, f',"x":{value}') + "}", 8)


GOOD = '{"a":' + entry('"F32"', "[2]", 0, 8) + "}"
DTYPES = (
    "BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 "
    "U64 C128 f32 F8"
).split()

headers = [
    # The whole.
    (GOOD, 8), (GOOD, 7), (GOOD, 9), ("{}", 0), ("{}", 1), ("", 0), ("[]", 0), ("null", 0), ("1", 0), ('"a"', 0),
    ("{}{}", 0), ('{"a":null}', 0), ('{"a":1}', 0), ('{"a":[]}', 0), ('{"a":{}}', 0), ("{", 0), ('{"a"', 0),
    ('{"a":', 0), ("\t\n{}\r ", 0), (" " + GOOD, 8), (GOOD + " \n\r\t", 8), (GOOD + "\0", 8), ("\v" + GOOD, 8),
    ("\ufeff" + GOOD, 8), ("\u00a0" + GOOD, 8), (GOOD[:-1] + ",}", 8), (GOOD.replace(":", "=", 1), 8),
    # Texts.
    *[(GOOD.replace("a", text, 1), 8) for text in [
        "\x1f", "\n", "\x7f", "\u2028", "\ud7ff", "\U0010ffff", "\\/", "\\u0000", "\\u00Zz", "\\x", "\\", "\\u00e9",
        "\\uD83D\\uDE00", "\\ud800", "\\udc00", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\ud83d", "\\ude00\\ud83d",
        "__proto__", "constructor", "", " ",
    ]],
    # __metadata__.
    *[('{"__metadata__":' + value + "}", 0) for value in [
        "null", "{}", '{"a":"b"}', '{"a":"b","a":"c"}', '{"a":null}', '{"a":1}', '{"a":1,"a":"c"}', "[]", '""', "1",
        'null,"__metadata__":null', '{},"__metadata__":{}', 'null,"\\u005f_metadata__":{}',
    ]],
    ('{"\\u005f_metadata__":{"a":"b"}}', 0),
    ('{"__metadata__":' + entry('"F32"', "[2]", 0, 8) + "}", 8),
    ('{"a":' + entry('"F32"', "[2]", 0, 8) + ',"__metadata__":{"n":"1"}}', 8),
    # Entries and their fields.
    *[('{"a":' + value + "}", 8) for value in [
        '["F32",[2],[0,8]]', '["F32",[2],[0,8],1]', '["F32",[2]]', '["F32",[0,8],[2]]',
        '{"dtype":"F32","shape":[2]}', '{"shape":[2],"data_offsets":[0,8]}',
        '{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}',
        '{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}',
        '{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}', '{"0":"F32","1":[2],"2":[0,8]}',
        '{"d\\u0074ype":"F32","shape":[2],"data_offsets":[0,8]}',
    ]],
    *[('{"a":' + entry(dtype, "[2]", 0, 8) + "}", 8) for dtype in [
        '{"F32":null}', '{"F32":[]}', '{"F32":{}}', '{"F32":1}', '{"F32":null,"F32":null}', "{}", '["F32"]', "1", "null", "true",
        '"F\\u00332"',
    ]],
    *[('{"a":' + entry('"F32"', shape, 0, 8) + "}", 8) for shape in [
        "[1,2]", "[2,1,1,1,1,1,1,1,1,1,1]", "{}", "null", '""', "2", "[]", "[2,0]", "[-2]", "[+2]", "[02]", "[2.0]", "[2e0]",
        "[2E0]", "[0.2e1]", "[-0]", '["2"]', "[true]", "[null]", "[[2]]", "[2,]", "[,2]", "[2 2]", "[ 2 ]", "[2n]", "[0x2]",
    ]],
    *[('{"a":' + entry('"F32"', shape, 0, 0) + "}", 0) for shape in [
        "[0]", "[0,0]", "[-0]", "[18446744073709551615,0]", "[0,18446744073709551615]", "[0,18446744073709551616]",
        "[4503599627370496,4503599627370496,0]", "[0,4503599627370496,4503599627370496]", "[4294967296,4294967296]",
        "[4294967295,4294967295,4294967295]", "[576460752303423488]", "[576460752303423488,0]", "[4611686018427387904]",
    ]],
    *[('{"a":' + entry('"F32"', "[2]", begin, end) + "}", 8) for begin, end in [
        ("-0", 8), ("0.0", 8), (0, "8.0"), (0, "8e0"), (8, 0), (8, 16), (0, 4), (0, "18446744073709551624"), (4, 12), (0, "8,9"),
        ("18446744073709551615", 7), ("0e0", 8), ("", 8),
    ]],
    ('{"a":' + '{"dtype":"F32","shape":[2],"data_offsets":{"0":0,"1":8}}}', 8),
    ('{"a":' + '{"dtype":"F32","shape":[2],"data_offsets":[0]}}', 8),
    *[('{"a":' + entry(f'"{dtype}"', "[8]", 0, size) + "}", size) for dtype in DTYPES for size in [4, 6, 8, 16, 32, 64]],
    *[('{"a":' + entry(f'"{dtype}"', "[3]", 0, size) + "}", size) for dtype in ["F4", "F6_E2M3"] for size in [1, 2, 3]],
    # Several tensors.
    *[('{"a":' + entry('"U8"', "[4]", 0, 4) + ',"b":' + entry('"U8"', "[4]", begin, end) + "}", end)
      for begin, end in [(4, 8), (2, 6), (6, 10), (0, 4), (5, 9)]],
    ('{"b":' + entry('"U8"', "[4]", 4, 8) + ',"a":' + entry('"U8"', "[4]", 0, 4) + "}", 8),
    ('{"a":' + entry('"U8"', "[4]", 0, 4) + ',"a":' + entry('"U8"', "[2]", 0, 2) + "}", 2),
    ('{"a":' + entry('"U8"', "[4]", 0, 4) + ',"a":' + entry('"U8"', "[2]", 0, 2) + "}", 4),
    ('{"a":1,"a":' + entry('"U8"', "[2]", 0, 2) + "}", 2),
    ('{"a":' + entry('"U8"', "[0]", 0, 0) + ',"b":' + entry('"U8"', "[2]", 0, 2) + ',"c":' + entry('"U8"', "[0]", 2, 2) + "}", 2),
    ('{"a":' + entry('"U8"', "[0]", 1, 1) + ',"b":' + entry('"U8"', "[2]", 0, 2) + "}", 2),
    ('{"a":' + entry('"U8"', "[1]", 0, 1) + ',"b":' + entry('"F32"', "[1]", 1, 5) + "}", 5),
    ("{" + ",".join(f'"weight_{i}":' + entry('"F32"', "[2,2]", 0, 16) for i in range(10)) + "}", 16),
    # Values that do not matter have to be JSON all the same.
    *[ignored(value) for value in [
        "1e999", "-1e999", "1e-999", "0e9999999999", "1.7976931348623157e308", "1.7976931348623159e308", "9" * 400,
        "9" * 400 + "e-200", "1.", ".5", "-", "1e", "1e+", "1E+5", "-1", "-01", "--1", "NaN", "Infinity", "nul", "nulL", "TRUE",
        "true", "false", "null", "'a'", '"\\ud800"', '"\\ud83d\\ude00"', '{"\\ud800":1}', '{"a":1,"a":2}', "[1,]", "{,}",
        '{"a":}', "{1:2}", "[" * 125 + "]" * 125, "[" * 126 + "]" * 126, '{"a":' * 125 + "1" + "}" * 125, "/**/1", "undefined",
    ]],
]

# Files that no header alone makes: cut off, of a wrong length, not UTF-8.
raw = [
    *[encode(GOOD.encode(), 8)[:length] for length in [0, 1, 4, 7, 8, 9, 30, len(GOOD) + 7, len(GOOD) + 8, len(GOOD) + 15]],
    *[encode(GOOD.encode(), 8, length) for length in [0, 1, len(GOOD) - 1, len(GOOD) + 1, len(GOOD) + 8, len(GOOD) + 9, 100_000_001,
                                                      2**32, 2**63, 2**64 - 1]],
    *[encode(header, 8) for header in [
        GOOD.encode().replace(b"a", b"\xff", 1), GOOD.encode().replace(b"a", b"\xc3", 1), GOOD.encode().replace(b"a", b"\xc0\xaf", 1),
        GOOD.encode().replace(b"a", b"\xed\xa0\x80", 1), GOOD.encode().replace(b"a", b"\xf4\x90\x80\x80", 1), GOOD.encode() + b"\xff",
        GOOD.encode("utf-16-le"),
    ]],
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", b"<!doctype html><html></html>", b"PK\x03\x04" + bytes(60),
]

# The rule of the mutations, as in the test.
BASES = [
    ('{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
     '"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}', 16),
    ('{"a":{"dtype":"F16","shape":[2,0],"data_offsets":[0,0]}}', 0),
    ('{"\u00e9":["F4",[4],[0,2]],"b":{"dtype":{"U8":null},"shape":[1,1],"data_offsets":[2,3],'
     '"x":[{"y":-1.5e3,"z":"\\u0041\\ud83d\\ude00"},true,null]}}', 3),
]
TOKENS = [
    " ", "\n", "\t", ",", ":", "[", "]", "{", "}", '"', "\\", "0", "1", "-", ".", "e", "-0", "2e0", "1.0", "null", "true", '""', "[]",
    "{}", '"a"', '"b"', '"dtype":', '"shape":', '"__metadata__":', '"F32"', '"U8"', "\\ud800", "\\n", "\\u0041", "\u00e9", "\0",
    '"x":1,', ',"x":1', "1e400", "18446744073709551616", "0,", ",0",
]
NUMBERS = [
    "0", "1", "2", "3", "4", "8", "16", "00", "-0", "2e0", "2.0", "0.5", "1e1", "4294967296", "18446744073709551615",
    "18446744073709551616", "4503599627370496,4503599627370496,0",
]
SEED, CASES = 20261126, 10_000


class Draw:
    """A linear congruential generator; its upper half is drawn."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 16) % limit


def mutate(draw):
    text, data_bytes = BASES[draw.below(len(BASES))]
    header = bytearray(text.encode())
    for _ in range([1, 1, 1, 2][draw.below(4)]):
        at = draw.below(len(header) + 1)
        span = draw.below(6)
        kind = draw.below(8)
        if kind == 0:
            header[at:at] = TOKENS[draw.below(len(TOKENS))].encode()
        elif kind == 1:
            header[at:at + span] = TOKENS[draw.below(len(TOKENS))].encode()
        elif kind == 2:
            header[at:at + span] = b""
        elif kind == 3:
            begin = draw.below(len(header) + 1)
            header[at:at] = header[begin:begin + 8 * span]
        elif kind == 4:
            if at < len(header):
                header[at] = draw.below(256)
        elif kind == 5:
            digits = [i for i, byte in enumerate(header) if byte in b"0123456789"]
            if digits:
                i = digits[draw.below(len(digits))]
                header[i:i + 1] = NUMBERS[draw.below(len(NUMBERS))].encode()
        else:
            borders = [i for i, byte in enumerate(header) if byte in b"{}[]:,"]
            if borders:
                i = borders[draw.below(len(borders))] + kind - 6
                header[i:i] = TOKENS[draw.below(len(TOKENS))].encode()
    length = len(header) + [1, -1, *[0] * 30][draw.below(32)]
    data_bytes = data_bytes + [1, -1, *[0] * 30][draw.below(32)]
    return encode(bytes(header), max(0, data_bytes), max(0, length))


draw = Draw(SEED)
bits = np.packbits([accepts(mutate(draw)) for _ in range(CASES)])


def as_float32(dtype, size):
    """All values of a type, NaN always as the same one."""
    values = np.arange(2 ** (8 * size), dtype=f"<u{size}").view(dtype).astype("<f4")
    values[np.isnan(values)] = np.nan
    return values.tobytes()


bytes_of = {
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
}
floats = {
    **{name: base64.b64encode(as_float32(dtype, 1)).decode() for name, dtype in bytes_of.items()},
    "F16": hashlib.sha256(as_float32(np.float16, 2)).hexdigest(),
    "BF16": hashlib.sha256(as_float32(ml_dtypes.bfloat16, 2)).hexdigest(),
}

found = {
    "files": [
        [header, size, accepts(encode(header.encode(), size))] for header, size in headers
    ],
    "raw": [[base64.b64encode(file).decode(), accepts(file)] for file in raw],
    "mutated": {
        "bases": BASES, "tokens": TOKENS, "numbers": NUMBERS, "seed": SEED, "cases": CASES,
        "accepted": base64.b64encode(bits.tobytes()).decode(),
    },
    "floats": floats,
}
lines = ",\n".join(json.dumps(file) for file in found.pop("files"))
rest = json.dumps(found)[1:]
Path(__file__).with_name("safetensors.json").write_text(f'{{"files": [\n{lines}\n],\n{rest}\n')
print(len(headers) + len(raw), "files,", int(np.unpackbits(bits)[:CASES].sum()), "of", CASES, "mutated ones accepted")
