"""Deep colorization, on pictures whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.methods import cheng2015

Picture = NDArray[np.uint8]

SHAPE = 40, 60
SKY, GRASS = (110, 150, 220), (90, 130, 50)  # sRGB


def landscape(seed: int, *, upright: bool = True) -> Picture:
    """Return a picture of a sky above grass, which has grain, or of grass above the sky."""
    rgb = np.empty((*SHAPE, 3))
    rgb[: SHAPE[0] // 2], rgb[SHAPE[0] // 2 :] = SKY, GRASS
    rgb[SHAPE[0] // 2 :] += np.random.default_rng(seed).normal(0, 12, (SHAPE[0] // 2, SHAPE[1], 1))
    return rgb.clip(0, 255).astype(np.uint8)[:: 1 if upright else -1]


def describe(rgb: Picture) -> NDArray[np.float32]:
    """Say what places show: a tenth of the picture's lightness, and its grain, at a stride of 4."""
    gray = rgb.mean(2)
    blocks = gray.reshape(SHAPE[0] // 4, 4, SHAPE[1] // 4, 4)
    return np.stack([blocks.mean((1, 3)), blocks.std((1, 3))]).astype(np.float32)


@pytest.fixture(scope="module")
def networks() -> cheng2015.Networks:
    return cheng2015.fit([landscape(n, upright=n % 2 == 0) for n in range(4)], describe)


@pytest.mark.parametrize("upright", [True, False])
def test_what_looks_like_the_sky_is_blue(networks: cheng2015.Networks, upright: bool) -> None:
    ab = cheng2015.colorize(landscape(20, upright=upright), networks, describe)
    assert ab.dtype == np.float32
    assert ab.shape == (2, *SHAPE)
    above, below = np.split(ab, 2, axis=1)
    sky, grass = (above, below) if upright else (below, above)
    assert np.quantile(sky[1], 0.9) < -10 < 10 < np.quantile(grass[1], 0.1)


def test_networks_are_read_as_they_were_written(
    networks: cheng2015.Networks, tmp_path: Path
) -> None:
    networks.save(tmp_path / "networks.npz")
    read = cheng2015.Networks.open(tmp_path / "networks.npz")
    one, other = (cheng2015.colorize(landscape(20), n, describe) for n in (networks, read))
    assert (one == other).all()


def test_photographs_that_show_other_things_have_networks_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cheng2015, "SHARE", 2)
    flat = np.full((*SHAPE, 3), 30, np.uint8)
    found = cheng2015.fit([landscape(1), flat, landscape(2), flat + np.uint8(1)], describe)
    assert len(found.layers) == len(found.middles) == 2


def test_the_filter_smooths_colors_up_to_an_edge() -> None:
    lightness = np.repeat([[20.0, 80.0]], 12, axis=1).repeat(24, axis=0).astype(np.float32)
    ab = np.zeros((2, 24, 24), np.float32)
    ab[:, :, :12] = 30 + np.random.default_rng(7).normal(0, 5, (2, 24, 12))
    smooth = cheng2015.refine(ab, lightness)
    assert smooth[:, :, :12].std() < 2
    assert np.abs(smooth[:, :, 12:]).max() < 1e-3
