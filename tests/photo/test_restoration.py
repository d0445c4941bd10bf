"""Faded tones, casts, dust and scratches of prints."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.errors import MissingExtraError
from colorizer.photo import restoration
from colorizer.photo.decode import decode
from colorizer.photo.pixels import gray_to_rgb
from colorizer.photo.restoration import restore, spread_tones

Gray = NDArray[np.uint8]


@pytest.fixture(scope="module")
def scan(sample_photos: Mapping[str, bytes]) -> Gray:
    """A portrait as a scanner of 900 lines has it, with grain, not faded."""
    gray = decode(sample_photos["mirflickr/im61.jpg"]).rgb[..., 1]
    large = cv2.resize(gray, (900, 900), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 2, large.shape)
    return np.rint(large + grain).clip(0, 255).astype(np.uint8)


def damage(scan: Gray) -> Gray:
    """Lay specks, a hair and a scratch on a scan."""
    damaged = scan.copy()
    for x, y, level in ((90, 90, 255), (560, 60, 0), (120, 420, 250), (500, 250, 10)):
        cv2.circle(damaged, (x, y), 2, level, -1, cv2.LINE_AA)
    curve = cv2.ellipse2Poly((480, 130), (18, 12), 0, 0, 120, 5)
    cv2.polylines(damaged, [curve], False, 5, 1, cv2.LINE_AA)
    cv2.line(damaged, (640, 0), (655, 899), 245, 1, cv2.LINE_AA)
    return damaged


@pytest.mark.parametrize("kind", ["gray 8", "gray 16", "rgb 8", "rgb 16"])
def test_dust_and_scratches_are_filled_and_hardly_anything_else_changes(
    scan: Gray, kind: str
) -> None:
    def of_kind(gray: Gray) -> NDArray[np.generic]:
        levels = gray_to_rgb(gray) if "rgb" in kind else gray
        return levels.astype(np.uint16) * 257 if "16" in kind else levels

    damaged = of_kind(damage(scan))
    before = damaged.copy()
    restored, clean = restore(damaged), restore(of_kind(scan))
    assert (restored.dtype, restored.shape) == (damaged.dtype, damaged.shape)
    assert np.array_equal(damaged, before)
    scale = 257 if "16" in kind else 1
    error = np.abs(restored / scale - clean / scale)
    was = np.abs(damaged / scale - of_kind(scan) / scale) > 20
    assert (error[was] < 20).mean() > 0.8
    assert (error[~was] > 4).mean() < 0.002


def test_a_clean_scan_keeps_its_pixels(scan: Gray) -> None:
    changed = np.abs(restore(scan).astype(int) - spread_tones(scan)) > 4
    assert changed.mean() < 0.0005
    assert not changed[90:260, 330:500].any()  # the face


def test_what_a_photograph_is_full_of_is_no_dust(sample_photos: Mapping[str, bytes]) -> None:
    for name in ("im79", "im81", "im42"):  # grass, gravel, bricks
        gray = decode(sample_photos[f"mirflickr/{name}.jpg"]).rgb[..., 1]
        changed = np.abs(restore(gray).astype(int) - spread_tones(gray)) > 4
        assert changed.mean() < 0.001


def test_faded_tones_of_a_cast_come_back_near_black_and_white_without_it() -> None:
    tones = gray_to_rgb(np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(64, 0))
    faded = np.rint(tones * [0.6, 0.6, 0.5] + [80, 70, 50]).astype(np.uint8)
    spread = spread_tones(faded).astype(int)
    assert spread.min() <= 11
    assert spread.max() >= 244
    assert np.ptp(spread, axis=-1).max() <= 3
    assert np.array_equal(spread_tones(tones), tones)


def test_an_empty_page_stays_one() -> None:
    page = np.full((40, 40), 180, np.uint8)
    page[20:] += 2
    assert np.ptp(restore(page)) <= 8


def test_without_opencv_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoration, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"colorizer-unet\[restore\]"):
        restore(np.zeros((8, 8), np.uint8))
