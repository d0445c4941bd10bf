"""Lightness as that of old prints."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from colorizer.training.loop.degradation import EFFECTS, Dice, _blur, _compress, degrade


def pictures(count: int = 16, height: int = 40, width: int = 52) -> Tensor:
    down = torch.linspace(0, 60, height).view(-1, 1)
    across = torch.linspace(0, 40, width)
    return (down + across).expand(count, 1, height, width).contiguous()


def dice(count: int) -> Dice:
    return Dice(torch.Generator().manual_seed(7), count, torch.arange(count))


@pytest.mark.parametrize("effect", [effect for _, effect in EFFECTS], ids=lambda e: e.__name__)
def test_every_effect_changes_photographs_and_keeps_their_shape(
    effect: Callable[[Tensor, Dice], Tensor],
) -> None:
    given = pictures(height=41, width=53)
    aged = effect(given.clone(), dice(len(given)))
    assert aged.shape == given.shape
    assert aged.isfinite().all()
    assert (aged - given).abs().max() > 1
    assert (aged - given).abs().mean() < 30  # it is still the photograph


def test_aging_depends_on_the_seed_alone_and_leaves_some_as_they_are() -> None:
    given = pictures(64)
    aged = degrade(given, seed=7)
    assert torch.equal(aged, degrade(given, seed=7))
    assert not torch.equal(aged, degrade(given, seed=8))
    assert 0 <= aged.min() < aged.max() <= 100
    same = (aged == given).all(dim=3).all(dim=2).float().mean()
    assert 0.25 < same < 0.6
    assert torch.equal(given, pictures(64))


def test_processes_that_share_a_batch_age_it_as_one_does() -> None:
    given = pictures(24)
    whole = degrade(given, seed=7)
    for rank in range(4):
        own = torch.arange(rank, 24, 4)
        torch.testing.assert_close(degrade(given[own], seed=7, count=24, own=own), whole[own])


def test_a_blur_keeps_flat_areas_and_the_mean() -> None:
    flat = torch.full((3, 1, 20, 20), 40.0)
    torch.testing.assert_close(_blur(flat, dice(3)), flat)
    point = torch.zeros(3, 1, 21, 21)
    point[..., 10, 10] = 100
    spread = _blur(point, dice(3))
    torch.testing.assert_close(spread.sum((1, 2, 3)), torch.full((3,), 100.0))
    assert spread.max() < 70


def test_compression_is_jpeg_s() -> None:
    small = np.random.RandomState(7).randint(0, 256, (5, 6)).astype(np.uint8)
    gray = np.asarray(Image.fromarray(small).resize((48, 40), Image.Resampling.BICUBIC))
    lightness = torch.from_numpy(gray.astype(np.float32) / 2.55)[None, None]

    class Fixed(Dice):
        def uniform(self, *_: float) -> Tensor:
            return torch.full((1, 1, 1, 1), 30.0)

    found = _compress(lightness, Fixed(torch.Generator(), 1, torch.arange(1)))
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "JPEG", quality=30)
    expected = np.asarray(Image.open(file), dtype=np.float32)
    assert np.abs(expected - gray).mean() > 2
    assert np.abs(found[0, 0].clamp(0, 100).numpy() * 2.55 - expected).mean() < 0.4  # rounding
