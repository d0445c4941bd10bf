"""Photographs side by side: gray, predicted, original."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GAP = 4  # pixels between two photographs
CAPTION = 22  # pixels

Picture = NDArray[np.uint8]  # (H, W, 3), sRGB


def photo_grid(columns: Mapping[str, Sequence[Picture]], *, side: int | None = None) -> Image.Image:
    """Draw photographs in rows, a version of them in each captioned column.

    Args:
        columns: by caption, uint8 (H, W, 3) each, the same photographs in the same order.
        side: pixels of each photograph's longer side; by default the longest of all, at least 96.
    """
    first = next(iter(columns.values()))
    side = side or max(96, *(max(photo.shape) for photo in first))
    shown = [_fit(photo, side) for photo in first]
    tops = list(accumulate((height + GAP for _, height in shown), initial=CAPTION + GAP))
    step = side + GAP
    sheet = Image.new("RGB", (step * len(columns) + GAP, tops[-1]), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (caption, photos) in enumerate(columns.items()):
        left = GAP + column * step
        center = (left + side / 2, CAPTION / 2 + 1)
        draw.text(center, caption, "black", font=ImageFont.load_default(13), anchor="mm")
        for photo, (width, height), top in zip(photos, shown, tops, strict=False):
            picture = Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left + (side - width) // 2, top))
    return sheet


def _fit(photo: Picture, side: int) -> tuple[int, int]:
    """Return width and height of a photograph whose longer side is `side`."""
    height, width, _ = photo.shape
    scale = side / max(height, width)
    return max(1, round(scale * width)), max(1, round(scale * height))
