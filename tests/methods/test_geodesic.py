"""Distances against SciPy's Dijkstra, and which hints a pixel gets."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import lil_matrix
from scipy.sparse.csgraph import dijkstra

from colorizer.methods.geodesic import FARTHEST, RANKS, nearest_hints


def sources(shape: tuple[int, int], *places: tuple[int, int]) -> NDArray[np.int32]:
    numbers = np.full(shape, -1, np.int32)
    for number, place in enumerate(places):
        numbers[place] = number
    return numbers


def by_scipy(features: NDArray[np.float32], place: tuple[int, int]) -> NDArray[np.float64]:
    """The lengths of all ways from one hint, step by step as the docstring says them."""
    height, width, _ = features.shape
    steps = lil_matrix((height * width,) * 2)
    for y, x in np.ndindex(height, width):
        for down, right in itertools.product((-1, 0, 1), repeat=2):
            v, u = y + down, x + right
            if (down or right) and 0 <= v < height and 0 <= u < width:
                unlike = np.square(features[v, u] - features[place]).sum()
                edge = np.square(features[v, u] - features[y, x]).sum()
                step = 2 * np.hypot(down, right) / np.hypot(height, width)
                steps[y * width + x, v * width + u] = step * (1 + unlike) + edge
    start = place[0] * width + place[1]
    lengths: NDArray[np.float64] = dijkstra(steps.tocsr(), indices=start)
    return lengths.reshape(height, width)


def test_distances_are_those_of_the_shortest_ways() -> None:
    features = np.random.default_rng(0).uniform(0, 1, (9, 13, 3)).astype(np.float32)
    places = (2, 3), (7, 10)
    distances, nearest = nearest_hints(features, sources((9, 13), *places), limit=np.inf)
    expected = np.stack([by_scipy(features, place) for place in places])
    np.testing.assert_array_equal(nearest[0], expected.argmin(0))
    np.testing.assert_allclose(distances[0], expected.min(0), rtol=1e-5)


def test_hints_come_in_order_and_far_ones_not_at_all() -> None:
    places = [(0, x) for x in range(0, 40, 5)]
    distances, nearest = nearest_hints(
        np.zeros((1, 41, 1), np.float32), sources((1, 41), *places), limit=np.inf
    )
    step = 2 / np.hypot(1, 41)
    assert (nearest[0, 0, 5:36:5] == np.arange(1, 8)).all()
    np.testing.assert_allclose(distances[:2, 0, 12], [2 * step, 3 * step], rtol=1e-5)
    assert nearest[:2, 0, 12].tolist() == [2, 3]
    known = np.isfinite(distances)
    assert (known == (nearest >= 0)).all()
    assert (
        distances[known] <= (FARTHEST * distances[:1] + step + 1e-6).repeat(RANKS, 0)[known]
    ).all()


def test_ways_end_at_the_limit() -> None:
    distances, _ = nearest_hints(
        np.zeros((1, 101, 1), np.float32), sources((1, 101), (0, 50)), limit=0.5
    )
    reached = np.flatnonzero(np.isfinite(distances[0, 0]))
    assert (reached[0], reached[-1]) == (25, 75)
