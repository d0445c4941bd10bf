"""The color of skin: what becomes of the faces that are found in the originals.

Of a face count the pixels of an ellipse in its box whose original has a color, C > 8: not hair,
eyes and background. Faces weigh the same, however large. Each function returns what a photograph
adds, as in `colorizer.evaluation.scoring.color_bias`.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from colorizer.evaluation.scoring.pair import COLORED, Pair, hue_error
from colorizer.evaluation.scoring.sums import Sums

if TYPE_CHECKING:
    from colorizer.photo.face_boxes import Face

HIT = 25.0  # degrees from the original's hue
HIGH, WIDE = 0.84, 0.72  # the ellipse's axes, of the box's sides


def skin_hit(pair: Pair) -> Sums:
    """Return the share of skin that gets its hue within 25°, with C > 8, and 1 for each face."""
    hit = (pair.chroma[0] > COLORED) & (hue_error(*pair.hue) <= HIT)
    return _over_faces(pair, hit.float()), _over_faces(pair, torch.ones_like(pair.chroma[0]))


def skin_chroma(pair: Pair) -> Sums:
    """Return the mean chroma of each face, and the true one; 1 is right, less is pale."""
    chroma, true_chroma = pair.chroma
    return _over_faces(pair, chroma), _over_faces(pair, true_chroma)


def _over_faces(pair: Pair, values: Tensor) -> Tensor:
    """Return the sum over a photograph's faces of the mean over their skin: (N, H, W) -> (N,)."""
    colored = pair.chroma[1] > COLORED
    sums = []
    for photo, faces, countable in zip(values, pair.faces, colored, strict=True):
        skin = [countable & ellipse(face, photo) for face in faces]
        sums.append(sum((photo[mask].mean() for mask in skin if mask.any()), photo.new_zeros(())))
    return torch.stack(sums)


def ellipse(face: "Face", photo: Tensor) -> Tensor:
    """Return which pixels of a photograph, (H, W), lie in the ellipse in a box: bool (H, W)."""
    row, column, height, width = face
    down = (torch.arange(photo.shape[0]) + 0.5 - row - height / 2) / (HIGH * height / 2)
    across = (torch.arange(photo.shape[1]) + 0.5 - column - width / 2) / (WIDE * width / 2)
    return down[:, None] ** 2 + across**2 <= 1
