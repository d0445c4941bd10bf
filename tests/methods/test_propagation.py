"""Levin's optimization against worked examples, a direct solution, and its own extremes."""

import itertools
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import sparse
from scipy.sparse.linalg import spsolve

from colorizer.errors import ColorizerError
from colorizer.methods.hints import LONGER_SIDE, Hint, Hints
from colorizer.methods.propagation import MULTIGRID, _link_matrix, guide, spread

RED, BLUE = np.array([60.0, 40.0], np.float32), np.array([10.0, -50.0], np.float32)


def hints(shape: tuple[int, int], given: dict[tuple[int, int], NDArray[np.float32]]) -> Hints:
    where, ab = np.zeros(shape, bool), np.zeros((2, *shape), np.float32)
    for place, color in given.items():
        where[place] = True
        ab[(slice(None), *place)] = color
    return Hints(where, ab)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0, 100, shape)


def test_one_hint_colors_everything() -> None:
    ab = spread(noise(20, 30), hints((20, 30), {(3, 4): RED}))
    np.testing.assert_allclose(ab, np.broadcast_to(RED[:, None, None], ab.shape), rtol=1e-3)


def test_gray_hints_color_nothing() -> None:
    ab = spread(noise(20, 30), hints((20, 30), {(3, 4): np.zeros(2, np.float32)}))
    np.testing.assert_array_equal(ab, 0)


def test_a_hint_keeps_its_own_color() -> None:
    given = hints((20, 30), {(3, 4): RED, (15, 20): BLUE})
    ab = spread(noise(20, 30), given, noise(2, 20, 30, seed=1) - 50)
    np.testing.assert_array_equal(ab[:, given.where], given.ab[:, given.where])


def test_colors_end_where_lightness_does() -> None:
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


def weights(lightness: NDArray[np.float64]) -> sparse.csr_matrix:
    """The weights of all pairs of neighbors, worked out pixel by pixel."""
    height, width = lightness.shape
    around = np.pad(lightness, 1, mode="edge")
    found = sparse.lil_matrix((lightness.size, lightness.size))
    sigma2 = {
        (y, x): 0.3 * around[y : y + 3, x : x + 3].var() + 0.05
        for y, x in np.ndindex(height, width)
    }
    for y, x in sigma2:
        for other in itertools.product((y - 1, y, y + 1), (x - 1, x, x + 1)):
            if other in sigma2 and other != (y, x):
                apart = lightness[y, x] - lightness[other]
                weight = np.exp(-(apart**2) / (sigma2[y, x] + sigma2[other])) + 1e-6
                found[y * width + x, other[0] * width + other[1]] = weight
    return found.tocsr()


