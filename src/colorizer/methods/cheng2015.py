"""Deep colorization: small networks that map what a pixel looks like to its color.

A pixel is described by the lightness of its 7x7 surroundings, by DAISY, and by what the place
shows. Photographs are clustered by what they show as a whole. Of each cluster, a fully connected
network with three hidden layers learns a pixel's color from its description. A joint bilateral
filter, led by lightness, smooths what the network says.

Reference: Cheng, Yang and Sheng 2015, "Deep colorization", and its extended version of 2016, which
adds the clusters.

Left open there, and chosen here: what a place shows is said by an encoder's features at it, reduced
by PCA to as many as the authors had labels, in place of a scene parser's labels; k-means makes the
clusters, `SHARE` photographs each at least, in place of repeated division; rectified linear units,
AdamW; CIELAB in place of YUV; the filter's size and widths.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans
from scipy.ndimage import map_coordinates
from scipy.spatial.distance import cdist
from skimage.feature import daisy

from colorizer.methods.reference import at_size
from colorizer.methods.small_networks import Layers, forward, train

LONGER_SIDE = 256  # pixels at which colors are found
PATCH = 7  # pixels
DAISY_RADIUS = 15  # pixels
SEMANTIC = 47  # components of the encoder's features
PHOTOGRAPHS = 400  # that are learned from, at most
PIXELS = 1000  # of each
SHARE, MOST_CLUSTERS = 40, 8
RADIUS, WIDTH, TOLERANCE = 5, 3.0, 6.0  # of the filter: pixels, pixels, L*
SEED = 7

Array = NDArray[np.float32]

Describe = Callable[[NDArray[np.uint8]], Array]
"""From a photograph, of which it uses the lightness, to an encoder's features, (C, h, w)."""


@dataclass(frozen=True)
class Networks:
    """What is learned.

    Attributes:
        mean: (C,), of the encoder's features.
        axes: (C, S), their first principal axes.
        middles: (K, C), the clusters', in means of the features over a photograph.
        layers: of each cluster's network.
    """

    mean: Array
    axes: Array
    middles: Array
    layers: list[Layers]

    def save(self, path: Path) -> None:
        """Write them to an .npz file."""
        arrays = {"mean": self.mean, "axes": self.axes, "middles": self.middles}
        for place, layers in enumerate(self.layers):
            arrays |= {f"{place}.{name}": array for name, array in layers.items()}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def open(cls, path: Path) -> "Networks":
        """Read what `save` wrote."""
        with np.load(path) as file:
            arrays = dict(file)
        layers = [
            {n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(f"{place}.")}
            for place in range(len(arrays["middles"]))
        ]
        return cls(arrays["mean"], arrays["axes"], arrays["middles"], layers)


def fit(photographs: Iterable[NDArray[np.uint8]], describe: Describe) -> Networks:
    """Learn colors from photographs, of which the first `PHOTOGRAPHS` are taken.

    Args:
        photographs: uint8 (H, W, 3) each, in color; one at least.
        describe: the encoder.
    """
    random = np.random.default_rng(SEED)
    seen, places, labs = [], [], []
    for _, rgb in zip(range(PHOTOGRAPHS), photographs, strict=False):
        lab = at_size(rgb, LONGER_SIDE)
        many = min(PIXELS, lab[0].size)
        rows_and_columns = np.divmod(random.choice(lab[0].size, many, False), lab.shape[2])
        seen.append(describe(rgb))
        places.append(np.stack(rows_and_columns))
        labs.append(lab)
    columns = np.concatenate([part.reshape(len(part), -1) for part in seen], axis=1)
    mean = columns.mean(1)
    _, axes = np.linalg.eigh(np.cov(columns))
    axes = np.ascontiguousarray(axes[:, -SEMANTIC:], np.float32)
    described, colors = [], []
    for part, lab, where in zip(seen, labs, places, strict=True):
        described.append(features_at(lab[0], _project(part, mean, axes), where))
        colors.append(lab[1:, where[0], where[1]].T)
    middles, members = _cluster(np.stack([part.mean((1, 2)) for part in seen]))
    layers = []
    for cluster in range(len(middles)):
        own = np.flatnonzero(members == cluster)
        x, y = (np.concatenate([parts[n] for n in own]) for parts in (described, colors))
        layers.append(train(x, y, seed=SEED))
    return Networks(mean, axes, middles, layers)


