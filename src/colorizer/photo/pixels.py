"""The pixels of a picture of any mode to sRGB and opacity."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from colorizer.photo.icc import gray_to_srgb, transform_to_srgb

Levels = TypeVar("Levels", np.uint8, np.uint16)

GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})

BAND = 1 << 20
"""Pixels handled at a time, so that of a large picture nothing is in memory twice."""

_TO_8_BITS = ((np.arange(65536) + 128) // 257).astype(np.uint8)


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of a picture (H, W, ...) from its top on, about `BAND` pixels at a time."""
    height, width = shape[:2]
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def to_8_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring uint16 levels, of any shape of two dimensions or more, to 0..255; uint8 is there."""
    if levels.dtype == np.uint8:
        return levels
    return look_up(_TO_8_BITS, levels)


def gray_to_rgb(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return gray levels, uint8 (H, W), as uint8 (H, W, 3)."""
    return np.array(Image.fromarray(gray).convert("RGB"))  # faster than NumPy's repeat


def shrink(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Resize a picture, uint8 (H, W, 3), by a scale; one of 1 or more leaves it as it is."""
    if scale >= 1:
        return rgb
    height, width = rgb.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    return np.array(picture)


def on_white(rgb: NDArray[np.uint8], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Put a picture, uint8 (H, W, 3), on white, by its opacity, uint8 or uint16 (H, W)."""
    alpha = to_8_bits(alpha)
    ground = Image.new("RGB", (rgb.shape[1], rgb.shape[0]), "white")
    ground.paste(Image.fromarray(rgb), mask=Image.fromarray(alpha))
    return np.array(ground)


def read_pixels(
    image: Image.Image, decoded: NDArray[np.uint8] | None = None
) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return a picture's levels in sRGB, by its color profile, and its opacity.

    Args:
        image: of any mode. A profile that is damaged or another mode's is passed over.
        decoded: what `image` holds as uint8 (H, W, 3), if it is known and opaque.

    Returns:
        levels: uint8 (H, W, 3), 0..255, also the colors that opacity hides; or uint16 (H, W),
            0..65535, if the picture is gray and Pillow has more than 8 bits of it.
        alpha: uint8 (H, W), 255 where the picture is opaque; None if it has no such channel.
    """
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else b""
    if image.mode not in GRAY_MODES:
        return _read_color(image, profile, decoded)
    curve = gray_to_srgb(profile) if profile else None
    if image.mode[0] in "IF":
        return _read_deep(image, curve), None
    if decoded is not None and curve is None:
        return decoded, None
    alpha = None
    if decoded is not None:
        gray = decoded[..., 0]
    else:
        if image.has_transparency_data:
            image = image.convert("LA")
            alpha = np.array(image.getchannel("A"))
        gray = np.asarray(image.convert("L"))
    if curve is not None:
        gray = look_up(to_8_bits(curve[None, ::257])[0], gray)
    return gray_to_rgb(gray), alpha


def _read_color(
    image: Image.Image, profile: bytes, decoded: NDArray[np.uint8] | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    mode = "CMYK" if image.mode == "CMYK" else "RGB"
    transform = transform_to_srgb(profile, mode) if profile else None
    if decoded is not None and transform is None:
        return decoded, None
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    transparent = decoded is None and image.has_transparency_data
    alpha = np.empty(rgb.shape[:2], np.uint8) if transparent else None
    for rows in bands(rgb.shape):
        part = _crop(image, rows) if decoded is None else Image.fromarray(decoded[rows])
        if alpha is not None:
            part = part.convert("RGBA")
            alpha[rows] = np.asarray(part.getchannel("A"))
        part = part.convert(mode)
        shown = ImageCms.applyTransform(part, transform) if transform else part.convert("RGB")
        rgb[rows] = np.asarray(shown)
    return rgb, alpha


def _read_deep(image: Image.Image, curve: NDArray[np.uint16] | None) -> NDArray[np.uint16]:
    """Return levels of 16 or 32 bits, integers or floats, as 0..65535."""
    top = _white_level(image)
    deep = np.empty((image.height, image.width), np.uint16)
    for rows in bands(deep.shape):
        levels = np.asarray(_crop(image, rows)).clip(0, top)
        deep[rows] = (np.nan_to_num(levels) * (65535 / top)).round()
    return deep if curve is None else look_up(curve, deep)


def _white_level(image: Image.Image) -> int:
    """Return the level of white in a picture of 16 or 32 bits, judged by its highest level."""
    if image.mode.startswith("I;16") or image.format == "PPM":  # whose range Pillow has widened
        return 65535
    highest = np.max(image.getextrema())
    if image.mode == "F" and highest <= 1:
        return 1
    return 65535 if highest > 255 else 255


def _crop(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.width, rows.stop))


def look_up(table: NDArray[Levels], levels: NDArray[Any]) -> NDArray[Levels]:
    """Return what a table holds for each level, of any shape of two dimensions or more."""
    found = np.empty(levels.shape, table.dtype)
    for rows in bands(levels.shape):
        found[rows] = table[levels[rows]]
    return found
