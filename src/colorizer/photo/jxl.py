"""JPEG XL: what Pillow's plugin does not read, and files of 16 bits with all metadata.

Reference: ISO/IEC 18181-2, the container.
"""

from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import linear_light
from colorizer.photo.pixels import look_up

TOP = 65535

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

DISTANCE = 0.5
"""Of 8 bits, from the original in units of what the eye can just see; 16 bits are kept whole."""


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
    boxes = {b"Exif": exif and bytes(4) + exif, b"xml ": xmp}
    return data + b"".join(_box(name, value) for name, value in boxes.items() if value)


def read_xmp(data: bytes) -> bytes:
    """Return the XMP packet of a file, b"" if there is none or it is compressed."""
    return next((value for name, value in _boxes(data) if name == b"xml "), b"")


def _box(name: bytes, value: bytes) -> bytes:
    return (8 + len(value)).to_bytes(4, "big") + name + value


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(CONTAINER) if data.startswith(CONTAINER) else len(data)
    while place + 8 <= len(data):
        size, name, start = int.from_bytes(data[place : place + 4], "big"), data[place + 4 :][:4], 8
        if size == 1:  # the size has 8 bytes
            size, start = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        end = place + size if size else len(data)
        if size and size < start:
            return
        yield name, data[place + start : end]
        place = end
