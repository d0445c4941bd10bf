"""Picture files of kinds that Pillow does not write, made from levels in 0..1."""

import io
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from colorizer.color.kernels import RGB_TO_XYZ

CAMERA = np.dstack(
    [np.rint(1e4 * np.linalg.inv(np.array(RGB_TO_XYZ))), np.full((3, 3), 1e4)]
).astype(int)
"""From XYZ to a camera's levels, as fractions: those of a camera whose primaries are sRGB's."""

DNG = [
    (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
    (50707, "B", 4, (1, 1, 0, 0), True),
    (50708, "s", 0, "made", True),  # UniqueCameraModel
    (50721, "2i", 9, tuple(CAMERA.ravel().tolist()), True),  # ColorMatrix1
    (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),  # AsShotNeutral
    (50778, "H", 1, 21, True),  # CalibrationIlluminant1: D65
    (271, "s", 0, "Maker", True),
]


def dng(light: NDArray[np.float64], *, bits: int = 16) -> bytes:
    """Return a camera's raw file of a gray picture's linear light, (H, W), as a sensor's mosaic."""
    top = 2**bits - 1
    mosaic = np.rint(light * top).astype(np.uint16)
    tags: list[Any] = [
        *DNG,
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
        (50717, "H", 1, top, True),  # WhiteLevel
    ]
    return _write(mosaic, tags, photometric="cfa")


def linear_dng(light: NDArray[np.float64], *, bits: int = 16, xmp: bytes = b"") -> bytes:
    """Return a DNG file of linear light, (H, W, 3), without a mosaic, and of XMP."""
    top = 2**bits - 1
    levels = np.rint(light * top).astype(np.uint16)
    tags = [*DNG, (50717, "H", 3, (top,) * 3, True)]
    if xmp:
        tags.append((700, "B", len(xmp), xmp, True))
    return _write(levels, tags, photometric="linear_raw")


def _write(levels: NDArray[np.uint16], tags: list[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, levels, extratags=tags, metadata=None, software=None, **options)
    return buffer.getvalue()
