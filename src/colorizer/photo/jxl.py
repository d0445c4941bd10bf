"""JPEG XL beyond Pillow's plugin: size before decoding; files of 16 bits with all metadata."""

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import linear_light
from colorizer.errors import ImageError
from colorizer.photo.boxes import box, boxes
from colorizer.photo.pixels import look_up

TOP = 65535

DISTANCE = 0.5
"""Of 8 bits, from the original in units of what the eye can just see; 16 bits are kept whole."""

START = b"\xff\x0a"  # of the codestream
SKIPPED = {b"jxlc": 0, b"jxlp": 4}  # bytes before it, in boxes that hold it
HEAD = 12  # bytes that tell the size
SIDES = (9, 13, 18, 30)  # bits of a side's length
RATIOS = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Widths and heights that are not spelled out."""


def read_size(data: bytes) -> tuple[int, int]:
    """Return the width and height that a file says it has; nothing is decoded.

    Raises:
        ImageError: if it says none.

    Reference: ISO/IEC 18181-1, SizeHeader.
    """
    parts = ((SKIPPED[name], content) for name, content in boxes(data) if name in SKIPPED)
    first = data if data.startswith(START) else b"".join(p[at : at + HEAD] for at, p in parts)
    if not first.startswith(START):
        raise ImageError("no readable image: a JPEG XL file that does not say how large it is")
    bits = int.from_bytes(first[2:HEAD], "little")

    def take(count: int) -> int:
        nonlocal bits
        taken, bits = bits & ((1 << count) - 1), bits >> count
        return taken

    small = take(1)

    def side() -> int:
        return 8 * (1 + take(5)) if small else 1 + take(SIDES[take(2)])

    height = side()
    ratio = take(3)
    if not ratio:
        return side(), height
    wide, high = RATIOS[ratio - 1]
    return height * wide // high, height


def encode_jxl(pixels: NDArray[Any], *, exif: bytes, xmp: bytes) -> bytes:
    """Encode a picture.

    Args:
        pixels: uint8 or uint16 (H, W, 3 or 4), sRGB and opacity.
        exif: a block that says nothing of where the picture lies, or b"".
        xmp: a packet, or b"".
    """
    deep = pixels.dtype == np.uint16
    if deep:  # which the library takes for linear light
        curve = np.rint(TOP * linear_light(TOP)).astype(np.uint16)
        pixels = pixels.copy()
        pixels[..., :3] = look_up(curve, pixels[..., :3])
    data = bytes(
        imagecodecs.jpegxl_encode(
            pixels, usecontainer=True, lossless=deep, distance=None if deep else DISTANCE
        )
    )
    said = {b"Exif": exif and bytes(4) + exif, b"xml ": xmp}
    return data + b"".join(box(name, content) for name, content in said.items() if content)