def _cluster(wholes: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return clusters' middles, (K, C), and the cluster of each photograph, (N, C): (N,)."""
    count = max(1, min(MOST_CLUSTERS, len(wholes) // SHARE))
    middles = kmeans(wholes.astype(np.float64), count, rng=SEED)[0].astype(np.float32)
    filled, members = np.unique(cdist(wholes, middles).argmin(1), return_inverse=True)
    return middles[filled], members


def colorize(rgb: NDArray[np.uint8], networks: Networks, describe: Describe) -> Array:
    """Color a photograph by what was learned.

    Args:
        rgb: uint8 (H, W, 3), sRGB; only its lightness is used.
        networks: what `fit` returned.
        describe: the encoder that it was given.

    Returns:
        float32 (2, h, w), CIELAB units; the longer side has at most `LONGER_SIDE` pixels.
    """
    lightness, seen = at_size(rgb, LONGER_SIDE)[0], describe(rgb)
    cluster = cdist(seen.mean((1, 2))[None], networks.middles).argmin()
    everywhere = np.indices(lightness.shape).reshape(2, -1)
    semantic = _project(seen, networks.mean, networks.axes)
    described = features_at(lightness, semantic, everywhere)
    ab = forward(networks.layers[cluster], described).T.reshape(2, *lightness.shape)
    return refine(ab, lightness)


def features_at(lightness: Array, semantic: Array, where: NDArray[np.integer]) -> Array:
    """Describe pixels: patch, DAISY, and what the place shows.

    Args:
        lightness: (H, W), L*.
        semantic: (S, h, w), of the whole picture.
        where: (2, P), rows and columns.

    Returns:
        (P, PATCH * PATCH + 32 + S).
    """
    level, margin = lightness / 100, PATCH // 2
    padded = np.pad(level, margin, mode="reflect")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH))[*where]
    surrounded = np.pad(level, DAISY_RADIUS, mode="reflect")
    shapes = daisy(surrounded, step=1, radius=DAISY_RADIUS, rings=1, histograms=3)[*where]
    scale = np.array([[n / m] for n, m in zip(semantic.shape[1:], level.shape, strict=True)])
    at = (where + 0.5) * scale - 0.5
    shown = [map_coordinates(plane, at, order=1, mode="nearest") for plane in semantic]
    parts = patches.reshape(len(patches), -1), shapes, np.stack(shown, axis=1)
    return np.concatenate(parts, axis=1).astype(np.float32)


def refine(ab: Array, lightness: Array) -> Array:
    """Smooth colors, (2, H, W), where lightness, (H, W), is even: a joint bilateral filter."""
    height, width = lightness.shape
    around = [(RADIUS, RADIUS)] * 2
    levels, colors = np.pad(lightness, around, "edge"), np.pad(ab, [(0, 0), *around], "edge")
    sums, total = np.zeros_like(ab), np.zeros_like(lightness)
    for down, right in product(range(2 * RADIUS + 1), repeat=2):
        window = np.s_[..., down : down + height, right : right + width]
        away = ((down - RADIUS) ** 2 + (right - RADIUS) ** 2) / WIDTH**2
        apart = np.square(levels[window] - lightness) / np.float32(TOLERANCE**2)
        share = np.exp(-(apart + np.float32(away)) / 2)
        sums += share * colors[window]
        total += share
    return sums / total


def _project(seen: Array, mean: Array, axes: Array) -> Array:
    """Reduce an encoder's features, (C, h, w), to their principal components, (S, h, w)."""
    return np.tensordot(axes.T, seen - mean[:, None, None], 1).astype(np.float32)