def solve_directly(
    links: sparse.csr_matrix, given: Hints, prior: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Solve the equations as the docstring says them."""
    sums = np.asarray(links.sum(1)).ravel()
    data = np.zeros_like(sums) if prior is None else 2e-5 * sums
    fixed = given.where.ravel()
    pull = sparse.diags(fixed.astype(float))
    matrix = pull + sparse.diags(1.0 - fixed) @ (sparse.diags(sums + data) - links)
    known = 0 if prior is None else data * prior.reshape(2, -1)
    right = np.where(fixed, given.ab.reshape(2, -1), known)
    return spsolve(matrix.tocsc(), right.T).T.reshape(given.ab.shape)


@pytest.mark.parametrize("with_prior", [False, True])
def test_the_solution_is_the_direct_one(with_prior: bool) -> None:
    lightness = noise(9, 7)
    given = hints((9, 7), {(0, 0): RED, (4, 5): BLUE, (8, 2): RED})
    prior = noise(2, 9, 7, seed=1) - 50 if with_prior else None
    expected = solve_directly(weights(lightness), given, prior)
    np.testing.assert_allclose(spread(lightness, given, prior), expected, atol=0.05)


def drawing(height: int, width: int) -> NDArray[np.float64]:
    """Black lines on white, which hardly let colors through."""
    picture = Image.new("L", (width, height), 100)
    draw = ImageDraw.Draw(picture)
    for inset in (10, 40, 70):
        draw.rectangle((inset, inset, width - inset, height - inset), outline=0, width=2)
    return np.asarray(picture, np.float64)


def ground(height: int, width: int) -> NDArray[np.float64]:
    """Light and dark as of hills."""
    y, x = np.mgrid[:height, :width] / 20
    return 50 + 20 * np.sin(x) * np.cos(y) + 10 * np.sin(3 * x + y)


@pytest.mark.parametrize(("picture", "apart"), [(drawing, 0.6), (ground, 0.05)])
@pytest.mark.parametrize("with_prior", [False, True])
def test_a_picture_too_large_for_one_grid_is_solved_as_well(
    picture: Callable[[int, int], NDArray[np.float64]], apart: float, with_prior: bool
) -> None:
    shape = height, width = 220, 300
    assert height * width > MULTIGRID["max_coarse"]
    lightness = picture(height, width)
    given = hints(shape, {(20, 20): RED, (50, 150): BLUE, (110, 150): RED, (200, 290): BLUE})
    prior = noise(2, 2, 3, seed=1).repeat(110, 1).repeat(100, 2) - 50 if with_prior else None
    expected = solve_directly(_link_matrix(lightness), given, prior)
    off = np.hypot(*(spread(lightness, given, prior) - expected))
    assert off.mean() < apart
    assert np.quantile(off, 0.99) < 10 * apart


def test_over_even_ground_a_hint_fades_into_the_prior() -> None:
    given = hints((1, 400), {(0, 0): RED})
    ab = spread(np.full((1, 400), 50.0), given, np.zeros((2, 1, 400)))
    rate = np.sqrt(2 * 2e-5)  # of u'' = rate^2 u, flat at the far end
    share = np.cosh(rate * np.arange(399, -1, -1)) / np.cosh(rate * 399)
    np.testing.assert_allclose(ab[:, 0], RED[:, None] * share, atol=0.3)


def test_pixels_without_a_hint_near_have_the_prior_s_color() -> None:
    lightness = np.full((200, 200), 50.0)
    lightness[:, 100:] = 90  # no hint beyond this edge
    prior = np.broadcast_to(BLUE[:, None, None], (2, 200, 200))
    ab = spread(lightness, hints((200, 200), {(100, 20): RED}), prior)
    assert np.abs(ab[:, :, 150:] - BLUE[:, None, None]).max() < np.abs(RED - BLUE).max() / 2
    near, far = (np.abs(ab[:, 100, x] - RED).sum() for x in (22, 90))
    assert near < far


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_any_small_picture_has_finite_colors(height: int, width: int, seed: int) -> None:
    given = hints((height, width), {(height // 2, width - 1): RED})
    prior = noise(2, height, width, seed=seed) - 50
    for known in (None, prior):
        assert np.isfinite(spread(noise(height, width, seed=seed), given, known)).all()


def test_hints_of_another_photograph_are_refused() -> None:
    given = hints((4, 5), {(0, 0): RED})
    with pytest.raises(ValueError, match=r"hints of \(4, 5\); expected \(5, 4\)"):
        guide(np.zeros((5, 4, 3), np.uint8), given)


def test_a_large_photograph_is_guided_at_its_working_size() -> None:
    rgb = np.full((40, 2 * LONGER_SIDE, 3), 120, np.uint8)
    given = Hints.collect([Hint(0, 0, (200, 40, 40))], None, height=40, width=2 * LONGER_SIDE)
    ab = guide(rgb, given)
    assert ab.shape == (2, 20, LONGER_SIDE)
    np.testing.assert_allclose(ab, ab[:, :1, :1].repeat(20, 1).repeat(LONGER_SIDE, 2), atol=0.1)


def test_without_its_library_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyamg", None)
    with pytest.raises(
        ColorizerError, match=r"hints needs pyamg: pip install 'colorizer-unet\[hints\]'"
    ):
        spread(noise(4, 4), hints((4, 4), {(0, 0): RED}))
