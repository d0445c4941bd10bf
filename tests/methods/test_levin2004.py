import numpy as np
import pytest

from colorizer.methods.hints import Hints
from colorizer.methods.levin2004 import propagate


def hints(shape: tuple[int, int], given: dict[tuple[int, int], tuple[float, float]]) -> Hints:
    where, ab = np.zeros(shape, bool), np.zeros((2, *shape), np.float32)
    for place, color in given.items():
        where[place] = True
        ab[:, *place] = color
    return Hints(where, ab)


def test_color_stops_at_an_edge_of_lightness() -> None:
    lightness = np.full((20, 30), 30, np.float32)
    lightness[:, 15:] = 70
    ab = propagate(lightness, hints((20, 30), {(10, 3): (40, 0), (10, 27): (0, -40)}))
    assert ab[:, :, :13] == pytest.approx(np.broadcast_to([[[40]], [[0]]], (2, 20, 13)), abs=1)
    assert ab[:, :, 17:] == pytest.approx(np.broadcast_to([[[0]], [[-40]]], (2, 20, 13)), abs=1)


def test_a_free_pixel_is_the_weighted_mean_of_its_neighbors() -> None:
    lightness = np.random.default_rng(0).normal(50, 10, (12, 12)).astype(np.float32)
    given = hints((12, 12), {(0, 0): (10, 0), (11, 11): (-10, 5), (5, 5): (0, 30)})
    ab = propagate(lightness, given)
    assert ab[:, given.where] == pytest.approx(given.ab[:, given.where])
    assert -10.001 <= ab[0].min() <= ab[0].max() <= 10.001  # no mean is beyond what it is of
    assert -0.001 <= ab[1].min() <= ab[1].max() <= 30.001


def test_hints_everywhere_stay() -> None:
    given = Hints(np.ones((3, 4), bool), np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    assert (propagate(np.zeros((3, 4), np.float32), given) == given.ab).all()
