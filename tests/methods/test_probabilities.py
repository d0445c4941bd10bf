"""How sure a network is, and its likely colors, of probabilities made by hand."""

import numpy as np
import pytest

from colorizer.methods.probabilities import confidence, likely_colors
from colorizer.methods.propagation import Spread

CENTERS = np.array([[0, 0], [10, 0], [60, 40], [60, 50], [0, -50]], np.float32)


def everywhere(*masses: float) -> np.ndarray:
    return np.broadcast_to(np.array(masses, np.float32)[:, None, None], (len(masses), 4, 6)).copy()


def test_confidence_is_one_less_the_share_of_the_largest_entropy() -> None:
    probabilities = everywhere(1, 0, 0, 0, 0)
    probabilities[:, :, 2:4] = 0.2
    probabilities[:, :, 4:] = np.array([0.5, 0.5, 0, 0, 0])[:, None, None]
    found = confidence(probabilities)
    assert found.dtype == np.float32
    expected = [1, 1, 0, 0, 1 - np.log(2) / np.log(5), 1 - np.log(2) / np.log(5)]
    np.testing.assert_allclose(found, np.broadcast_to(expected, (4, 6)), atol=1e-6)


def test_likely_colors_are_clusters_the_heaviest_first() -> None:
    found = likely_colors(everywhere(0.1, 0.1, 0.25, 0.25, 0.3), CENTERS, (0.5, 0.5), count=3)
    np.testing.assert_allclose(found.shares, [0.5, 0.3, 0.2], atol=1e-6)
    np.testing.assert_allclose(found.ab, [[60, 45], [0, -50], [5, 0]], atol=1e-4)


def test_likely_colors_are_those_of_the_point() -> None:
    probabilities = everywhere(0, 0, 1, 0, 0)
    probabilities[:, :, 3:] = everywhere(0, 0, 0, 0, 1)[:, :, 3:]
    for place, color in (((0.0, 0.0), CENTERS[2]), ((1.0, 1.0), CENTERS[4])):
        found = likely_colors(probabilities, CENTERS, place)
        assert found.shares.tolist() == [1]
        np.testing.assert_allclose(found.ab, [color])


@pytest.mark.parametrize(("share", "first"), [(1.0, [-40, 40]), (0.0, [60, 40])])
def test_likely_colors_obey_hints_where_they_count(share: float, first: list[float]) -> None:
    ab = np.broadcast_to(np.array([-40, 40], np.float32)[:, None, None], (2, 8, 12))
    hints = Spread(ab, np.full((8, 12), share, np.float32))
    found = likely_colors(everywhere(0.1, 0, 0.9, 0, 0), CENTERS, (0.5, 0.5), hints=hints)
    np.testing.assert_allclose(found.ab[0], first)
    assert found.shares.sum() == pytest.approx(1)
