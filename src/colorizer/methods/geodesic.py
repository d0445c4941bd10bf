"""How far each pixel is from the hints nearest to it, on the way that crosses the fewest edges."""

import math
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.color.kernels import compiled

RANKS = 6  # hints that a pixel's color is mixed of, at most
FARTHEST = 3.0  # times as far as the nearest one: hints beyond that count for nothing
STEPS = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)])


def nearest_hints(
    features: NDArray[np.float32], sources: NDArray[np.int32], *, limit: float
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Find the hints nearest to each pixel, and how far they are.

    A step from pixel r to its neighbor s, on a way that began at the hinted pixel h, is as long as
    2 |r - s| / diagonal * (1 + |f_s - f_h|^2) + |f_s - f_r|^2: cheap on what looks like the hint's
    own place, dear elsewhere and across edges.

    Args:
        features: (H, W, K), what places look like, in units of a clear difference.
        sources: (H, W), the number of each pixel's hint; negative where there is none.
        limit: the length at which ways end.

    Returns:
        Distances (RANKS, H, W), ascending, infinite where there are fewer hints within the limit or
        within `FARTHEST` times the nearest one's distance; and the hints' numbers, there -1.

    Reference: Yatziv and Sapiro 2006, "Fast image and video colorization using chrominance
    blending", whose distance is the lightness' change along the way.
    """
    shape = RANKS, *sources.shape
    distances, nearest = np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int32)
    near = 2 / np.hypot(*sources.shape)
    _nearest_loop(features, sources, float(near), float(limit), distances, nearest)
    return distances, nearest


@compiled
def _nearest_loop(
    features: Any, sources: Any, near: Any, limit: Any, distances: Any, nearest: Any
) -> None:
    """Run Dijkstra's algorithm from all hints at once; a pixel takes `RANKS` of them in turn."""
    height, width = sources.shape
    ways = [(0.0, place, place) for place in range(height * width) if sources.flat[place] >= 0]
    while len(ways) > 0:
        length, place, origin = heappop(ways)
        y, x, source = place // width, place % width, sources.flat[origin]
        rank = _rank(nearest[:, y, x], source)
        if rank < 0 or (rank > 0 and length > FARTHEST * distances[0, y, x] + near):
            continue
        distances[rank, y, x], nearest[rank, y, x] = length, source
        first = features[origin // width, origin % width]
        for down, right in STEPS:
            v, u = y + down, x + right
            if not (0 <= v < height and 0 <= u < width) or _rank(nearest[:, v, u], source) < 0:
                continue
            edge = unlike = 0.0
            for k in range(len(first)):
                edge += (features[v, u, k] - features[y, x, k]) ** 2
                unlike += (features[v, u, k] - first[k]) ** 2
            step = near * math.sqrt(down * down + right * right)
            further = length + step * (1 + unlike) + edge
            if further < limit:
                heappush(ways, (further, v * width + u, origin))


@compiled
def _rank(taken: Any, source: Any) -> int:
    """Return the first free rank; -1 if there is none, or the hint has one already."""
    for rank in range(len(taken)):
        if taken[rank] == source:
            return -1
        if taken[rank] < 0:
            return rank
    return -1
