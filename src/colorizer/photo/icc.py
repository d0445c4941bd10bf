"""Color profiles: conversion of a picture's levels to sRGB."""

import io
import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

UNSEEN = 2
"""Levels of 255; a profile that changes no color by more is sRGB, as someone else rounds it."""

EXACT = ImageCms.Flags.NOOPTIMIZE  # to 16 bits, and ten times slower

KEPT = 16
"""Profiles that are remembered: the photographs of a camera or a scanner share theirs."""


def _profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # not now: the same picture, the same file
    return profile[:24] + made + profile[36:]


PROFILE = _profile()
"""An ICC profile of sRGB."""


@lru_cache(KEPT)
def transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return a transform from a profile to sRGB; threads may share it.

    Args:
        profile: an ICC profile.
        mode: the pictures', "RGB" or "CMYK".

    Returns:
        None if the profile changes nothing, is damaged, or is another mode's.
    """
    transform = _build(profile, mode)
    return None if transform and mode == "RGB" and _changes_nothing(transform) else transform


@lru_cache(KEPT)
def gray_to_srgb(profile: bytes) -> NDArray[np.uint16] | None:
    """Return the level in sRGB, 0..65535, of each of a gray picture's 65536.

    Pillow's answer has 8 bits. But where it steps from one level to the next is known to 16 bits,
    and between the steps the curve is as good as straight.

    Args:
        profile: an ICC profile.

    Returns:
        uint16 (65536,); None if the profile changes nothing, is damaged, or is another mode's.
    """
    transform = _build(profile, "I;16")
    if transform is None:
        return None
    ramp = np.arange(65536)
    shown = ImageCms.applyTransform(Image.fromarray(ramp[None].astype(np.uint16)), transform)
    levels = np.maximum.accumulate(np.asarray(shown)[0, :, 1]).astype(int)
    steps = np.arange(levels[0] + 1, levels[-1] + 1)
    places = [0, *(np.searchsorted(levels, steps) - 0.5), 65535]
    curve = np.interp(ramp, places, 257 * np.array([levels[0], *(steps - 0.5), levels[-1]]))
    return None if np.abs(curve - ramp).max() <= 257 * UNSEEN else curve.round().astype(np.uint16)


def _build(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            ImageCms.getOpenProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | (EXACT if mode == "I;16" else 0),
        )
    except ImageCms.PyCMSError:
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    colors = (np.indices((16, 16, 16)) * 17).astype(np.uint8).reshape(3, 64, 64).transpose(1, 2, 0)
    shown = np.asarray(ImageCms.applyTransform(Image.fromarray(colors), transform))
    return bool(np.abs(shown.astype(int) - colors).max() <= UNSEEN)
