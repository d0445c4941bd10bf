"""Writes TIFF with 16 bits and all metadata, which Pillow cannot.

Pillow has no pictures of 16 bits but gray ones, and writes "?" for what in EXIF is not ASCII;
tifffile writes no EXIF.
"""

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.ExifTags import Base

from colorizer.photo.exif import DESCRIPTIVE, LONG, RATIONAL, SHORT, UNDEFINED, Block, Value
from colorizer.photo.pixels import bands
from colorizer.photo.png16 import EFFORT, interleaved


def encode_tiff(
    rgb: NDArray[Any],
    alpha: NDArray[np.uint8] | None,
    *,
    exif: bytes = b"",
    blocks: Mapping[int, bytes],
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Encode a picture as TIFF, deflated.

    Args:
        rgb: uint8 or uint16 (H, W, 3), sRGB.
        alpha: uint8 (H, W), 255 where the picture is opaque.
        exif: a block that says nothing of where the picture lies.
        blocks: what else the file is to hold, by its tag.
        dpi: pixels an inch, along a row and down.
    """
    out = io.BytesIO()
    out.write(exif or b"II*\0" + bytes(4))  # to begin with, so that its values stay where they are
    block = Block(out.getvalue())
    values = {e.tag: e.value for e in block.entries(block.start) if e.tag in DESCRIPTIVE}
    values |= _picture(rgb, alpha, _write_strips(out, rgb, alpha, block.order), block.order)
    values |= {tag: (UNDEFINED, len(data), data) for tag, data in blocks.items() if data}
    if dpi:
        x, y = (_value(block.order, RATIONAL, round(1000 * many), 1000) for many in dpi)
        inch = _value(block.order, SHORT, 2)
        values |= {Base.XResolution: x, Base.YResolution: y, Base.ResolutionUnit: inch}
    out.write(bytes(out.tell() % 2))
    place = out.tell()
    out.write(block.directory(values, place))
    out.seek(4)
    out.write(struct.pack(block.order + "I", place))
    return out.getvalue()


def _write_strips(
    out: io.BytesIO, rgb: NDArray[Any], alpha: NDArray[np.uint8] | None, order: str
) -> list[tuple[int, int]]:
    """Write a TIFF's compressed rows, each pixel less that to its left; return places and sizes."""
    strips = []
    for rows in bands(rgb.shape):
        pixels = interleaved(rgb, alpha, rows)
        less = pixels.astype(f"{order}u{rgb.itemsize}")
        less[:, 1:] -= pixels[:, :-1]
        strip = zlib.compress(less.tobytes(), EFFORT[8 * rgb.itemsize])
        strips.append((out.tell(), len(strip)))
        out.write(strip)
    return strips


def _picture(
    rgb: NDArray[Any], alpha: NDArray[np.uint8] | None, strips: list[tuple[int, int]], order: str
) -> dict[int, Value]:
    """Return the tags that say how a TIFF's picture is stored."""
    height, width, channels = *rgb.shape[:2], 3 if alpha is None else 4
    places, sizes = zip(*strips, strict=True)
    said: dict[int, tuple[int, ...]] = {
        Base.ImageWidth: (LONG, width),
        Base.ImageLength: (LONG, height),
        Base.BitsPerSample: (SHORT, *[8 * rgb.itemsize] * channels),
        Base.Compression: (SHORT, 8),  # deflate
        Base.PhotometricInterpretation: (SHORT, 2),  # RGB
        Base.StripOffsets: (LONG, *places),
        Base.SamplesPerPixel: (SHORT, channels),
        Base.RowsPerStrip: (LONG, next(bands(rgb.shape)).stop),
        Base.StripByteCounts: (LONG, *sizes),
        Base.PlanarConfiguration: (SHORT, 1),
        Base.Predictor: (SHORT, 2),
    }
    if alpha is not None:
        said[Base.ExtraSamples] = (SHORT, 2)  # not multiplied into the colors
    return {tag: _value(order, *kind_and_numbers) for tag, kind_and_numbers in said.items()}


def _value(order: str, kind: int, *numbers: int) -> Value:
    code = "H" if kind == SHORT else "I"
    count = len(numbers) // 2 if kind == RATIONAL else len(numbers)
    return kind, count, struct.pack(f"{order}{len(numbers)}{code}", *numbers)
