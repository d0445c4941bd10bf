"""Levels of over 8 bits, at their true range, to sRGB of 16 bits."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from colorizer.errors import ImageError
from colorizer.photo.icc import convert_16_bits, gray_to_srgb, transform_to_srgb
from colorizer.photo.pixels import bands, look_up

TOP = 65535

NEAR_BLACK = 16
"""A picture whose highest level is below this part of white is of fewer bits than it says."""

BELOW_BLACK = -0.1
"""Floats up to 1 may lie so far below black, where a filter overshot; else black is not 0."""


@dataclass(frozen=True)
class Samples:
    """What a file of over 8 bits holds.

    Attributes:
        levels: any numbers, (H, W, C): those of the colors, then opacity if there is.
        space: what the colors are.
        depth: what the file says of its numbers, in words.
        black: the level of black.
        white: that of white and of full opacity; None if the file does not say.
        opacity: whether there is any, and whether the colors are multiplied by it.
        negative: whether black and white are swapped.
        profile: an ICC profile, or b"".
    """

    levels: NDArray[Any]
    space: Literal["gray", "rgb", "cmyk"]
    depth: str
    black: float = 0
    white: float | None = TOP
    opacity: Literal["none", "apart", "multiplied"] = "none"
    negative: bool = False
    profile: bytes = b""


class DeepFile(ImageFile.ImageFile):
    """A picture opened as by Pillow, with more bits than Pillow has of it."""

    orientation = 1
    """As in EXIF, 1 to 8."""

    def samples(self) -> Samples:
        """Return what the file holds.

        Raises:
            ImageError: if it is of a kind of color that is not read.
        """
        raise NotImplementedError


def to_16_bits(samples: Samples) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    """Return levels in sRGB, by the color profile, and opacity.

    Returns:
        levels: uint16, 0..65535: (H, W) of a gray picture, (H, W, 3) of others.
        alpha: uint16 (H, W), 65535 where the picture is opaque; None if it has no such channel.

    Raises:
        ImageError: if nothing says which level is white.
    """
    white = _white(samples)
    deep = _scale(samples.levels, samples.black, white)
    alpha = None
    if samples.opacity != "none":
        alpha = np.ascontiguousarray(deep[..., -1])
        deep = deep[..., :-1]
        if samples.opacity == "multiplied":
            deep = _divide(deep, alpha)
    if samples.negative:
        deep = TOP - deep
    if samples.space == "gray":
        curve = gray_to_srgb(samples.profile) if samples.profile else None
        gray = deep[..., 0]
        return np.ascontiguousarray(gray) if curve is None else look_up(curve, gray), alpha
    return _to_srgb(np.ascontiguousarray(deep), samples.space, samples.profile), alpha


def _white(samples: Samples) -> float:
    """Return the level of white."""
    colors = samples.levels if samples.opacity == "none" else samples.levels[..., :-1]
    highest = float(np.max(colors))
    if samples.white is not None:
        if NEAR_BLACK * (highest - samples.black) < samples.white - samples.black and highest > 0:
            raise ImageError(
                f"{samples.depth}, but its levels end at {highest:g} of {samples.white:g}, near "
                "black: save it with its levels over the whole range"
            )
        return samples.white
    floats, lowest = np.issubdtype(colors.dtype, np.floating), float(np.min(colors))
    # a profile's white is 1, and what is brighter is a light
    ends_at_1 = highest <= 1 or (samples.profile and np.median(colors) <= 1)
    if floats and lowest >= BELOW_BLACK and ends_at_1:
        return 1
    levels = f"up to {highest:g}" if lowest >= BELOW_BLACK else f"from {lowest:g} to {highest:g}"
    raise ImageError(
        f"{samples.depth} {levels}, and the file does not say which level is white "
        "(SMaxSampleValue): save it as 16-bit integers"
    )


def _scale(levels: NDArray[Any], black: float, white: float) -> NDArray[np.uint16]:
    if levels.dtype == np.uint16 and (black, white) == (0, TOP):
        return levels
    deep = np.empty(levels.shape, np.uint16)
    for rows in bands(levels.shape):
        part = np.nan_to_num(levels[rows].astype(np.float64).clip(black, white), nan=black)
        deep[rows] = ((part - black) * (TOP / (white - black))).round()
    return deep


def _divide(deep: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide colors by the opacity that they are multiplied by."""
    colors = np.empty(deep.shape, np.uint16)
    for rows in bands(deep.shape):
        share = np.maximum(alpha[rows], 1)[..., None] / TOP
        colors[rows] = (deep[rows] / share).clip(0, TOP).round()
    return colors


def _to_srgb(
    deep: NDArray[np.uint16], space: Literal["rgb", "cmyk"], profile: bytes
) -> NDArray[np.uint16]:
    known = bool(profile) and transform_to_srgb(profile, space.upper()) is not None
    if space == "rgb" and not known:
        return deep
    rgb = np.empty((*deep.shape[:2], 3), np.uint16)
    for rows in bands(deep.shape):
        if known:
            rgb[rows] = convert_16_bits(deep[rows], profile, space)
        else:
            ink = TOP - deep[rows].astype(np.int64)
            rgb[rows] = ink[..., :3] * ink[..., 3:] // TOP
    return rgb
