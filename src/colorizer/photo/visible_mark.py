"""A small mark in a picture's corner, for readers who see no metadata."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

TEXT = "colorized"

SHARE, SMALLEST = 0.03, 11
"""The height of its letters as a share of the picture's shorter side, and at least in pixels."""

SHADE = 0.35
"""What is left of the picture's levels behind the letters, so that white ones can be read on it."""


def draw_mark(rgb: NDArray[Any]) -> tuple[slice, slice]:
    """Write "colorized" into a picture's lower right corner, white on a darkened ground.

    A picture narrower than the word gets a smaller one.

    Args:
        rgb: uint8 or uint16 (H, W, 3), which changes.

    Returns:
        The rows and columns of the mark.
    """
    height, width = rgb.shape[:2]
    size = max(SMALLEST, round(SHARE * min(height, width)))
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(TEXT)
    margin = size // 3
    ink = Image.new("L", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin))
    ImageDraw.Draw(ink).text((margin - left, margin - top), TEXT, 255, font)
    ink.thumbnail((width, height))
    where = slice(height - ink.height, height), slice(width - ink.width, width)
    share = np.asarray(ink, np.float32)[..., None] / 255
    ground = SHADE * rgb[where]
    rgb[where] = np.round(ground + share * (np.iinfo(rgb.dtype).max - ground)).astype(rgb.dtype)
    return where
