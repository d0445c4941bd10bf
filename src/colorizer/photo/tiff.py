"""Writes TIFF with 16 bits, several pages and all metadata, which Pillow cannot.

Pillow has no pictures of 16 bits but gray ones, and writes "?" for what in EXIF is not ASCII;
tifffile writes no EXIF.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PIL.ExifTags import Base

from colorizer.photo.exif import (
    DESCRIPTIVE,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Block,
    Value,
    described,
)
from colorizer.photo.pixels import bands
from colorizer.photo.png16 import EFFORT, interleaved

EMPTY = b"II*\0" + bytes(4)
"""An EXIF block that says nothing."""

MAX_BYTES = 1 << 32  # places in a TIFF file have 4 bytes


@dataclass(frozen=True)
class TiffPage:
    """A page to be written.

    Attributes:
        rgb: uint8 or uint16 (H, W, 3), sRGB.
        alpha: uint8 or uint16 (H, W), its highest level where the picture is opaque.
        exif: a block that says nothing of where the picture lies, or b"".
        blocks: what else the page is to hold, by its tag.
        dpi: pixels an inch, along a row and down.
    """

    rgb: NDArray[Any]
    alpha: NDArray[Any] | None
    exif: bytes
    blocks: Mapping[int, bytes]
    dpi: tuple[float, float] | None = None


def encode_tiff(pages: Iterable[TiffPage]) -> bytes:
    """Encode pictures as the pages of a TIFF file, deflated.

    Args:
        pages: taken one after the other; all that have EXIF have it in one order of bytes.

    Raises:
        ValueError: if the file would be larger than TIFF allows.
    """
    out = bytearray()
    first = Block(EMPTY)
    link = 4  # where the next directory's place is written
    for page in pages:
        block = Block(page.exif or EMPTY)
        if not out:  # its values stay where they are
            first = block
            out += page.exif or EMPTY
            values = {e.tag: e.value for e in block.entries(block.start) if e.tag in DESCRIPTIVE}
        else:
            values = described(block, out) if block.order == first.order else {}
        order = first.order
        values |= _picture(page, _write_strips(out, page, order), order)
        values |= {tag: (UNDEFINED, len(data), data) for tag, data in page.blocks.items() if data}
        values |= _resolution(page.dpi, order)
        out += bytes(len(out) % 2)
        place = len(out)
        out += first.directory(values, place)
        if len(out) >= MAX_BYTES:
            raise ValueError("a TIFF file has at most 4 GiB")
        struct.pack_into(order + "I", out, link, place)
        link = place + 2 + 12 * len(values)
    return bytes(out)


def _write_strips(out: bytearray, page: TiffPage, order: str) -> list[tuple[int, int]]:
    """Write a page's compressed rows, each pixel less that to its left; return places and sizes."""
    strips = []
    for rows in bands(page.rgb.shape):
        pixels = interleaved(page.rgb, page.alpha, rows)
        less = pixels.astype(f"{order}u{page.rgb.itemsize}")
        less[:, 1:] -= pixels[:, :-1]
        strip = zlib.compress(less.tobytes(), EFFORT[8 * page.rgb.itemsize])
        strips.append((len(out), len(strip)))
        out += strip
    return strips


def _picture(page: TiffPage, strips: list[tuple[int, int]], order: str) -> dict[int, Value]:
    """Return the tags that say how a page's picture is stored."""
    height, width, channels = *page.rgb.shape[:2], 3 if page.alpha is None else 4
    places, sizes = zip(*strips, strict=True)
    said: dict[int, tuple[int, ...]] = {
        Base.ImageWidth: (LONG, width),
        Base.ImageLength: (LONG, height),
        Base.BitsPerSample: (SHORT, *[8 * page.rgb.itemsize] * channels),
        Base.Compression: (SHORT, 8),  # deflate
        Base.PhotometricInterpretation: (SHORT, 2),  # RGB
        Base.StripOffsets: (LONG, *places),
        Base.SamplesPerPixel: (SHORT, channels),
        Base.RowsPerStrip: (LONG, next(bands(page.rgb.shape)).stop),
        Base.StripByteCounts: (LONG, *sizes),
        Base.PlanarConfiguration: (SHORT, 1),
        Base.Predictor: (SHORT, 2),
    }
    if page.alpha is not None:
        said[Base.ExtraSamples] = (SHORT, 2)  # not multiplied into the colors
    return {tag: _value(order, *kind_and_numbers) for tag, kind_and_numbers in said.items()}


def _resolution(dpi: tuple[float, float] | None, order: str) -> dict[int, Value]:
    if dpi is None:
        return {}
    x, y = (_value(order, RATIONAL, round(1000 * many), 1000) for many in dpi)
    inch = _value(order, SHORT, 2)
    return {Base.XResolution: x, Base.YResolution: y, Base.ResolutionUnit: inch}


def _value(order: str, kind: int, *numbers: int) -> Value:
    code = "H" if kind == SHORT else "I"
    count = len(numbers) // 2 if kind == RATIONAL else len(numbers)
    return kind, count, struct.pack(f"{order}{len(numbers)}{code}", *numbers)
