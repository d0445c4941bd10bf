"""Faces in photographs in color, for the scores of skin."""

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.photo.face_boxes import Face
from colorizer.photo.faces import find_faces

SMALLEST = 16  # pixels of a box's longer side
SKIN_HUES = (15.0, 85.0)  # degrees
SKIN_CHROMA = (8.0, 50.0)  # CIELAB units


def find_skin(rgb: NDArray[np.uint8]) -> list[Face]:
    """Find the faces that show skin, in the order of their places.

    A box whose pixels mostly have no color of skin, hue 15° to 85° and C 8 to 50, is left out: a
    statue, a painted face, or light that hides what color it has.

    Args:
        rgb: uint8 (H, W, 3), sRGB, in color.
    """
    boxes = [box for box in find_faces(rgb) if max(box[2:]) >= SMALLEST]
    if not boxes:
        return []
    _, a, b = rgb_to_lab(rgb)
    chroma, hue = np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360
    skin = (hue >= SKIN_HUES[0]) & (hue <= SKIN_HUES[1])
    skin &= (chroma >= SKIN_CHROMA[0]) & (chroma <= SKIN_CHROMA[1])
    return [box for box in sorted(boxes) if skin[_inside(box)].mean() > 0.5]


def _inside(box: Face) -> tuple[slice, slice]:
    row, column, height, width = box
    return slice(max(row, 0), row + height), slice(max(column, 0), column + width)
