"""Automatic image colorization via multimodal predictions: probable colors, then graph cuts.

The reference tells how probable each color is for what a place looks like; a graph cut then chooses
the colors of all pixels at once, so that each is probable where it is and neighbors change color
only where the reference's colors change.

Reference: Charpiat, Hofmann and Schoelkopf 2008, "Automatic image colorization via multimodal
predictions".

Left open there, and chosen here: DAISY at three scales in place of SURF; the reference is known by
`SAMPLES` of its pixels, one in each cell of a grid; the kernel's width is the median distance to
the `NEAR`th sample; labels that are improbable nearly everywhere are left out; in place of a
descent between the bins, a pixel takes the mean of its bin and the bins around, by probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from skimage.feature import daisy

from colorizer.methods.graph_cuts import cut
from colorizer.methods.hints import Hints
from colorizer.methods.reference import at_size, match_lightness

LONGER_SIDE = 256
"""Pixels at which colors are chosen."""

BINS = 73
SCALES = (5, 10, 20)  # pixels, DAISY's radii
COMPONENTS = 27  # of the features that stay
SAMPLES = 4000  # of all references together
NEAR = 10
SMOOTHNESS = 3.0  # rho, of the cost of two neighbors' colors
LEAST_VARIATION = 2.0  # CIELAB units between neighbors, where the reference is even
CERTAIN = 1e4  # the cost of disobeying a landmark
AROUND = 15.0  # CIELAB units: bins this near are mixed

Ab = NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """What the reference says of a photograph's pixels.

    Attributes:
        probabilities: float32 (N, H, W), of each bin, summing to 1.
        bins: float32 (N, 2), their colors.
        variation: float32 (H, W), how much color is expected to change around.
        reliability: float32 (H, W), 0..1, how much of the reference looks like this at all.
    """

    probabilities: NDArray[np.float32]
    bins: Ab
    variation: NDArray[np.float32]
    reliability: NDArray[np.float32]


def colorize(
    rgb: NDArray[np.uint8],
    references: Sequence[NDArray[np.uint8]],
    landmarks: Hints | None = None,
) -> Ab:
    """Color a photograph like others.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        references: uint8 (h, w, 3) each, in color.
        landmarks: colors that a person gives to some pixels.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.
    """
    lightness = at_size(rgb, LONGER_SIDE)[0]
    found = predict(lightness, [at_size(reference, LONGER_SIDE) for reference in references])
    costs = -np.log(found.probabilities + 1e-4) * (0.5 + 0.5 * found.reliability)
    fixed = None if landmarks is None else _fixed(landmarks, found.bins, lightness.shape)
    if fixed is not None:
        costs += CERTAIN * ((fixed >= 0) & (np.arange(len(costs))[:, None, None] != fixed))
    strength = SMOOTHNESS / np.maximum(found.variation, LEAST_VARIATION)
    labels = cut(costs, cdist(found.bins, found.bins), strength)
    ab = _between(labels, found)
    return ab if fixed is None else np.where(fixed >= 0, found.bins[fixed].transpose(2, 0, 1), ab)


def predict(
    lightness: NDArray[np.float32], references: Sequence[NDArray[np.float32]]
) -> Prediction:
    """Estimate how probable each color is for each pixel, by Parzen windows.

    Args:
        lightness: (H, W), L*.
        references: CIELAB (3, h, w) each.
    """
    seen, colors, changes = [], [], []
    for lab in references:
        side = max(1.0, np.sqrt(lab[0].size * len(references) / SAMPLES))
        rows, columns = (np.arange(0, n, side).astype(int) for n in lab.shape[1:])
        place = np.ix_(rows, columns)
        described = describe(match_lightness(lab[0], lightness))
        seen.append(described[place].reshape(-1, described.shape[-1]))
        colors.append(lab[1:][:, rows[:, None], columns].reshape(2, -1).T)
        change = np.hypot(*np.gradient(lab[1])) + np.hypot(*np.gradient(lab[2]))
        changes.append(change[place].ravel())
    samples, ab, change = map(np.concatenate, (seen, colors, changes))
    mean, axes = _principal(samples)
    members, bins = adaptive_bins(ab)
    weights = _windows(describe(lightness).reshape(-1, len(mean)), samples, mean, axes)
    totals = weights.sum(1)
    shares = weights @ np.eye(len(bins), dtype=np.float32)[members] / totals[:, None]
    variation = weights @ change / totals
    return Prediction(
        shares.T.reshape(-1, *lightness.shape).astype(np.float32),
        bins,
        variation.reshape(lightness.shape).astype(np.float32),
        (totals / (totals + np.median(totals))).reshape(lightness.shape).astype(np.float32),
    )


def describe(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe the surroundings of each pixel: L* and DAISY at three scales, (H, W, C)."""
    planes = [lightness[..., None] / 100]
    for radius in SCALES:
        padded = np.pad(lightness / 100, radius, mode="reflect")
        planes.append(daisy(padded, step=1, radius=radius, rings=1, histograms=4, orientations=8))
    return np.concatenate(planes, axis=-1).astype(np.float32)


