"""A second look at faces: what is small in a photograph is seen large, and colored so.

A network sees a photograph at one size, at which a face in a group is a dozen pixels, and does not
know it. Looked at by itself, with what is around it, it is a face.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.inference.network import Network, seen
from colorizer.photo.face_boxes import Face
from colorizer.photo.faces import find_faces

AROUND = 3  # times a face's longer side: the side of the square that is looked at
FADING = 1.35  # times the ellipse in a face's box, whose colors fade until there
LARGE = 0.5  # of a photograph's shorter side: larger faces are seen well at the first look
SMALL = 12  # pixels of a face, below which there is nothing to see
MOST = 64  # faces of a photograph that are looked at, the surest
FINE = 1024  # pixels of the longer side of the colors of a photograph with faces, at most

Colors = NDArray[np.float32]


def look_again(network: Network, rgb: NDArray[np.uint8], first: Any) -> Colors:
    """Color the faces in a photograph by looks at each alone.

    A network that is shown squares has learned nothing of such parts, and looks once.

    Args:
        network: what predicted its colors.
        rgb: the photograph, uint8 (H, W, 3), of which only the lightness is used.
        first: its colors at the first look, (2, h, w), CIELAB units, a tensor or an array.

    Returns:
        float32. The same where no face is; otherwise at a larger size, with those of faces.
    """
    ab = np.asarray(first, np.float32)
    if network.metadata.geometry == "square":
        return ab
    shorter = min(rgb.shape[:2])
    faces = [face for face in find_faces(rgb) if SMALL <= max(face[2:]) <= LARGE * shorter]
    return _with_looks(network, rgb, ab, faces[:MOST]) if faces else ab


def _with_looks(
    network: Network, rgb: NDArray[np.uint8], ab: Colors, faces: Iterable[Face]
) -> Colors:
    height, width = rgb.shape[:2]
    scale = max(max(ab.shape[1:]), min(FINE, max(height, width))) / max(height, width)
    rows, columns = _places(round(scale * height), height), _places(round(scale * width), width)
    whole = _sample(ab, rows / height, columns / width)
    total, weights = np.zeros_like(whole), np.zeros_like(whole[0])
    for face in faces:
        top, left, bottom, right = _around(face, height, width)
        part = rgb[top:bottom, left:right]
        colors = np.asarray(network.predict_ab(seen(network.metadata, part))[0], np.float32)
        inside = (
            slice(*np.searchsorted(rows, (top, bottom))),
            slice(*np.searchsorted(columns, (left, right))),
        )
        y, x = rows[inside[0]], columns[inside[1]]
        own = _sample(colors, (y - top) / (bottom - top), (x - left) / (right - left))
        weight = _weight(face, y, x)
        total[:, *inside] += weight * own
        weights[inside] += weight
    share = weights.clip(max=1)
    mixed: Colors = whole * (1 - share) + total * (share / weights.clip(min=1e-6))
    return mixed


def _around(face: Face, height: int, width: int) -> tuple[int, int, int, int]:
    """Return first row and column, and those after the last, of the square around a face."""
    row, column, *sides = face
    half = AROUND * max(sides) / 2
    down, across = row + sides[0] / 2, column + sides[1] / 2
    top, left = max(0, round(down - half)), max(0, round(across - half))
    return top, left, min(height, round(down + half)), min(width, round(across + half))


def _weight(face: Face, rows: NDArray[Any], columns: NDArray[Any]) -> Colors:
    """Return how much a face's own colors count at rows and columns: 1 in its ellipse."""
    row, column, height, width = face
    down, across = 2 * (rows - row) / height - 1, 2 * (columns - column) / width - 1
    left = (FADING - np.hypot(down[:, None], across)) / (FADING - 1)
    left = left.clip(0, 1)
    return (left * left * (3 - 2 * left)).astype(np.float32)


def _places(count: int, length: int) -> NDArray[np.float64]:
    """Return the middles of so many pixels that share a length."""
    return (np.arange(max(count, 1)) + 0.5) * length / max(count, 1)


def _sample(ab: Colors, down: NDArray[Any], across: NDArray[Any]) -> Colors:
    """Return colors, (2, h, w), between their pixels, at shares 0..1 of both sides: bilinear."""
    for axis, places in ((1, down), (2, across)):
        last = ab.shape[axis] - 1
        at = (places * (last + 1) - 0.5).clip(0, last)
        first = at.astype(int)
        share = (at - first).astype(np.float32).reshape(-1, *[1] * (2 - axis))
        after = np.minimum(first + 1, last)
        ab = np.take(ab, first, axis) * (1 - share) + np.take(ab, after, axis) * share
    return ab
