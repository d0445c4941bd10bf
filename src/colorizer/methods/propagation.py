"""Spreads the colors of some pixels over what they were meant for, and no farther.

A pixel's color is mixed of the hints nearest to it, where near means: along a way that crosses few
edges of lightness and of the network's colors, over places that look like the hint's own. Beyond
`REACH` a hint counts for nothing, and the network's color stays. Without a network, hints reach
everywhere.

Reference: Yatziv and Sapiro 2006, "Fast image and video colorization using chrominance blending".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from colorizer.color.lab import rgb_to_lab
from colorizer.methods.geodesic import FARTHEST, nearest_hints
from colorizer.methods.hints import Hints, working_size

REACH = 2.5
"""Length of the ways, as `nearest_hints` measures them, at which a hint ends beside a network."""

WHOLE = 0.75 * REACH
"""Up to here a hint alone decides; from here on the network's color mixes in."""

UNIT = 10  # of CIELAB: a clear difference
GRAIN = 1.5  # pixels, the radius of a blur that takes the grain from lightness
ALIKE = 2  # CIELAB units: colors this near are one hint
TOUCHING = 1e-3  # a distance, so that a hint's own pixels have one too


@dataclass(frozen=True)
class Spread:
    """The colors of hints, spread.

    Attributes:
        ab: float32 (2, h, w), CIELAB units, the hints' colors.
        share: float32 (h, w), 0..1, how much they count beside a network's.
    """

    ab: NDArray[np.float32]
    share: NDArray[np.float32]

    def over(self, prior: NDArray[np.floating]) -> NDArray[np.float32]:
        """Lay the hints' colors over a network's, (2, h, w) at any size."""
        below = _resized(prior, self.share.shape)
        return below + self.share * (self.ab - below)


def guide(
    rgb: NDArray[np.uint8], hints: Hints, prior: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Color a photograph by hints.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        hints: of this photograph, from `Hints.collect`.
        prior: (2, h, w), CIELAB units, a network's colors for the whole photograph, at any size;
            None uses the hints alone.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels. A hinted
        pixel keeps its hint's color.

    Raises:
        ValueError: if the hints belong to a photograph of another size.
    """
    if prior is None:
        return spread(rgb, hints).ab
    return spread(rgb, hints, prior).over(prior)


def spread(
    rgb: NDArray[np.uint8], hints: Hints, prior: NDArray[np.floating] | None = None
) -> Spread:
    """Spread hints over a photograph, as `guide` does, and say how far they count."""
    height, width = working_size(*rgb.shape[:2])
    if hints.where.shape != (height, width):
        raise ValueError(f"hints of {hints.where.shape}; expected {(height, width)}")
    small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX, reducing_gap=3)
    planes = rgb_to_lab(np.asarray(small.filter(ImageFilter.GaussianBlur(GRAIN))))[:1]
    if prior is not None:
        planes = np.concatenate((planes, _resized(prior, (height, width))))
    features = np.ascontiguousarray(planes.transpose(1, 2, 0) / UNIT, np.float32)
    return _mix(features, hints, reach=np.inf if prior is None else REACH)


def _mix(features: NDArray[np.float32], hints: Hints, *, reach: float) -> Spread:
    """Mix the colors of the hints that are near, by the squares of how much nearer they are."""
    sources, colors = _sources(hints)
    distances, nearest = nearest_hints(features, sources, limit=reach)
    near = 1 / (distances + TOUCHING)
    weights = np.square((near - near[0] / FARTHEST).clip(min=0))
    sums = weights.sum(0)
    ab = np.einsum("khw,khwc->chw", weights, colors[nearest]) / np.where(sums > 0, sums, 1)
    ab = np.where(hints.where, hints.ab, ab).astype(np.float32)
    if np.isinf(reach):
        return Spread(ab, np.ones(sums.shape, np.float32))
    left = ((reach - distances[0]) / (REACH - WHOLE)).clip(0, 1)
    return Spread(ab, (left * left * (3 - 2 * left)).astype(np.float32))


def _sources(hints: Hints) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Number the hints by color: (H, W), -1 where there is none, and their colors (N, 2)."""
    given = hints.ab[:, hints.where].T
    _, numbers = np.unique(np.round(given / ALIKE), axis=0, return_inverse=True)
    numbers = numbers.ravel()
    sums = [np.bincount(numbers, plane) for plane in given.T]
    sources = np.full(hints.where.shape, -1, np.int32)
    sources[hints.where] = numbers
    return sources, (np.stack(sums, 1) / np.bincount(numbers)[:, None]).astype(np.float32)


def _resized(ab: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring colors, (2, h, w), to a height and width."""
    height, width = shape
    planes = (Image.fromarray(np.asarray(plane, np.float32)) for plane in ab)
    size = (width, height)
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in planes])
