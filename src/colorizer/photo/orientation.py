"""Orientation: read from a photograph's file, and undone."""

import re
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.photo import exif as exif_blocks

XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))([1-8])")


def read_orientation(image: Image.Image) -> int:
    """Return a picture's orientation, 1 to 8 as in EXIF, from EXIF or else XMP; 1 without either.

    Not by `ImageOps.exif_transpose`, which fails on photographs whose EXIF is odd.

    Args:
        image: as Pillow opened it. It turns a TIFF file's picture as it loads it, and its plugin
            turns a JPEG XL file's, by what that says beside EXIF.
    """
    if image.format in ("TIFF", "JXL"):
        return 1
    found = XMP_ORIENTATION.search(info_bytes(image, "xmp"))
    said = exif_blocks.orientation(exif_block(image)) or int(found[2] if found else 1)
    return said if 1 <= said <= 8 else 1


def turn_upright(picture: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture, (H, W) or (H, W, C), upright, by its orientation, 1 to 8."""
    if orientation == 1:
        return picture
    pixels = picture
    if picture.ndim == 3:  # each pixel is moved as a whole
        picture = np.ascontiguousarray(picture)
        pixels = picture.view(f"V{picture.shape[2] * picture.itemsize}")[..., 0]
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    pixels = np.ascontiguousarray(pixels)
    return pixels if picture.ndim == 2 else pixels[..., None].view(picture.dtype)


def exif_block(image: Image.Image) -> bytes:
    """Return a picture's EXIF, without the word "Exif" before it; or b""."""
    exif = info_bytes(image, "exif") or raw_profile(image, "exif")
    return re.sub(rb"^(Exif\0\0)+", b"", exif)


def raw_profile(image: Image.Image, name: str) -> bytes:
    """Return what a PNG holds as digits in a text, as ImageMagick writes metadata; or b""."""
    digits = image.info.get(f"Raw profile type {name}")
    if isinstance(digits, str):
        with suppress(ValueError):
            return bytes.fromhex("".join(digits.split("\n")[3:]))
    return b""


def info_bytes(image: Image.Image, name: str) -> bytes:
    """Return the bytes in Pillow's `info` of a picture under a name; b"" if they are none."""
    value = image.info.get(name)  # str if a PNG holds a text of this name
    return value if isinstance(value, bytes) else b""
