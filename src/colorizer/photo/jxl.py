"""JPEG XL: files of 16 bits with all metadata, which Pillow's plugin does not write."""

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import linear_light
from colorizer.photo.boxes import box
from colorizer.photo.pixels import look_up

TOP = 65535

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
    said = {b"Exif": exif and bytes(4) + exif, b"xml ": xmp}
    return data + b"".join(box(name, content) for name, content in said.items() if content)
