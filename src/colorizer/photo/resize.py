"""Pictures to a smaller or larger size: the one way, in training and in use alike.

Antialiased convolution as Pillow's `Image.resize`, which copies a large picture before it begins
and rounds to levels between its two passes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import compiled

BICUBIC = -0.5  # Keys's parameter (1981), as Pillow's bicubic filter has it

SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}
"""Half the width of each filter, in pixels of the coarser of both grids."""

_F = np.float32


def resize(
    rgb: NDArray[np.uint8], *, size: int | tuple[int, int], resample: str
) -> NDArray[np.uint8]:
    """Resize a whole picture, whatever its proportions, with antialiasing.

    Args:
        rgb: uint8 (H, W, 3).
        size: height and width in pixels, or the side of a square.
        resample: "bilinear" or "bicubic"; the same filters as Pillow's, up to rounding.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = (size, size) if isinstance(size, int) else size
    rows, columns = _taps(height, len(rgb), resample), _taps(width, rgb.shape[1], resample)
    resized = np.empty((height, width, 3), np.uint8)
    flat = np.ascontiguousarray(rgb).reshape(len(rgb), -1)
    _resize_loop(flat, *rows, *columns, resized)
    return resized


def _taps(length: int, source: int, resample: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the first of the `source` samples that make each of `length`, and their weights.

    Pixels are areas: the outer edges of both grids coincide. What lies beyond an edge has no
    weight.

    Returns:
        int64 (length,) and float32 (length, taps), summing to 1.
    """
    scale = max(source / length, 1.0)
    reach = SUPPORT[resample] * scale
    center = (np.arange(length) + 0.5) * source / length
    taps = min(source, int(np.ceil(2 * reach)) + 1)
    first = np.floor(center - reach + 0.5).clip(0, source - taps).astype(np.int64)
    distance = np.abs(first[:, None] + np.arange(taps) + 0.5 - center[:, None]) / scale
    weights = _bicubic(distance) if resample == "bicubic" else 1 - distance
    weights = np.where(distance < SUPPORT[resample], weights, 0)
    return first, (weights / weights.sum(1, keepdims=True)).astype(_F)


def _bicubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    near = ((BICUBIC + 2) * distance - (BICUBIC + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * BICUBIC - 4 * BICUBIC
    return np.where(distance < 1, near, far)


@compiled
def _resize_loop(
    rgb: Any, row: Any, row_weight: Any, column: Any, column_weight: Any, out: Any
) -> None:
    """Fill uint8 (height, width, 3) from uint8 (H, 3 W); rows and columns are those of `_taps`."""
    height, width, _ = out.shape
    samples = rgb.shape[1]
    narrow = np.empty(samples, _F)  # the rows of a result's row, weighted and summed
    for y in range(height):
        narrow[:] = _F(0.5)  # rounds
        taps = row_weight.shape[1]
        for tap in range(0, taps - taps % 4, 4):  # four at a time, or memory is what takes the time
            first = row[y] + tap
            r0, r1, r2, r3 = rgb[first], rgb[first + 1], rgb[first + 2], rgb[first + 3]
            w = row_weight[y, tap : tap + 4]
            for x in range(samples):
                narrow[x] += (w[0] * _F(r0[x]) + w[1] * _F(r1[x])) + (
                    w[2] * _F(r2[x]) + w[3] * _F(r3[x])
                )
        for tap in range(taps - taps % 4, taps):
            source, weight = rgb[row[y] + tap], row_weight[y, tap]
            for x in range(samples):
                narrow[x] += weight * _F(source[x])
        for x in range(width):
            red, green, blue = _F(0), _F(0), _F(0)
            place = 3 * column[x]
            for tap in range(column_weight.shape[1]):
                weight = column_weight[x, tap]
                red += weight * narrow[place]
                green += weight * narrow[place + 1]
                blue += weight * narrow[place + 2]
                place += 3
            out[y, x, 0] = np.uint8(min(max(red, _F(0)), _F(255)))
            out[y, x, 1] = np.uint8(min(max(green, _F(0)), _F(255)))
            out[y, x, 2] = np.uint8(min(max(blue, _F(0)), _F(255)))
