"""The pixels of a picture of any kind to sRGB, by its color profile."""

import io
import struct
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from colorizer.photo.decode import GRAY_MODES

Levels = TypeVar("Levels", np.uint8, np.uint16)

BAND = 1 << 20
"""Pixels handled at a time, so that of a large picture nothing is in memory twice."""

UNSEEN = 2
"""Levels of 255; a profile that changes no color by more is sRGB, as someone else rounds it."""

EXACT = ImageCms.Flags.NOOPTIMIZE  # to 16 bits, and ten times slower


def _profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # not now: the same picture, the same file
    return profile[:24] + made + profile[36:]


PROFILE = _profile()
"""An ICC profile of sRGB."""

_TO_8_BITS = ((np.arange(65536) + 128) // 257).astype(np.uint8)


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of a picture (H, W, ...) from its top on, about `BAND` pixels at a time."""
    height, width = shape[:2]
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def to_8_bits(levels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Bring levels 0..65535, of any shape of two dimensions or more, to 0..255."""
    return _look_up(_TO_8_BITS, levels)


def read_pixels(
    image: Image.Image, *, white_is_zero: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None, NDArray[np.uint8] | None]:
    """Return a picture's levels in sRGB, and its alpha channel.

    Args:
        image: of any mode; its profile is among its `info`, and is passed over if it is damaged or
            another mode's.
        white_is_zero: whether gray levels of 16 bits are those of a negative.

    Returns:
        rgb: uint8 (H, W, 3), 0..255.
        gray16: uint16 (H, W), 0..65535, if the picture is gray and of over 8 bits; else None.
        alpha: uint8 (H, W), 255 where the picture is opaque; None if it has no such channel.
    """
    if image.mode not in GRAY_MODES:
        return _read_rgb(image)
    curve = _gray_curve(image.info.get("icc_profile"))
    gray16 = alpha = None
    if image.mode[0] in "IF":
        gray16 = _read_deep(image)
        if white_is_zero:
            np.subtract(65535, gray16, out=gray16)
        if curve is not None:
            gray16 = _look_up(curve, gray16)
        gray = to_8_bits(gray16)
    else:
        if image.has_transparency_data:
            image = image.convert("LA")
            alpha = np.array(image.getchannel("A"))
        gray = np.array(image.convert("L"))
        if curve is not None:
            gray = _look_up(to_8_bits(curve[None, ::257])[0], gray)
    return np.repeat(gray[..., None], 3, axis=2), gray16, alpha


def _read_rgb(
    image: Image.Image,
) -> tuple[NDArray[np.uint8], None, NDArray[np.uint8] | None]:
    mode = "CMYK" if image.mode == "CMYK" else "RGB"
    transform = _transform(image.info.get("icc_profile"), mode)
    if mode == "RGB" and transform and _changes_nothing(transform):
        transform = None
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    alpha = np.empty(rgb.shape[:2], np.uint8) if image.has_transparency_data else None
    for rows in bands(rgb.shape):
        part = _crop(image, rows)
        if alpha is not None:
            part = part.convert("RGBA")
            alpha[rows] = np.asarray(part.getchannel("A"))
        part = part.convert(mode)
        shown = ImageCms.applyTransform(part, transform) if transform else part.convert("RGB")
        rgb[rows] = np.asarray(shown)
    return rgb, None, alpha


def _read_deep(image: Image.Image) -> NDArray[np.uint16]:
    """Return levels of 16 or 32 bits, integers or floats, as 0..65535."""
    wide = image.mode.startswith("I;16") or np.max(image.getextrema()) > 255
    top = 65535 if wide else 255
    deep = np.empty((image.height, image.width), np.uint16)
    for rows in bands(deep.shape):
        levels = np.asarray(_crop(image, rows)).clip(0, top)
        deep[rows] = (np.nan_to_num(levels) * (65535 / top)).round()
    return deep


def _crop(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.width, rows.stop))


def _look_up(table: NDArray[Levels], levels: NDArray[Any]) -> NDArray[Levels]:
    found = np.empty(levels.shape, table.dtype)
    for rows in bands(levels.shape):
        found[rows] = table[levels[rows]]
    return found


def _transform(profile: object, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what brings a picture to sRGB; None if its profile is damaged or another mode's."""
    if not isinstance(profile, bytes):
        return None
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


def _gray_curve(profile: object) -> NDArray[np.uint16] | None:
    """Return the level in sRGB of each of a gray picture's 65536, or None if they stay the same.

    The library's answer has 8 bits. But where it steps from one level to the next is known to 16,
    and between the steps the curve is as good as straight.
    """
    transform = _transform(profile, "I;16")
    if transform is None:
        return None
    ramp = np.arange(65536)
    shown = ImageCms.applyTransform(Image.fromarray(ramp[None].astype(np.uint16)), transform)
    levels = np.maximum.accumulate(np.asarray(shown)[0, :, 1]).astype(int)
    steps = np.arange(levels[0] + 1, levels[-1] + 1)
    places = [0, *(np.searchsorted(levels, steps) - 0.5), 65535]
    curve = np.interp(ramp, places, 257 * np.array([levels[0], *(steps - 0.5), levels[-1]]))
    return None if np.abs(curve - ramp).max() <= 257 * UNSEEN else curve.round().astype(np.uint16)
