from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.methods.graph_cuts import cut

APART = np.array([[0, 3.0], [3.0, 0]])


def energy(
    labels: NDArray[np.intp], costs: NDArray[np.floating], strength: NDArray[np.floating]
) -> float:
    total = float(np.take_along_axis(costs, labels[None], 0).sum())
    height, width = labels.shape
    for y, x in product(range(height), range(width)):
        for v, u in ((y + 1, x), (y, x + 1)):
            if v < height and u < width:
                share = 2 / (1 / strength[y, x] + 1 / strength[v, u])
                total += share * APART[labels[y, x], labels[v, u]]
    return total


@pytest.mark.parametrize("seed", range(5))
def test_two_labels_cost_the_least_possible(seed: int) -> None:
    draw = np.random.default_rng(seed)
    costs, strength = draw.random((2, 3, 3)), 0.01 + 0.2 * draw.random((3, 3))
    every = [np.array(labels).reshape(3, 3) for labels in product((0, 1), repeat=9)]
    least = min(energy(labels, costs, strength) for labels in every)
    assert energy(cut(costs, APART, strength), costs, strength) == pytest.approx(least)


def test_neighbors_that_matter_little_keep_the_label_that_costs_them_least() -> None:
    costs = np.random.default_rng(9).random((4, 5, 6))
    apart = 1 - np.eye(4)
    assert (cut(costs, apart, np.full((5, 6), 1e-6)) == costs.argmin(0)).all()


def test_neighbors_that_matter_much_all_agree() -> None:
    costs = np.random.default_rng(9).random((4, 5, 6))
    apart = 1 - np.eye(4)
    labels = cut(costs, apart, np.full((5, 6), 1e3))
    assert len(np.unique(labels)) == 1
