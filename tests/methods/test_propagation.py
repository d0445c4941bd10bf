"""Hints: what they color, where they end, and how two meet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from colorizer.methods.hints import LONGER_SIDE, Hint, Hints
from colorizer.methods.propagation import guide, spread

RED, BLUE = np.array([60.0, 40.0], np.float32), np.array([10.0, -50.0], np.float32)


def hints(shape: tuple[int, int], given: dict[tuple[int, int], NDArray[np.float32]]) -> Hints:
    where, ab = np.zeros(shape, bool), np.zeros((2, *shape), np.float32)
    for place, color in given.items():
        where[place] = True
        ab[(slice(None), *place)] = color
    return Hints(where, ab)


def gray(levels: NDArray[np.integer]) -> NDArray[np.uint8]:
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)


def halves(height: int, width: int) -> NDArray[np.uint8]:
    """Dark on the left, light on the right."""
    return gray(np.broadcast_to(np.where(np.arange(width) < width // 2, 70, 200), (height, width)))


def noise(*shape: int, seed: int = 0) -> NDArray[np.integer]:
    return np.random.default_rng(seed).integers(0, 256, shape)


def apart(ab: NDArray[np.float32], color: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far colors, (2, N), are from one."""
    return np.hypot(*(ab - color[:, None]))


def test_alone_one_hint_colors_everything() -> None:
    ab = guide(gray(noise(20, 30)), hints((20, 30), {(3, 4): RED}))
    np.testing.assert_allclose(ab, np.broadcast_to(RED[:, None, None], ab.shape), rtol=1e-5)


@pytest.mark.parametrize("with_prior", [False, True])
def test_a_hint_keeps_its_own_color(with_prior: bool) -> None:
    given = hints((20, 30), {(3, 4): RED, (15, 20): BLUE, (15, 21): BLUE + 0.5})
    prior = (noise(2, 5, 7) - 128).astype(np.float32) if with_prior else None
    ab = guide(gray(noise(20, 30)), given, prior)
    np.testing.assert_array_equal(ab[:, given.where], given.ab[:, given.where])


def test_colors_end_where_lightness_does() -> None:
    ab = guide(halves(40, 60), hints((40, 60), {(20, 4): RED, (20, 55): BLUE}))
    assert apart(ab[:, :, :26].reshape(2, -1), RED).max() < 3
    assert apart(ab[:, :, 34:].reshape(2, -1), BLUE).max() < 3


def test_colors_end_where_the_network_s_do() -> None:
    prior = np.zeros((2, 40, 60), np.float32)
    prior[:, :, 30:] = BLUE[:, None, None]
    ab = guide(gray(np.full((40, 60), 120)), hints((40, 60), {(20, 4): RED}), prior)
    assert apart(ab[:, :, :28].reshape(2, -1), RED).max() < 1
    assert apart(ab[:, :, 32:].reshape(2, -1), BLUE).max() < 1


def test_a_hint_stays_where_it_was_put() -> None:
    """On its own surface it decides; beyond an edge the network's color is untouched."""
    prior = np.broadcast_to(BLUE[:, None, None], (2, 80, 120)).copy()
    found = spread(halves(80, 120), hints((80, 120), {(40, 20): RED}), prior)
    ab = found.over(prior)
    assert apart(ab[:, :, :55].reshape(2, -1), RED).max() < 1
    np.testing.assert_array_equal(ab[:, :, 65:], prior[:, :, 65:])
    assert found.share[:, :55].min() > 0.99
    assert found.share[:, 65:].max() == 0


def test_two_hints_on_one_surface_meet_smoothly() -> None:
    """From the one color to the other, halfway in the middle, without a step."""
    given = hints((60, 200), {(30, 40): RED, (30, 160): BLUE})
    prior = np.zeros((2, 60, 200), np.float32)
    for known in (None, prior):
        ab = guide(gray(np.full((60, 200), 120)), given, known)
        between = ab[:, 30, 40:161]
        steps = np.hypot(*np.diff(between))
        assert steps.max() < 4 * np.hypot(*(RED - BLUE)) / 120  # of an even ramp's
        assert (np.diff(apart(between, RED)) > -1e-3).all()
        np.testing.assert_allclose(between[:, 60], (RED + BLUE) / 2, atol=1)


def test_a_hint_fades_into_the_network_s_color_without_a_step() -> None:
    ramp = gray(np.broadcast_to(np.linspace(60, 200, 240), (40, 240)))
    prior = np.broadcast_to(BLUE[:, None, None], (2, 40, 240))
    ab = guide(ramp, hints((40, 240), {(20, 10): RED}), prior)
    assert apart(ab[:, 20, :40], RED).max() < 1
    assert apart(ab[:, 20, -40:], BLUE).max() < 1
    assert np.hypot(*np.diff(ab[:, 20])).max() < 0.15 * np.hypot(*(RED - BLUE))


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_any_small_picture_has_finite_colors(height: int, width: int, seed: int) -> None:
    given = hints((height, width), {(height // 2, width - 1): RED})
    prior = (noise(2, 3, 2, seed=seed) - 128).astype(np.float32)
    for known in (None, prior):
        assert np.isfinite(guide(gray(noise(height, width, seed=seed)), given, known)).all()


def test_the_same_hints_give_the_same_colors() -> None:
    given = hints((30, 40), {(3, 4): RED, (15, 20): BLUE, (20, 39): RED})
    first, second = (guide(gray(noise(30, 40)), given) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_large_photograph_is_guided_at_its_working_size() -> None:
    width = 2 * LONGER_SIDE
    rgb = np.asarray(Image.new("RGB", (width, 40), (120, 120, 120)))
    given = Hints.collect([Hint(0, 0, (200, 40, 40))], None, height=40, width=width)
    ab = guide(rgb, given)
    assert ab.shape == (2, 20, LONGER_SIDE)
    np.testing.assert_allclose(ab, ab[:, :1, :1].repeat(20, 1).repeat(LONGER_SIDE, 2), atol=0.1)


def test_hints_of_another_photograph_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hints of \(4, 5\); expected \(5, 4\)"):
        guide(np.zeros((5, 4, 3), np.uint8), hints((4, 5), {(0, 0): RED}))
