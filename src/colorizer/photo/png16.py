"""PNG of 16 bits a channel; Pillow has no pictures of 16 bits but gray ones."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from colorizer.photo.encode import PNG_LEVEL
from colorizer.photo.pixels import bands, to_8_bits

EFFORT = {8: PNG_LEVEL, 16: 1}
"""zlib's level by bits a channel: of 16 bits the lower 8 are noise, which no effort makes small."""


def encode_png_16(rgb: NDArray[np.uint16], alpha: NDArray[Any] | None, **options: Any) -> bytes:
    """Encode a picture as PNG of 16 bits a channel.

    Args:
        rgb: uint16 (H, W, 3), sRGB.
        alpha: uint8 or uint16 (H, W), its highest level where the picture is opaque.
        options: Pillow's, of PNG.
    """
    out = io.BytesIO()
    out.write(b"\x89PNG\r\n\x1a\n")
    # Pillow writes one pixel with all the rest, and the picture takes its place
    one = Image.new("RGB" if alpha is None else "RGBA", (1, 1))
    for name, data, _ in PngImagePlugin.getchunks(one, **options):
        if name == b"IHDR":
            size = struct.pack(">IIB", rgb.shape[1], rgb.shape[0], 16)
            PngImagePlugin.putchunk(out, name, size + data[len(size) :])
        elif name == b"IDAT":
            for part in _filtered(rgb, alpha):
                PngImagePlugin.putchunk(out, name, part)
        else:
            PngImagePlugin.putchunk(out, name, data)
    return out.getvalue()


def _filtered(rgb: NDArray[np.uint16], alpha: NDArray[Any] | None) -> Iterator[bytes]:
    """Yield a PNG's compressed rows, each with filter 1: less the pixel to the left, by bytes."""
    deflate = zlib.compressobj(EFFORT[16])
    for rows in bands(rgb.shape):
        pixels = interleaved(rgb, alpha, rows)
        line = pixels.astype(">u2").view(np.uint8).reshape(len(pixels), -1)
        pixel = 2 * pixels.shape[2]
        filtered = np.ones((line.shape[0], 1 + line.shape[1]), np.uint8)
        filtered[:, 1:] = line
        filtered[:, 1 + pixel :] -= line[:, :-pixel]
        yield deflate.compress(filtered.tobytes())
    yield deflate.flush()


def interleaved(rgb: NDArray[Any], alpha: NDArray[Any] | None, rows: slice) -> NDArray[Any]:
    """Return some rows of a picture with its alpha channel, (h, W, 3 or 4), in its depth."""
    if alpha is None:
        return np.ascontiguousarray(rgb[rows])
    opaque = alpha[rows]
    if rgb.dtype == np.uint8:
        opaque = to_8_bits(opaque)
    elif opaque.dtype == np.uint8:
        opaque = opaque.astype(np.uint16) * 257
    return np.dstack([rgb[rows], opaque])
