"""Image colorization using similar images: superpixels take the color of those that look alike.

Both pictures are cut into superpixels. One of the photograph is compared with all of the reference:
by Gabor responses, then a descriptor, then intensity, then its deviation, the nearer half staying
each time; of those left, the nearest by all four together gives its mean color. Voting in the
photograph corrects single wrong matches, and colors spread from the superpixels' middles.

Reference: Gupta, Chia, Rajan, Ng and Huang 2012, "Image colorization using similar images".

Left open there, and chosen here: DAISY in place of SURF, whose patent kept it out of libraries;
distances are divided by their mean before they are weighted; superpixels vote within the
photograph's segments (Felzenszwalb): where most of a segment is of one cluster of color, the others
take the nearest color of that cluster.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from skimage.segmentation import felzenszwalb

from colorizer.methods.hints import Hints
from colorizer.methods.levin2004 import propagate
from colorizer.methods.reference import at_working_size, match_lightness
from colorizer.methods.superpixels import Superpixels

WEIGHTS = {"gabor": 0.2, "daisy": 0.5, "intensity": 0.2, "deviation": 0.1}
"""Of the features, in the order in which they halve the candidates."""

SCRIBBLE = 1  # pixels around a superpixel's middle that get its color
ALIKE = 5.0  # CIELAB units: colors of a segment that differ by less agree
MAJORITY = 0.6  # of a segment's superpixels: from here on the others follow


def colorize(
    rgb: NDArray[np.uint8], references: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float32]:
    """Color a photograph like others.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        references: uint8 (h, w, 3) each, in color; superpixels are matched with those of all.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.
    """
    target = Superpixels.cut(at_working_size(rgb))
    sources = []
    for lab in map(at_working_size, references):
        sources.append(Superpixels.cut(lab, match_lightness(lab[0], target.lightness)))
    candidates = {
        name: np.concatenate([source.features[name] for source in sources]) for name in WEIGHTS
    }
    colors = np.concatenate([source.colors for source in sources])
    matched = colors[match(target.features, candidates)]
    return propagate(target.lightness, scribble(target, vote(target, matched)))


def match(
    features: dict[str, NDArray[np.float32]], candidates: dict[str, NDArray[np.float32]]
) -> NDArray[np.intp]:
    """Return for each superpixel, N of them, the candidate that looks most like it, (N,)."""
    distances = {name: cdist(features[name], candidates[name]) for name in WEIGHTS}
    total = np.zeros_like(distances["gabor"])
    for name, weight in WEIGHTS.items():
        total += weight * distances[name] / max(distances[name].mean(), 1e-9)
    left = np.ones(total.shape, bool)
    for name in WEIGHTS:
        apart = np.where(left, distances[name], np.inf)
        half = (np.count_nonzero(left[0]) + 1) // 2
        kept = np.argpartition(apart, half - 1, axis=1)[:, :half]
        left[:] = False
        np.put_along_axis(left, kept, True, axis=1)
    nearest: NDArray[np.intp] = np.where(left, total, np.inf).argmin(1)
    return nearest


def vote(target: Superpixels, colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correct the colors of superpixels, (N, 2), that differ from most of their segment."""
    segments = felzenszwalb(target.lab[0] / 100, scale=100, sigma=0.8, min_size=200)
    members = segments[target.centroids[:, 0], target.centroids[:, 1]]
    voted = colors.copy()
    for segment in np.unique(members):
        inside = np.flatnonzero(members == segment)
        if np.ptp(colors[inside], axis=0).max() < ALIKE:
            continue
        upper = _above(colors[inside])
        many = upper if 2 * upper.sum() >= len(inside) else ~upper
        if many.sum() < MAJORITY * len(inside):
            continue
        most, others = colors[inside[many]], inside[~many]
        voted[others] = most[cdist(colors[others], most).argmin(1)]
    return voted


def _above(colors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Divide colors, (N, 2), into two clusters: across the axis that they differ along most."""
    centered = colors - colors.mean(0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    return np.asarray(centered @ axes[:, -1] > 0)


def scribble(target: Superpixels, colors: NDArray[np.float32]) -> Hints:
    """Draw each superpixel's color, (N, 2), around its middle."""
    height, width = target.labels.shape
    where, ab = np.zeros((height, width), bool), np.zeros((2, height, width), np.float32)
    for down in range(-SCRIBBLE, SCRIBBLE + 1):
        for right in range(-SCRIBBLE, SCRIBBLE + 1):
            rows = (target.centroids[:, 0] + down).clip(0, height - 1)
            columns = (target.centroids[:, 1] + right).clip(0, width - 1)
            own = target.labels[rows, columns] == np.arange(len(colors))
            where[rows[own], columns[own]] = True
            ab[:, rows[own], columns[own]] = colors[own].T
    return Hints(where, ab)