def adaptive_bins(ab: Ab, count: int = BINS) -> tuple[NDArray[np.intp], Ab]:
    """Divide colors, (N, 2), into bins, the fullest across its longer side, until they are enough.

    Returns:
        Each color's bin, (N,), and the bins' mean colors, (count or fewer, 2).
    """
    parts = [np.arange(len(ab))]
    while len(parts) < count:
        spreads = [len(part) * np.ptp(ab[part], axis=0).max() for part in parts]
        fullest = int(np.argmax(spreads))
        if spreads[fullest] == 0:
            break
        part = parts.pop(fullest)
        axis = np.ptp(ab[part], axis=0).argmax()
        lowest, highest = ab[part, axis].min(), ab[part, axis].max()
        above = ab[part, axis] > (lowest + highest) / 2
        parts += [part[~above], part[above]]
    members = np.empty(len(ab), np.intp)
    for number, part in enumerate(parts):
        members[part] = number
    return members, np.array([ab[part].mean(0) for part in parts], np.float32)


def _principal(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of features, (N, C), and their first principal axes, (C, `COMPONENTS`)."""
    mean = samples.mean(0)
    _, axes = np.linalg.eigh(np.cov((samples - mean).T))
    return mean, np.asarray(axes[:, -COMPONENTS:], np.float32)


def _windows(
    features: NDArray[np.float32],
    samples: NDArray[np.float32],
    mean: NDArray[np.float32],
    axes: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return how near each feature, (P, C), is to each sample, (N, C): Gaussian weights (P, N)."""
    theirs = (samples - mean) @ axes
    weights = np.empty((len(features), len(samples)), np.float32)
    for rows in np.array_split(np.arange(len(features)), max(1, len(features) // 4096)):
        weights[rows] = cdist((features[rows] - mean) @ axes, theirs, "sqeuclidean")
    some = weights[:: max(1, len(weights) // 2000)]
    near = min(NEAR, len(samples) - 1)
    width = max(float(np.median(np.partition(some, near, axis=1)[:, near])), 1e-9)
    np.exp(-weights / width, out=weights)
    weights += 1e-12
    return weights


def _fixed(landmarks: Hints, bins: Ab, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the label of each landmark at the working size, (H, W); -1 where there is none."""
    rows, columns = np.nonzero(landmarks.where)
    nearest = cdist(landmarks.ab[:, rows, columns].T, bins).argmin(1)
    height, width = landmarks.where.shape
    fixed = np.full(shape, -1, np.intp)
    fixed[rows * shape[0] // height, columns * shape[1] // width] = nearest
    return fixed


def _between(labels: NDArray[np.intp], found: Prediction) -> Ab:
    """Mix each pixel's bin with those around it, by their probability."""
    near = (cdist(found.bins, found.bins) < AROUND).astype(np.float32)
    sums, totals = np.zeros((2, *labels.shape), np.float32), np.zeros(labels.shape, np.float32)
    for number, color in enumerate(found.bins):
        share = found.probabilities[number] * near[labels, number]
        share = np.where(labels == number, share + np.float32(1e-3), share)
        sums += share * color[:, None, None]
        totals += share
    return np.asarray(sums / totals, np.float32)
