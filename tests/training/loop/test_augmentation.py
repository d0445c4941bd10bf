import pytest
import torch
from torch import Tensor

from colorizer.training.loop.augmentation import CHOICES, augment, draw_choices


def pictures(count: int = 3, height: int = 6, width: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(count, 1, height, width, generator=generator)
    return lightness, torch.cat((lightness * 2, -lightness), dim=1)


def choices(*rows: tuple[float, float, float, float]) -> Tensor:
    return torch.tensor([(*row, 0.5) for row in rows])


def test_nothing_asked_changes_nothing() -> None:
    lightness, ab = pictures()
    same = augment(lightness, ab, choices(*[(0.1, 0.9, 0.3, 0.7)] * 3), flip=False, crop=1.0)
    assert same[0] is lightness
    assert same[1] is ab


def test_a_photograph_is_mirrored_or_not() -> None:
    lightness, ab = pictures(2)
    drawn = choices((0.2, 0.5, 0.5, 0.5), (0.8, 0.5, 0.5, 0.5))
    found = augment(lightness, ab, drawn, flip=True, crop=1.0)
    for given, turned in zip((lightness, ab), found, strict=True):
        torch.testing.assert_close(turned[0], given[0].flip(-1))
        torch.testing.assert_close(turned[1], given[1])


@pytest.mark.parametrize(("down", "across"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_half_of_a_photograph_is_cut_out_at_the_corners(down: float, across: float) -> None:
    lightness = torch.zeros(1, 1, 8, 8)
    corner = (slice(4 * int(down), 4 * int(down) + 4), slice(4 * int(across), 4 * int(across) + 4))
    lightness[0, 0][corner] = 1
    ab = lightness.expand(-1, 2, -1, -1)
    (seen, _) = augment(lightness, ab, choices((0.9, 1.0, down, across)), flip=False, crop=0.5)
    assert seen.mean() > 0.85  # but for what the border's interpolation brings in
    (other, _) = augment(
        lightness, ab, choices((0.9, 1.0, 1 - down, 1 - across)), flip=False, crop=0.5
    )
    assert other.mean() < 0.15


def test_lightness_and_color_stay_together() -> None:
    lightness, ab = pictures()
    drawn = draw_choices(3, seed=1, epoch=1)
    moved, color = augment(lightness, ab, drawn, flip=True, crop=0.6)
    assert moved.shape == lightness.shape
    torch.testing.assert_close(color, torch.cat((moved * 2, -moved), dim=1))
    assert moved.min() >= lightness.min() - 1e-6
    assert moved.max() <= lightness.max() + 1e-6


def test_choices_depend_on_seed_and_epoch_alone() -> None:
    first = draw_choices(50, seed=7, epoch=3)
    assert first.shape == (50, CHOICES)
    assert 0 <= first.min() < first.max() <= 1
    assert torch.equal(first, draw_choices(50, seed=7, epoch=3))
    assert torch.equal(first[:20], draw_choices(20, seed=7, epoch=3))
    assert not torch.equal(first, draw_choices(50, seed=7, epoch=4))
    assert not torch.equal(first, draw_choices(50, seed=8, epoch=3))


def test_canvases_are_never_seen_beside_their_photographs() -> None:
    shapes = torch.tensor([(8, 12), (12, 8), (8, 8), (8, 11)] * 50)
    lightness = torch.full((len(shapes), 1, 12, 12), torch.nan)
    for picture, (height, width) in zip(lightness, shapes.tolist(), strict=True):
        picture[0, :height, :width] = torch.linspace(0, 1, width)
    drawn = draw_choices(len(shapes), seed=1, epoch=1)
    drawn[::9] = drawn[::9].round()  # the corners too
    ab = lightness.expand(-1, 2, -1, -1)
    for side in (8, 5):
        seen, color = augment(
            lightness, ab, drawn, flip=True, crop=0.5, aspect=1.4, side=side, shapes=shapes
        )
        assert seen.shape == (len(shapes), 1, side, side)
        assert 0 <= seen.min() < 0.01  # NaN is not
        assert 0.99 < seen.max() <= 1
        torch.testing.assert_close(color[:, 1:], seen)


def test_whole_squares_slide_along_the_long_side() -> None:
    shapes = torch.tensor([(4, 6)] * 3)
    lightness = torch.arange(6.0).expand(3, 1, 6, 6)
    ends = choices((0.9, 0, 0.5, 0.0), (0.9, 0, 0.5, 0.5), (0.9, 0, 0.5, 1.0))
    seen, _ = augment(
        lightness, lightness.expand(-1, 2, -1, -1), ends, flip=False, crop=1, side=4, shapes=shapes
    )
    for picture, first in zip(seen, (0, 1, 2), strict=True):
        expected = torch.arange(first, first + 4.0).expand(4, 4)
        torch.testing.assert_close(picture[0], expected, atol=1e-3, rtol=0)


def test_crops_are_as_oblong_as_asked() -> None:
    across = torch.arange(100.0).expand(1, 1, 100, 100)
    both = torch.cat((across, across.mT), dim=1)
    wide = torch.tensor([(0.9, 1.0, 0.5, 0.5, 1.0)])
    _, seen = augment(across, both, wide, flip=False, crop=0.5, aspect=1.44)
    width, height = (float(part.max() - part.min()) for part in seen[0])
    assert width == pytest.approx(60, abs=1)
    assert height == pytest.approx(50 / 1.2, abs=1)
