"""Boxes around faces."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Face = tuple[int, int, int, int]
"""A box around a face: row and column of its first pixel, height and width, pixels."""

Box = NDArray[np.floating[Any]]
"""The same before it is rounded, (4,)."""

SAME = 0.3  # intersection over union, from which on two boxes are of one face


def distinct(boxes: Iterable[Box]) -> list[Box]:
    """Return boxes, (K, 4), without those that overlap with an earlier one."""
    kept: list[Box] = []
    for box in boxes:
        if all(_overlap(box, other) <= SAME for other in kept):
            kept.append(box)
    return kept


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes, (4,)."""
    first, last = np.maximum(one[:2], other[:2]), np.minimum(_end(one), _end(other))
    common = float(np.prod((last - first).clip(min=0)))
    return common / float(np.prod(one[2:]) + np.prod(other[2:]) - common)


def _end(box: Box) -> Box:
    return box[:2] + box[2:]


def to_face(box: Box) -> Face:
    """Round a box to whole pixels, of which it has at least one."""
    row, column, height, width = (round(float(value)) for value in box)
    return row, column, max(height, 1), max(width, 1)
