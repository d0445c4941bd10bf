"""Colorization using optimization: neighbors of similar lightness get similar colors.

A pixel's color is its hint's, or else the mean of its eight neighbors' colors, weighted by the
similarity of their lightness: a sparse system of equations, solved here by factorization.

Reference: Levin, Lischinski and Weiss 2004, "Colorization using optimization".

Left open there, and chosen here: the variance that similarity is measured by is that of the 3x3
pixels around, of which `VARIANCE_SHARE` is taken, as in the authors' published code. Their weights
sum to 1 over each pixel's neighbors; the sum of both directions makes the system symmetric.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import uniform_filter
from scipy.sparse.linalg import splu

from colorizer.methods.hints import Hints

VARIANCE_SHARE = 0.3
LEAST_VARIANCE = 0.05  # of L*, where lightness is even
LEAST_WEIGHT = 1e-6  # so that no edge cuts a region off
NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))  # half of the eight: symmetry gives the others


def propagate(lightness: NDArray[np.float32], hints: Hints) -> NDArray[np.float32]:
    """Spread hints over a photograph.

    Args:
        lightness: (H, W), L*, 0..100.
        hints: of the same size, one at least.

    Returns:
        float32 (2, H, W), CIELAB units; a hinted pixel keeps its color.
    """
    links = _links(lightness)
    free = ~hints.where.ravel()
    if not free.any():
        return hints.ab.astype(np.float32)
    laplacian = (sparse.diags(np.asarray(links.sum(1)).ravel()) - links).tocsr()[free]
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0}
    factors = splu(laplacian[:, free].tocsc(), **symmetric, options={"SymmetricMode": True})
    ab = hints.ab.reshape(2, -1).astype(np.float64).T
    ab[free] = factors.solve(-(laplacian[:, ~free] @ ab[~free]))
    return ab.T.reshape(hints.ab.shape).astype(np.float32)


def _links(lightness: NDArray[np.float32]) -> Any:
    """Return how similar neighbors are, a sparse symmetric matrix (H * W, H * W)."""
    parts = zip(*_pairs(lightness), strict=True)
    rows, columns, weights = (np.concatenate(part) for part in parts)
    one_way: Any = sparse.coo_matrix((weights, (rows, columns)), (lightness.size,) * 2).tocsr()
    return one_way + one_way.T


def _pairs(lightness: NDArray[np.float32]) -> Iterator[tuple[NDArray[Any], ...]]:
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
