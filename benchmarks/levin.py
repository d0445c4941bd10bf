"""What hints are compared with: "Colorization using optimization", as most people would write it.

Reference: Levin, Lischinski and Weiss 2004. Neighbors of similar lightness get similar colors: a
pixel's color is the hint's, or else the mean of its neighbors' colors, weighted by the similarity
of their lightness.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import uniform_filter
from scipy.sparse.linalg import spsolve

from colorizer.methods.hints import Hints

VARIANCE_SHARE = 0.3  # sigma^2 of the lightness' variance around a pixel, as in their code
LEAST_VARIANCE = 0.05  # of L*, where lightness is even
LEAST_WEIGHT = 1e-6  # so that no edge cuts a region off
NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))  # half of the eight: symmetry gives the others


def solve(lightness: NDArray[np.float32], given: Hints) -> NDArray[np.float32]:
    """Spread hints over L*, (H, W), and return ab, (2, H, W)."""
    rows, columns, weights = (np.concatenate(part) for part in zip(*_links(lightness), strict=True))
    one_way: Any = sparse.coo_matrix((weights, (rows, columns)), (lightness.size,) * 2).tocsr()
    links = one_way + one_way.T
    free = (~given.where.ravel()).astype(float)
    normal = sparse.diags(free / np.asarray(links.sum(1)).ravel()) @ links
    right = np.where(given.where, given.ab, 0).reshape(2, -1).T
    ab = spsolve((sparse.identity(lightness.size) - normal).tocsc(), right)
    return ab.T.reshape(given.ab.shape).astype(np.float32)


def _links(lightness: NDArray[np.float32]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield pairs of neighbors, as flat indices, and their weights, for each of `NEIGHBORS`."""
    level = lightness.astype(np.float64)
    height, width = level.shape
    mean = uniform_filter(level, 3, mode="nearest")
    variance = (uniform_filter(level**2, 3, mode="nearest") - mean**2).clip(min=0)
    variance = VARIANCE_SHARE * variance + LEAST_VARIANCE
    places = np.arange(level.size).reshape(level.shape)
    for down, right in NEIGHBORS:
        first = np.s_[: height - down, max(0, -right) : width - max(0, right)]
        second = np.s_[down:, max(0, right) : width + min(0, right)]
        apart = (level[first] - level[second]) ** 2
        weight = np.exp(-apart / (variance[first] + variance[second])) + LEAST_WEIGHT
        yield places[first].ravel(), places[second].ravel(), weight.ravel()
