"""Color like other photographs: what a network predicts, mixed with the colors of what looks alike.

Each place of the photograph takes the mean color of the reference's places, those that look most
like it counting most (kernel regression, Nadaraya 1964). How far it does is a matter of how much
they look alike: a gate keeps references of other subjects from having a say, so that the network's
color stays. Beyond that, all colors come nearer to the reference's strength.

The encoder's features, which know objects, tell what looks alike, and lightness beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]

FINE = 4
"""Pixels of what the network sees that are matched together, in each direction."""

SHARPNESS = 0.05  # of similarity, within which places are mixed
LIGHTNESS = 0.2  # of similarity, that places lose whose L* differs by 50
GATE = 0.15, 0.65  # similarities at which a place begins to count, and counts in full
SHARE = 0.9  # of the reference's color, where it counts in full
TONE = 0.1  # power of the reference's strength of color, beside the network's, that is taken
TONES = 0.7, 1.5  # factors at most
FAINT = 3.0  # CIELAB units of chroma, whose ratio says nothing


@dataclass(frozen=True, eq=False)
class Sight:
    """What a network makes of a picture.

    Attributes:
        lightness: float32 (H, W), L*, as the network saw it.
        ab: float32 (2, H, W), the colors that it predicts, CIELAB units.
        features: float32 (C, h, w), of squares of H / h pixels, the last of them perhaps cut off.
    """

    lightness: Plane
    ab: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def stride(self) -> int:
        """Pixels of a side of the squares: a power of two."""
        ratio = max(self.lightness.shape) / max(self.features.shape[1:])
        return 1 << int(np.ceil(np.log2(ratio)))


@dataclass(frozen=True, eq=False)
class Reference:
    """A photograph in color, and what the network makes of its lightness.

    Attributes:
        sight: what the network makes of it.
        ab: float32 (2, H, W), its true colors, CIELAB units.
    """

    sight: Sight
    ab: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Steered:
    """Colors like those of references.

    Attributes:
        ab: float32 (2, H, W), CIELAB units.
        alike: 0..1, how much of the photograph looks like something in a reference.
    """

    ab: NDArray[np.float32]
    alike: float


def steer(photo: Sight, references: Sequence[Reference]) -> Steered:
    """Color a photograph like others.

    Args:
        photo: what a network makes of it.
        references: what the same network makes of others; their places count together.
    """
    similarity = _similarity(photo, [reference.sight for reference in references])
    lightness = np.concatenate([_cells(r.sight.lightness[None], r.sight)[0] for r in references])
    colors = np.concatenate([_cells(r.ab, r.sight) for r in references], axis=1)
    rows, columns = (-(-side // FINE) for side in photo.lightness.shape)
    own = _pool(photo.lightness[None], FINE)[0].ravel()
    similarity = np.stack([_resize(plane, rows, columns) for plane in similarity], -1)
    similarity = similarity.reshape(own.size, -1)
    similarity -= LIGHTNESS * np.square((own[:, None] - lightness) / 50)
    nearest = similarity.max(1)
    weights = np.exp((similarity - nearest[:, None]) / SHARPNESS)
    weights /= weights.sum(1, keepdims=True)
    gate = _smooth_step(nearest, *GATE)
    share, matched = SHARE * gate, (weights @ colors.T).T
    planes = np.stack([share, *(share * matched)]).reshape(3, rows, columns)
    share, *taken = (_resize(plane, *photo.lightness.shape) for plane in planes)
    ab = (1 - share) * photo.ab + np.stack(taken)
    return Steered(np.asarray(_strength(references) * ab, np.float32), float(gate.mean()))


def _similarity(photo: Sight, references: Sequence[Sight]) -> NDArray[np.float32]:
    """Return cosines of standardized features, (N, h, w), with each of the references' N places."""
    others = np.concatenate([reference.features.reshape(len(photo.features), -1)
                             for reference in references], axis=1)  # fmt: skip
    own = photo.features.reshape(len(photo.features), -1)
    mean = (own.mean(1) + others.mean(1)) / 2
    deviation = np.sqrt((own.var(1) + others.var(1)) / 2)
    deviation += 0.01 * deviation.mean() + 1e-6
    own, others = ((x - mean[:, None]) / deviation[:, None] for x in (own, others))
    own, others = (x / (np.linalg.norm(x, axis=0) + 1e-6) for x in (own, others))
    return np.asarray((others.T @ own).reshape(-1, *photo.features.shape[1:]), np.float32)


def _strength(references: Sequence[Reference]) -> float:
    """Return by how much colors become stronger, to come nearer to the references'."""
    true, predicted = (
        np.mean([np.hypot(*ab).mean() for ab in planes])
        for planes in ([r.ab for r in references], [r.sight.ab for r in references])
    )
    return float(np.clip(((true + FAINT) / (predicted + FAINT)) ** TONE, *TONES))


def _cells(planes: NDArray[np.float32], sight: Sight) -> NDArray[np.float32]:
    """Return the means of planes, (K, H, W), in the squares that have features: (K, h * w)."""
    return _pool(planes, sight.stride).reshape(len(planes), -1)


def _pool(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return means of squares, (K, H / side, W / side), rounded up; the edge goes on beyond it."""
    count, height, width = planes.shape
    padded = np.pad(planes, ((0, 0), (0, -height % side), (0, -width % side)), mode="edge")
    squares = padded.reshape(count, padded.shape[1] // side, side, -1, side)
    return np.asarray(squares.mean((2, 4)), np.float32)


def _resize(plane: Plane, height: int, width: int) -> Plane:
    """Bring a plane to a height and a width by bilinear interpolation."""
    resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32)


def _smooth_step(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return 0 below `low`, 1 above `high`, and an even slope between."""
    share = ((values - low) / (high - low)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
