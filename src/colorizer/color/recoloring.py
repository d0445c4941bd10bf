"""New colors under a picture's own lightness."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import LINEAR, linear_light, recolor_loop
from colorizer.color.lab import check_picture

BICUBIC = -0.75  # Keys's parameter (1981), as PyTorch's bicubic upsampling has it

Part = tuple[slice, slice]
"""Rows and columns of a picture, each with a start and a stop."""


def recolor(
    picture: NDArray[Any], ab: NDArray[np.floating], *, part: Part | None = None
) -> NDArray[Any]:
    """Put new colors under a picture's own lightness.

    A color that sRGB cannot show at its lightness keeps its hue and loses chroma until sRGB can;
    no channel is clipped.

    Args:
        picture: uint8 or uint16 (H, W, 3), sRGB, of which only the lightness is used; or uint16
            (H, W), the levels 0..65535 of a gray picture.
        ab: float32 (2, h, w), CIELAB units, of the whole picture at any size; brought to the
            picture's by bicubic interpolation. What is not finite becomes gray.
        part: the rows and columns that are wanted; None for all.

    Returns:
        (H, W, 3), sRGB, in the picture's type; of a part as much of it.

    Raises:
        TypeError: if `picture` is of another type.
        ValueError: if the shapes are others.
    """
    deep = picture.dtype == np.uint16
    if deep and picture.ndim == 2:
        picture = picture[..., None]
    else:
        check_picture(picture, np.uint16 if deep else np.uint8)
    if ab.ndim != 3 or ab.shape[0] != 2 or not ab.size:
        raise ValueError(f"ab has shape {ab.shape}; expected (2, h, w)")
    height, width, _ = picture.shape
    rows, columns = _bicubic(height, ab.shape[1]), _bicubic(width, ab.shape[2])
    if part is not None:
        picture = np.ascontiguousarray(picture[part])
        rows, columns = _only(rows, part[0]), _only(columns, part[1])
    out = np.empty((*picture.shape[:2], 3), picture.dtype)
    table = linear_light(65535) if deep else LINEAR
    recolor_loop(picture, table, np.ascontiguousarray(ab, np.float32), rows, columns, out)
    return out


Samples = tuple[NDArray[np.int32], NDArray[np.float32]]


def _only(samples: Samples, wanted: slice) -> Samples:
    return np.ascontiguousarray(samples[0][:, wanted]), np.ascontiguousarray(samples[1][:, wanted])


def _bicubic(length: int, source: int) -> Samples:
    """Return which four of `source` samples make each of `length`, and their weights: (4, length).

    Pixels are areas: the outer edges of both grids coincide (`align_corners=False`).
    """
    position = (np.arange(length) + 0.5) * source / length - 0.5
    first = np.floor(position) - 1
    indices = first + np.arange(4)[:, None]
    d, a = np.abs(position - indices), BICUBIC
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    weights = np.where(d <= 1, near, far).astype(np.float32)
    return indices.clip(0, source - 1).astype(np.int32), weights
