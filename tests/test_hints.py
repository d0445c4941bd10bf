"""Hints: Levin's optimization against worked examples, a direct solution, and its own extremes."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from colorizer.color import rgb_to_lab
from colorizer.errors import ColorizerError
from colorizer.hints import LONGER_SIDE, PRIOR_WEIGHT, Hint, Hints, _links, guide, spread

RED, BLUE = np.array([60.0, 40.0], np.float32), np.array([10.0, -50.0], np.float32)


def hints(shape: tuple[int, int], given: dict[tuple[int, int], NDArray[np.float32]]) -> Hints:
    where, ab = np.zeros(shape, bool), np.zeros((2, *shape), np.float32)
    for place, colour in given.items():
        where[place] = True
        ab[(slice(None), *place)] = colour
    return Hints(where, ab)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0, 100, shape)


def test_one_hint_colours_everything() -> None:
    ab = spread(noise(20, 30), hints((20, 30), {(3, 4): RED}))
    np.testing.assert_allclose(ab, np.broadcast_to(RED[:, None, None], ab.shape), rtol=1e-3)


def test_grey_hints_colour_nothing() -> None:
    ab = spread(noise(20, 30), hints((20, 30), {(3, 4): np.zeros(2, np.float32)}))
    np.testing.assert_array_equal(ab, 0)


def test_a_hint_keeps_its_own_colour() -> None:
    given = hints((20, 30), {(3, 4): RED, (15, 20): BLUE})
    ab = spread(noise(20, 30), given, noise(2, 20, 30, seed=1) - 50)
    np.testing.assert_array_equal(ab[:, given.where], given.ab[:, given.where])


def test_colours_end_where_lightness_does() -> None:
    lightness = np.full((20, 40), 30.0)
    lightness[:, 20:] = 80
    ab = spread(lightness, hints((20, 40), {(10, 2): RED, (10, 37): BLUE}))
    assert np.abs(ab[:, :, :19] - RED[:, None, None]).max() < 5
    assert np.abs(ab[:, :, 21:] - BLUE[:, None, None]).max() < 5


def test_even_lightness_between_two_hints_is_a_ramp() -> None:
    given = hints((1, 11), {(0, 0): RED, (0, 10): BLUE})
    share = np.linspace(0, 1, 11)
    expected = RED[:, None] * (1 - share) + BLUE[:, None] * share
    np.testing.assert_allclose(spread(np.full((1, 11), 50.0), given)[:, 0], expected, atol=0.1)


@pytest.mark.parametrize("with_prior", [False, True])
def test_the_solution_is_the_direct_one(with_prior: bool) -> None:
    """The same equations, in a dense matrix row by row, as the docstring says them."""
    lightness, prior = noise(9, 7), noise(2, 9, 7, seed=1) - 50
    given = hints((9, 7), {(0, 0): RED, (4, 5): BLUE, (8, 2): RED})
    weights = np.zeros((63, 63))
    for rows, columns, values in _links(lightness):
        weights[rows, columns] += values
        weights[columns, rows] += values
    total, data = weights.sum(1), PRIOR_WEIGHT * weights.sum(1) * with_prior
    matrix, right = np.diag(total + data) - weights, data * prior.reshape(2, -1)
    for place in np.flatnonzero(given.where):
        matrix[place] = np.eye(63)[place]
        right[:, place] = given.ab.reshape(2, -1)[:, place]
    expected = np.linalg.solve(matrix, right.T).T.reshape(2, 9, 7)
    found = spread(lightness, given, prior if with_prior else None)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_pixels_without_a_hint_near_have_the_prior_s_colour() -> None:
    lightness = np.full((200, 200), 50.0)
    lightness[:, 100:] = 90  # no hint beyond this edge
    prior = np.broadcast_to(BLUE[:, None, None], (2, 200, 200))
    ab = spread(lightness, hints((200, 200), {(100, 20): RED}), prior)
    assert np.abs(ab[:, :, 150:] - BLUE[:, None, None]).max() < np.abs(RED - BLUE).max() / 2
    near, far = (np.abs(ab[:, 100, x] - RED).sum() for x in (22, 90))
    assert near < far


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_any_small_picture_has_finite_colours(height: int, width: int, seed: int) -> None:
    given = hints((height, width), {(height // 2, width - 1): RED})
    prior = noise(2, height, width, seed=seed) - 50
    for known in (None, prior):
        assert np.isfinite(spread(noise(height, width, seed=seed), given, known)).all()


def test_hints_are_read_and_others_refused() -> None:
    assert Hint.parse("120, 80, #FF8000") == Hint(120, 80, (255, 128, 0))
    for text in ("", "1,2", "1,2,red", "1,2,#ff80", "-1,2,#ff8000", "1.5,2,#ff8000"):
        with pytest.raises(ColorizerError, match=r"expected x,y,#rrggbb"):
            Hint.parse(text)


def test_points_and_strokes_are_put_together() -> None:
    strokes = np.zeros((4, 5, 4), np.uint8)
    strokes[1, 1] = (0, 0, 255, 255)
    strokes[2, 2] = (0, 255, 0, 100)  # too faint
    found = Hints.collect([Hint(3, 2, (255, 0, 0))], strokes, height=4, width=5)
    assert found.where.sum() == 2
    for place, rgb in (((1, 1), (0, 0, 255)), ((2, 3), (255, 0, 0))):
        expected = rgb_to_lab(np.array([[rgb]], np.uint8))[1:, 0, 0]
        np.testing.assert_allclose(found.ab[(slice(None), *place)], expected, atol=1e-4)


def test_hints_that_do_not_fit_are_refused() -> None:
    red = (255, 0, 0)
    for hint in (Hint(5, 0, red), Hint(0, 4, red)):
        with pytest.raises(ColorizerError, match="the photograph has 5x4 pixels"):
            Hints.collect([hint], None, height=4, width=5)
    with pytest.raises(ColorizerError, match="has 4x5 pixels; expected 5x4"):
        Hints.collect([], np.zeros((5, 4, 4), np.uint8), height=4, width=5)
    with pytest.raises(ColorizerError, match="transparent everywhere"):
        Hints.collect([], np.zeros((4, 5, 4), np.uint8), height=4, width=5)


def test_a_smaller_picture_has_the_mean_of_the_hints_it_covers() -> None:
    given = hints((8, 8), {(0, 0): RED, (1, 1): BLUE, (7, 7): RED})
    small = given.reduce(4, 4)
    assert small.where.sum() == 2
    np.testing.assert_allclose(small.ab[:, 0, 0], (RED + BLUE) / 2)
    np.testing.assert_allclose(small.ab[:, 3, 3], RED)


def test_a_large_photograph_is_guided_at_its_working_size() -> None:
    rgb = np.full((40, 2 * LONGER_SIDE, 3), 120, np.uint8)
    given = Hints.collect([Hint(0, 0, (200, 40, 40))], None, height=40, width=2 * LONGER_SIDE)
    ab = guide(rgb, given)
    assert ab.shape == (2, 20, LONGER_SIDE)
    np.testing.assert_allclose(ab, ab[:, :1, :1].repeat(20, 1).repeat(LONGER_SIDE, 2), atol=0.1)


def test_without_its_library_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyamg", None)
    with pytest.raises(ColorizerError, match="hints need pyamg: pip install pyamg"):
        spread(noise(4, 4), hints((4, 4), {(0, 0): RED}))
