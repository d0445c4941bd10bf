import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio as torchmetrics_psnr
from torchmetrics.functional.image import structural_similarity_index_measure

from colorizer.color.lab import rgb_to_lab as picture_to_lab
from colorizer.color.statistics import colorfulness
from colorizer.evaluation.scoring.metrics import (
    PSNR_OF_IDENTICAL,
    accuracy,
    color_histogram,
    color_weights,
    delta_e2000,
    psnr,
    squared_error,
    ssim,
)
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

Lab = tuple[float, float, float]

COLORFUL = ("mirflickr/im2.jpg", "mirflickr/im3.jpg", "mirflickr/im4.jpg")

any_lab = st.tuples(st.floats(0, 100), st.floats(-120, 120), st.floats(-120, 120))

# Sharma, Wu and Dalal 2005, table 1: all 34 pairs and their CIEDE2000.
SHARMA: list[tuple[Lab, Lab, float]] = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, -1.1848, -84.8006), (50, 0, -82.7485), 1.0000),
    ((50, -0.9009, -85.5211), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0010), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0012), 7.2195),
    ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
    ((50, -0.0010, 2.4900), (50, 0.0010, -2.4900), 4.8045),
    ((50, -0.0010, 2.4900), (50, 0.0011, -2.4900), 4.7461),
    ((50, 2.5000, 0), (50, 0, -2.5000), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0000),
    ((50, 2.5, 0), (50, 3.2972, 0), 1.0000),
    ((50, 2.5, 0), (50, 1.8634, 0.5757), 1.0000),
    ((50, 2.5, 0), (50, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert a batch, uint8 (N, 3, H, W), picture by picture."""
    pictures = rgb.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([picture_to_lab(picture) for picture in pictures]))


def noisy_pair(side: int, *, count: int = 2, noise: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(side)
    target = torch.randint(0, 256, (count, 3, side, side), generator=generator)
    offset = torch.randint(-noise, noise + 1, target.shape, generator=generator)
    return (target + offset).clamp(0, 255).to(torch.uint8), target.to(torch.uint8)


def photographs(sample_photos: dict[str, bytes], side: int) -> Tensor:
    files = [sample_photos[name] for name in COLORFUL]
    shown = [resize(decode(data).rgb, size=side, resample="bicubic") for data in files]
    return torch.stack([torch.from_numpy(rgb).permute(2, 0, 1) for rgb in shown])


def degraded(rgb: Tensor) -> Tensor:
    """Return photographs blurred by a neighbor and noisier: near in structure, not equal."""
    noise = torch.randint(-12, 13, rgb.shape, generator=torch.Generator().manual_seed(0))
    blurred = (rgb.float() + rgb.roll(1, -1).float()) / 2
    return (blurred + noise).clamp(0, 255).round().to(torch.uint8)


def lab_pixels(*labs: Lab) -> Tensor:
    return torch.tensor(labs).view(-1, 3, 1, 1)


def skimage_ssim_map(preds: Tensor, target: Tensor) -> np.ndarray:
    """Return scikit-image's local SSIM (H, W, 3) of one pair, in float64."""
    _, local = structural_similarity(
        preds.permute(1, 2, 0).double().numpy(),
        target.permute(1, 2, 0).double().numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=255,
        full=True,
    )
    return local


def test_squared_error_is_one_mean_a_photograph() -> None:
    preds = torch.tensor([[[[3.0]], [[1.0]]], [[[0.0]], [[0.0]]]])
    target = torch.zeros(2, 2, 1, 1)
    assert squared_error(preds, target).tolist() == [5.0, 0.0]


def test_squared_error_of_uint8_does_not_wrap_around() -> None:
    low, high = torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.full((1, 3, 2, 2), 255)
    assert squared_error(low, high.to(torch.uint8)).tolist() == [255.0**2]


def test_psnr_agrees_with_torchmetrics_and_scikit_image() -> None:
    preds, target = noisy_pair(24)
    ours = psnr(preds, target)
    assert ours.shape == (2,)
    theirs = torchmetrics_psnr(
        preds.float(), target.float(), data_range=255.0, dim=(1, 2, 3), reduction="none"
    )
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    for score, p, t in zip(ours, preds.numpy(), target.numpy(), strict=True):
        assert score.item() == pytest.approx(peak_signal_noise_ratio(t, p), abs=1e-4)


def test_psnr_of_black_and_white_is_zero() -> None:
    black = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    assert psnr(black, 255 - black).item() == 0


def test_one_level_in_one_value_scores_less_than_identical() -> None:
    target = torch.full((1, 3, 320, 320), 128, dtype=torch.uint8)
    preds = target.clone()
    preds[0, 0, 0, 0] += 1
    expected = 10 * math.log10(255**2 * 3 * 320 * 320)
    assert psnr(preds, target).item() == pytest.approx(min(expected, PSNR_OF_IDENTICAL), abs=1e-3)


def test_ssim_agrees_with_scikit_image_within_a_common_frame() -> None:
    """Where the border is the same flat gray in both, how it is padded cannot matter."""
    preds, target = noisy_pair(48)
    for pictures in (preds, target):
        frame = torch.ones(48, 48, dtype=torch.bool)
        frame[11:-11, 11:-11] = False
        pictures[..., frame] = 128
    for score, p, t in zip(ssim(preds, target), preds, target, strict=True):
        assert score.item() == pytest.approx(skimage_ssim_map(p, t).mean(), abs=1e-4)


@pytest.mark.parametrize("size", [(11, 40), (64, 48)])
def test_ssim_is_torchmetrics(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    target = torch.randint(0, 256, (3, 3, *size), dtype=torch.uint8, generator=generator)
    preds = (target.float() * 0.7 + 40).to(torch.uint8)
    preds[1], preds[2] = target[0], 128
    expected = structural_similarity_index_measure(
        preds.float(), target.float(), data_range=255.0, reduction="none"
    )
    torch.testing.assert_close(ssim(preds, target), expected, atol=1e-5, rtol=0)


def test_ssim_of_photographs_agrees_with_scikit_image(sample_photos: dict[str, bytes]) -> None:
    """The mean is over the whole picture; scikit-image's own score leaves out 5 pixels all round.

    Only the border differs, mirrored with the outermost pixel doubled there and without it here:
    up to 0.0015 for 96 pixels, less for larger pictures.
    """
    target = photographs(sample_photos, 96)
    preds = degraded(target)
    ours = ssim(preds, target)
    assert ours.shape == (3,)
    for score, p, t in zip(ours, preds, target, strict=True):
        assert score.item() == pytest.approx(skimage_ssim_map(p, t).mean(), abs=2e-3)
        assert 0.05 < score.item() < 0.98


@pytest.mark.parametrize("score", [psnr, ssim])
def test_scores_do_not_depend_on_the_rest_of_the_batch(score: object) -> None:
    assert callable(score)
    preds, target = noisy_pair(16, count=3)
    together = score(preds, target)
    alone = [score(p[None], t[None]) for p, t in zip(preds, target, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-5)


def test_colorfulness_and_delta_e_do_not_depend_on_the_rest_of_the_batch() -> None:
    preds, target = noisy_pair(16, count=3)
    together = delta_e2000(rgb_to_lab(preds), rgb_to_lab(target))
    alone = [
        delta_e2000(rgb_to_lab(p[None]), rgb_to_lab(t[None]))
        for p, t in zip(preds, target, strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-5)
    color = torch.cat([colorfulness(p[None]) for p in preds])
    torch.testing.assert_close(colorfulness(preds), color, atol=1e-4, rtol=1e-5)


def test_identical_pictures_score_best(sample_photos: dict[str, bytes]) -> None:
    rgb = photographs(sample_photos, 32)
    lab = rgb_to_lab(rgb)
    assert psnr(rgb, rgb).tolist() == [PSNR_OF_IDENTICAL] * 3
    torch.testing.assert_close(ssim(rgb, rgb), torch.ones(3))
    assert delta_e2000(lab, lab).abs().max() == 0
    assert squared_error(rgb, rgb).tolist() == [0, 0, 0]


def test_worse_pictures_score_worse() -> None:
    near, target = noisy_pair(32, noise=10)
    far, same_target = noisy_pair(32, noise=80)
    assert torch.equal(target, same_target)
    assert (psnr(far, target) < psnr(near, target)).all()
    assert (ssim(far, target) < ssim(near, target)).all()
    mean = delta_e2000(rgb_to_lab(far), rgb_to_lab(target)).mean()
    assert mean > delta_e2000(rgb_to_lab(near), rgb_to_lab(target)).mean()


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_delta_e2000_of_the_published_pairs(first: Lab, second: Lab, expected: float) -> None:
    score = delta_e2000(lab_pixels(first), lab_pixels(second))
    assert score.item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize(
    ("first", "second"),
    [((50, 10, 0), (50, -10, 0)), ((50, 0, 20), (50, 0, -20)), ((40, 0, -5), (60, 0, 30))],
)
def test_delta_e2000_of_exactly_opposite_hues(first: Lab, second: Lab, swapped: bool) -> None:
    """Sharma, Wu and Dalal's equation 14: 180 degrees apart, the mean hue is (h1 + h2) / 2."""
    pair = (second, first) if swapped else (first, second)
    expected = deltaE_ciede2000(*np.array(pair, dtype=np.float64))
    score = delta_e2000(*(lab_pixels(lab) for lab in pair))
    assert score.item() == pytest.approx(expected, abs=1e-3)


def test_delta_e2000_of_random_colors_agrees_with_scikit_image() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.uniform((0, -110, -110), (100, 100, 100), (2, 50, 60, 3))
    ours = delta_e2000(
        *(torch.from_numpy(lab).permute(2, 0, 1)[None].float() for lab in (first, second))
    )
    assert ours.shape == (1, 50, 60)
    np.testing.assert_allclose(ours[0].numpy(), deltaE_ciede2000(first, second), atol=1e-3)


def test_delta_e2000_of_near_and_of_grayish_colors_agrees_with_scikit_image() -> None:
    generator = np.random.default_rng(0)
    first = generator.uniform((0, -3, -3), (100, 3, 3), (50, 60, 3))
    second = first + generator.normal(0, 0.5, first.shape)
    ours = delta_e2000(
        *(torch.from_numpy(lab).permute(2, 0, 1)[None].float() for lab in (first, second))
    )
    np.testing.assert_allclose(ours[0].numpy(), deltaE_ciede2000(first, second), atol=1e-3)


@settings(max_examples=100, deadline=None, database=None)
@given(any_lab, any_lab)
def test_delta_e2000_is_finite_and_no_less_than_zero(first: Lab, second: Lab) -> None:
    score = delta_e2000(lab_pixels(first), lab_pixels(second)).item()
    assert math.isfinite(score)
    assert score >= 0


def test_delta_e2000_of_grays_is_their_weighted_difference_in_lightness() -> None:
    score = delta_e2000(lab_pixels((40, 0, 0)), lab_pixels((60, 0, 0)))
    assert score.item() == pytest.approx(20, abs=1e-4)  # S_L is 1 about L* = 50


def test_colorfulness_falls_with_the_color(sample_photos: dict[str, bytes]) -> None:
    rgb = photographs(sample_photos, 32)
    gray = rgb.float().mean(1, keepdim=True)
    faded = ((rgb + gray) / 2).round().to(torch.uint8)
    assert (colorfulness(faded) < 0.6 * colorfulness(rgb)).all()


def test_accuracy_is_the_mean_over_tolerances() -> None:
    random = torch.Generator().manual_seed(0)
    preds, target = (torch.rand(2, 2, 9, 7, generator=random) * 200 - 100 for _ in range(2))
    distance = (preds - target).square().sum(1).sqrt()
    expected = torch.stack([(distance <= t).float() for t in range(151)]).mean(0)
    torch.testing.assert_close(accuracy(preds, target), expected)
    assert accuracy(target, target).unique().tolist() == [1]
    assert accuracy(target, target + 300).unique().tolist() == [0]


def test_every_color_counts_alike_however_rare() -> None:
    ab = torch.zeros(1, 2, 10, 10)
    ab[..., 0, 0] = 55.0  # one pixel of another color, and 99 gray ones
    weights = color_weights(ab, color_histogram(ab))
    assert weights[0, 0, 0].item() == pytest.approx(50)
    assert weights[0, 5:].mean().item() == pytest.approx(50 / 99)
    assert weights.mean().item() == pytest.approx(1)


def test_colors_are_counted_in_squares() -> None:
    ab = torch.tensor([[-107.0, 1.0], [-101.0, 9.0], [98.0, -5.0], [98.0, -5.0]]).T.view(1, 2, 2, 2)
    filled = color_histogram(ab)
    assert filled.sum() == 1
    assert sorted(filled[filled > 0].tolist()) == [0.5, 0.5]
    edges = np.arange(-110, 111, 10)
    expected = np.histogram2d(*ab.flatten(2)[0].numpy(), bins=(edges, edges))[0]
    assert np.array_equal(filled.view(22, 22).numpy(), expected / 4)
