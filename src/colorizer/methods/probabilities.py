"""What a network's classes say besides one color: how sure it is, and which colors are likely."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizer.methods.propagation import Spread

AROUND = 1  # classes' pixels on each side of a point that are asked
PULL = 0.9  # of the likely colors' mass, what a hint takes where it decides alone
PASSES = 10  # of the clustering, which ends far sooner


@dataclass(frozen=True)
class LikelyColors:
    """The likely colors of a point, the most likely first.

    Attributes:
        ab: float32 (N, 2), CIELAB units.
        shares: float32 (N,), how likely each is; they sum to 1.
    """

    ab: NDArray[np.float32]
    shares: NDArray[np.float32]


def confidence(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how sure a network is: 1 less the entropy of its classes, of the largest possible.

    Args:
        probabilities: (Q, h, w), summing to 1 over Q.

    Returns:
        float32 (h, w), from 0, where all classes are alike, to 1, where one is certain.

    Example:
        >>> confidence(np.array([[[1.0, 0.5]], [[0.0, 0.5]]], np.float32))
        array([[1., 0.]], dtype=float32)
    """
    logarithms = np.log(probabilities, where=probabilities > 0, out=np.zeros_like(probabilities))
    entropy = -(probabilities * logarithms).sum(0)
    return np.asarray((1 - entropy / np.log(len(probabilities))).clip(0, 1), np.float32)


def likely_colors(
    probabilities: NDArray[np.float32],
    centers: NDArray[np.float32],
    place: tuple[float, float],
    *,
    count: int = 6,
    hints: Spread | None = None,
) -> LikelyColors:
    """Return the likely colors around a point: its classes, clustered.

    Args:
        probabilities: (Q, h, w), of the whole photograph.
        centers: (Q, 2), the classes' colors, CIELAB units.
        place: 0..1 each, shares of the photograph's width and height.
        count: how many colors, at most.
        hints: spread over the same photograph; where they count, their color comes first.

    Reference: Zhang et al. 2017, "Real-time user-guided image colorization with learned deep
    priors", section 3.3: the suggested palette.
    """
    y, x = _pixel(place, probabilities.shape[1:])
    window = np.s_[:, max(0, y - AROUND) : y + AROUND + 1, max(0, x - AROUND) : x + AROUND + 1]
    ab, masses = centers, probabilities[window].mean((1, 2))
    if hints is not None:
        row, column = _pixel(place, hints.share.shape)
        pull = PULL * hints.share[row, column]
        ab = np.concatenate((ab, hints.ab[None, :, row, column]))
        masses = np.append((1 - pull) * masses, pull)
    return _cluster(ab, masses / masses.sum(), count)


def _pixel(place: tuple[float, float], shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the row and column of a place."""
    height, width = shape
    return min(int(place[1] * height), height - 1), min(int(place[0] * width), width - 1)


def _cluster(ab: NDArray[np.float32], masses: NDArray[np.float32], count: int) -> LikelyColors:
    """Cluster colors, (N, 2), by k-means that counts each by its mass, the heaviest first.

    The first mean is the heaviest color, each other the one that matters most and is not near one.
    """
    means = ab[masses.argmax()][None]
    while len(means) < count:
        means = np.concatenate((means, ab[(masses * _apart(ab, means).min(1)).argmax()][None]))
    for _ in range(PASSES):
        nearest = _apart(ab, means).argmin(1)
        sums = np.bincount(nearest, masses, len(means))
        totals = np.stack([np.bincount(nearest, masses * axis, len(means)) for axis in ab.T], 1)
        means = np.where(sums[:, None] > 0, totals / sums[:, None].clip(min=1e-12), means)
    order = np.argsort(-sums, kind="stable")
    order = order[sums[order] > 0]
    return LikelyColors(means[order].astype(np.float32), sums[order].astype(np.float32))


def _apart(ab: NDArray[np.floating], means: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the squared distances of colors, (N, 2), from means, (M, 2): (N, M)."""
    squares: NDArray[np.floating] = np.square(ab[:, None] - means).sum(2)
    return squares
