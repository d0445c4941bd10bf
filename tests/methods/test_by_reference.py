"""Methods that take their colors from a similar picture, on pictures whose answer is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.methods import charpiat2008, gupta2012, reinhard2001, welsh2002
from colorizer.methods.hints import Hint, Hints
from colorizer.methods.superpixels import Superpixels, gabor_magnitudes

Picture = NDArray[np.uint8]
Colorize = Callable[[Picture, Sequence[Picture]], NDArray[np.float32]]

Color = tuple[float, float]

RED, BLUE = (40.0, 20.0), (-10.0, -40.0)  # ab
SHAPE = 72, 96

QUICK = [reinhard2001.colorize, welsh2002.colorize, gupta2012.colorize]
CHARPIAT = pytest.param(charpiat2008.colorize, marks=pytest.mark.slow)
ALL = [*QUICK, CHARPIAT]


def halves(left: float, right: float, *, seed: int, grain: float = 2) -> NDArray[np.float32]:
    """Return lightness, `SHAPE`: two halves of a level each, with grain."""
    level = np.full(SHAPE, left) + np.random.default_rng(seed).normal(0, grain, SHAPE)
    level[:, SHAPE[1] // 2 :] += right - left
    return level.astype(np.float32)


def stripes_and_plain(*, seed: int) -> NDArray[np.float32]:
    """Return lightness, `SHAPE`: left stripes, right none, of the same mean."""
    level = halves(50, 50, seed=seed, grain=1)
    level[:, : SHAPE[1] // 2] += 15 * np.sign(np.sin(np.arange(SHAPE[1] // 2) * np.pi / 3))
    return level


def painted(lightness: NDArray[np.float32], *, mirrored: bool = False) -> Picture:
    """Return a picture, red on the left and blue on the right, or the other way about."""
    ab = np.zeros((2, 1, SHAPE[1]), np.float32)
    ab[:, 0, : SHAPE[1] // 2], ab[:, 0, SHAPE[1] // 2 :] = (
        np.array(color)[:, None] for color in ((BLUE, RED) if mirrored else (RED, BLUE))
    )
    gray = np.repeat((lightness * 2.55).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return recolor(gray, ab)


def share_near(ab: NDArray[np.float32], left: Color, right: Color) -> float:
    """Return the share of pixels whose color points where their half's does."""
    middle = ab.shape[2] // 2
    wanted = np.where(
        np.arange(ab.shape[2]) < middle, np.array(left)[:, None], np.array(right)[:, None]
    )
    along = (ab * wanted[:, None]).sum(0) / np.hypot(*wanted)
    return float((along > 0.7 * np.hypot(*ab)).mean())


@pytest.mark.parametrize("colorize", ALL)
def test_what_has_the_reference_s_lightness_takes_its_color(colorize: Colorize) -> None:
    photo, reference = painted(halves(30, 70, seed=1)), painted(halves(30, 70, seed=2))
    ab = colorize(photo, [reference])
    assert ab.dtype == np.float32
    assert ab.shape == (2, *SHAPE)
    assert share_near(ab, RED, BLUE) > 0.9


@pytest.mark.parametrize("colorize", ALL)
def test_the_photograph_s_own_colors_are_not_used(colorize: Colorize) -> None:
    lightness, reference = halves(30, 70, seed=1), painted(halves(30, 70, seed=2))
    one, other = (colorize(painted(lightness, mirrored=m), [reference]) for m in (False, True))
    assert np.abs(one - other).mean() < 3  # 8 bits of another color round otherwise


@pytest.mark.parametrize("colorize", [gupta2012.colorize, CHARPIAT])
def test_texture_tells_apart_what_lightness_does_not(colorize: Colorize) -> None:
    photo = painted(stripes_and_plain(seed=1))[:, ::-1]
    assert share_near(colorize(photo, [painted(stripes_and_plain(seed=2))]), BLUE, RED) > 0.8


@pytest.mark.parametrize("colorize", ALL)
def test_of_several_references_the_nearest_counts(colorize: Colorize) -> None:
    photo, wrong = painted(halves(30, 70, seed=1)), painted(stripes_and_plain(seed=2))
    assert share_near(colorize(photo, [wrong[::2, ::2], photo]), RED, BLUE) > 0.8


@pytest.mark.parametrize("colorize", ALL)
@pytest.mark.parametrize("shape", [(32, 32), (40, 200)])
def test_a_reference_in_gray_gives_gray(colorize: Colorize, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (*shape, 1), dtype=np.uint8)
    gray = np.repeat(noise, 3, axis=2)
    assert np.abs(colorize(painted(halves(30, 70, seed=1)), [gray])).max() < 1


def test_landmarks_are_obeyed() -> None:
    photo, reference = painted(halves(30, 70, seed=1)), painted(halves(30, 70, seed=2))
    blue = tuple(int(level) for level in recolor(np.full((1, 1, 3), 80, np.uint8),
                 np.array(BLUE, np.float32).reshape(2, 1, 1))[0, 0])  # fmt: skip
    hint = Hint(20, 30, blue)  # type: ignore[arg-type]
    marks = Hints.collect([hint], None, height=SHAPE[0], width=SHAPE[1])
    ab = charpiat2008.colorize(photo, [reference], marks)
    assert np.linalg.norm(ab[:, 30, 20] - BLUE) < 10
    assert share_near(ab, RED, BLUE) > 0.85


def test_bins_are_small_where_colors_are_many() -> None:
    draw = np.random.default_rng(7)
    ab = np.concatenate([draw.normal(0, 3, (900, 2)), draw.normal(60, 20, (100, 2))])
    members, bins = charpiat2008.adaptive_bins(ab.astype(np.float32))
    assert len(bins) == charpiat2008.BINS
    assert set(members) == set(range(len(bins)))
    assert (np.linalg.norm(bins, axis=1) < 15).sum() > len(bins) // 3


def test_superpixels_cover_the_picture_and_hold_their_middles() -> None:
    cut = Superpixels.cut(rgb_to_lab(painted(halves(30, 70, seed=1))))
    count = cut.labels.max() + 1
    assert set(np.unique(cut.labels)) == set(range(count))
    assert (cut.labels[tuple(cut.centroids.T)] == np.arange(count)).all()
    assert {name: len(feature) for name, feature in cut.features.items()} == dict.fromkeys(
        gupta2012.WEIGHTS, count
    )


def test_gabor_answers_to_its_own_angle() -> None:
    waves = np.sin(2 * np.pi * 0.1 * np.arange(64))
    across = gabor_magnitudes(np.tile(waves, (64, 1)) / 2 + 0.5).mean((1, 2)).reshape(5, 8)
    down = gabor_magnitudes(np.tile(waves, (64, 1)).T / 2 + 0.5).mean((1, 2)).reshape(5, 8)
    assert across.sum(0).argmax() == 0
    assert down.sum(0).argmax() == 4


def test_voting_corrects_one_of_many() -> None:
    cut = Superpixels.cut(rgb_to_lab(painted(halves(50, 50, seed=1, grain=0.1))))
    colors = np.tile(np.array(RED, np.float32), (cut.labels.max() + 1, 1))
    colors[7] = BLUE
    assert np.allclose(gupta2012.vote(cut, colors), RED)
