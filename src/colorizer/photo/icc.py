"""Color profiles: conversion of a picture's levels to sRGB."""

import io
import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

UNSEEN = 2
"""Levels of 255; a profile that changes no color by more is sRGB, as someone else rounds it."""

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

    Args:
        profile: an ICC profile.

    Returns:
        uint16 (65536,); None if the profile changes nothing, is damaged, or is another mode's.
    """
    ramp = np.arange(65536, dtype=np.uint16)
    try:
        curve = convert_16_bits(ramp[None], profile, "gray")[0, :, 1]
    except RuntimeError:
        return None
    return None if np.abs(curve - ramp.astype(int)).max() <= 257 * UNSEEN else curve


def convert_16_bits(levels: NDArray[np.uint16], profile: bytes, space: str) -> NDArray[np.uint16]:
    """Convert levels of 16 bits to sRGB, which Pillow does for 8 alone.

    Args:
        levels: uint16 (H, W), or (H, W, C).
        profile: an ICC profile.
        space: "gray", "rgb" or "cmyk".

    Returns:
        uint16 (H, W, 3).

    Raises:
        RuntimeError: if the profile is damaged, or another space's.
    """
    from imagecodecs import CMS, cms_transform

    converted: NDArray[np.uint16] = cms_transform(
        levels,
        profile,
        PROFILE,
        colorspace=space,
        outcolorspace="rgb",
        intent=CMS.INTENT.RELATIVE_COLORIMETRIC,
        # optimized, it is up to 2 levels of 8 bits off
        flags=CMS.FLAGS.BLACKPOINTCOMPENSATION | CMS.FLAGS.NOOPTIMIZE,
    )
    return converted


def _build(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            ImageCms.getOpenProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    colors = (np.indices((16, 16, 16)) * 17).astype(np.uint8).reshape(3, 64, 64).transpose(1, 2, 0)
    shown = np.asarray(ImageCms.applyTransform(Image.fromarray(colors), transform))
    return bool(np.abs(shown.astype(int) - colors).max() <= UNSEEN)
