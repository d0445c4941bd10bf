"""Faces in photographs, for the scores of skin."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab

Face = tuple[int, int, int, int]
"""A box around a face: row and column of its first pixel, height and width, pixels."""

SMALLEST = 24  # pixels of a box's side
SKIN_HUES = (15.0, 85.0)  # degrees
SKIN_CHROMA = (8.0, 50.0)  # CIELAB units


def find_faces(rgb: NDArray[np.uint8]) -> list[Face]:
    """Find the faces that look at the camera.

    A box whose pixels mostly have no color of skin, hue 15° to 85° and C 8 to 50, is left out: the
    cascade looks at lightness alone and takes some other things for faces.

    Args:
        rgb: uint8 (H, W, 3), sRGB, in color.

    Reference:
        Zhang et al. 2007, "Face detection based on multi-block LBP representation"; the cascade
        that scikit-image ships.
    """
    found = _cascade().detect_multi_scale(
        img=rgb,
        scale_factor=1.2,
        step_ratio=1,
        min_size=(SMALLEST, SMALLEST),
        max_size=rgb.shape[:2],
    )
    boxes = [(box["r"], box["c"], box["height"], box["width"]) for box in found]
    if not boxes:
        return []
    _, a, b = rgb_to_lab(rgb)
    chroma, hue = np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360
    skin = (hue >= SKIN_HUES[0]) & (hue <= SKIN_HUES[1])
    skin &= (chroma >= SKIN_CHROMA[0]) & (chroma <= SKIN_CHROMA[1])
    return [box for box in sorted(boxes) if skin[_inside(box)].mean() > 0.5]


def _inside(box: Face) -> tuple[slice, slice]:
    row, column, height, width = box
    return slice(row, row + height), slice(column, column + width)


@lru_cache
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename  # slow to import
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())
