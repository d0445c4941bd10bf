"""sRGB to CIELAB, and the scale a network sees: the one place that knows the convention.

CIELAB (CIE 15:2004) under illuminant D65 for the 2-degree observer, from sRGB (IEC 61966-2-1), with
the constants of scikit-image, so that the two agree. What is here works on one decoded picture, in
one pass over its pixels that Numba compiles; `colorizer.color.lab_torch` does batches of tensors.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import rgb_to_lab_loop

if TYPE_CHECKING:
    from torch import Tensor

AB_SCALE = 110.0
"""CIELAB units of a or b that a network sees as 1; sRGB's ab lie in -107.9 .. 98.3."""


Array = TypeVar("Array", NDArray[Any], "Tensor")


def rgb_to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert a picture from sRGB to CIELAB.

    Args:
        rgb: uint8 (H, W, 3), 0..255.

    Returns:
        float32 (3, H, W): L* in 0..100, a* and b* in about -108..98; within 0.001 of exact
        arithmetic.

    Raises:
        TypeError: if `rgb` is not uint8 (a float's range could only be guessed).
        ValueError: if it is not (H, W, 3).

    Example:
        >>> rgb_to_lab(np.full((1, 1, 3), 255, np.uint8)).ravel().round(1) + 0
        array([100.,   0.,   0.], dtype=float32)
    """
    check_picture(rgb)
    lab = np.empty((3, *rgb.shape[:2]), np.float32)
    rgb_to_lab_loop(rgb, lab)
    return lab


def normalize_lightness(lightness: Array) -> Array:
    """Bring L* from 0..100 to the -1..1 that a network sees."""
    return lightness / 50 - 1


def normalize_ab(ab: Array) -> Array:
    """Bring a* and b* from CIELAB units to about -1..1, divided by `AB_SCALE`."""
    return ab / AB_SCALE


def denormalize_ab(ab: Array) -> Array:
    """Bring a network's ab back to CIELAB units."""
    return ab * AB_SCALE


def convention() -> dict[str, object]:
    """Return the color convention, which a weights file must state."""
    return {"space": "CIELAB D65/2", "lightness": "L*/50 - 1", "ab_scale": AB_SCALE}


def check_picture(rgb: NDArray[Any], kind: type[np.unsignedinteger[Any]] = np.uint8) -> None:
    """Raise unless a picture is (H, W, 3), of uint8 or another kind.

    Raises:
        TypeError: if it is of another type.
        ValueError: if it has another shape.
    """
    if rgb.dtype != kind:
        raise TypeError(f"rgb is {rgb.dtype}; expected {kind.__name__} in 0..{np.iinfo(kind).max}")
    if rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"rgb has shape {rgb.shape}; expected (H, W, 3)")
