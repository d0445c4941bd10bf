import math

import numpy as np
import pytest
import torch
from scipy.stats import circmean, wasserstein_distance
from torch import Tensor

from colorizer.color.lab import rgb_to_lab
from colorizer.evaluation.color_bias import (
    HUES,
    TRUE_HUES,
    bias_sums,
    circular_distance,
    falsely_red,
    mean_hue,
    rates,
)
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize

NAMES = [f"mirflickr/im{n}.jpg" for n in (2, 3, 4, 5)]
RATES = {
    *("delta_a", "delta_b", "chroma_ratio", "red_share_ratio", "false_red", "red_recall"),
    *("neutral_leakage", "hue_distance"),
}


def pixels(*colors: tuple[float, float], lightness: float = 50) -> Tensor:
    """Return one photograph of one row, of pixels of chroma and hue."""
    polar = [
        (lightness, c * math.cos(math.radians(h)), c * math.sin(math.radians(h))) for c, h in colors
    ]
    return torch.tensor(polar).T.reshape(1, 3, 1, -1)


def rates_of(preds: Tensor, target: Tensor, **options: float) -> dict[str, float]:
    sums = bias_sums(preds, target, **options)
    return {
        name: value.item() for name, value in rates({k: v.sum() for k, v in sums.items()}).items()
    }


@pytest.fixture(scope="module")
def originals(sample_photos: dict[str, bytes]) -> Tensor:
    small = [resize(decode(sample_photos[n]).rgb, size=48, resample="bilinear") for n in NAMES]
    return torch.from_numpy(np.stack([rgb_to_lab(rgb) for rgb in small]))


def test_the_truth_has_no_bias(originals: Tensor) -> None:
    found = rates_of(originals, originals)
    assert set(found) == RATES
    assert found.pop("neutral_leakage") < 5
    perfect = {"chroma_ratio": 1, "red_share_ratio": 1, "red_recall": 1}
    assert found == {name: perfect.get(name, 0) for name in found}


def test_gray_is_dull_and_never_red(originals: Tensor) -> None:
    gray = originals.clone()
    gray[:, 1:] = 0
    found = rates_of(gray, originals)
    assert found["chroma_ratio"] == found["false_red"] == found["red_recall"] == 0
    assert found["neutral_leakage"] == 0
    assert math.isnan(found["red_share_ratio"])
    assert math.isnan(found["hue_distance"])


def test_a_cast_towards_red_is_seen(originals: Tensor) -> None:
    cast = originals.clone()
    cast[:, 1:] += torch.tensor([20.0, 12.0]).view(2, 1, 1)
    found = rates_of(cast, originals)
    assert found["delta_a"] == pytest.approx(20, abs=1e-4)
    assert found["delta_b"] == pytest.approx(12, abs=1e-4)
    assert found["red_share_ratio"] > 1.05  # these photographs are red to begin with
    assert found["false_red"] > 0.1


def test_the_measures_of_pixels_counted_by_hand() -> None:
    # green turns red; red stays; blue grays; gray turns orange; two pixels have no color at all
    target = pixels((20, 140), (30, 30), (40, 270), (2, 0), (3, 90), (0, 0))
    preds = pixels((10, 20), (15, 40), (4, 20), (12, 60), (3, 90), (1, 0))
    found = rates_of(preds, target)
    assert found["chroma_ratio"] == pytest.approx((10 + 15 + 4 + 12) / (20 + 30 + 40 + 2))
    red, true_red = (10 + 15 + 4) / 41, (30 + 2) / 92
    assert found["red_share_ratio"] == pytest.approx(red / true_red)
    assert found["false_red"] == pytest.approx(1 / 2)  # blue has turned too gray to be red
    assert found["red_recall"] == 1
    assert found["neutral_leakage"] == pytest.approx((12 + 3 + 1) / 3)
    shift = (preds - target)[0, 1, 0, :4].double().mean().item()
    assert found["delta_a"] == pytest.approx(shift)


@pytest.mark.parametrize(("hue", "red"), [(359, 0), (0.1, 1), (40, 1), (49.9, 1), (50.1, 0)])
def test_red_is_a_sector(hue: float, red: int) -> None:
    assert rates_of(pixels((20, hue)), pixels((20, 40)))["red_recall"] == red


@pytest.mark.parametrize(
    ("lightness", "counted"), [(9.9, 0), (10.1, 1), (29, 1), (94.9, 1), (95.1, 0)]
)
def test_black_and_white_pixels_do_not_count(lightness: float, counted: int) -> None:
    photo = pixels((30, 100), lightness=lightness)
    assert bias_sums(photo, photo)["colored"].item() == counted
    dark = bias_sums(photo, photo, max_lightness=30)["colored"].item()
    assert dark == (counted if lightness < 30 else 0)


def test_photographs_are_measured_apart_and_add_up(originals: Tensor) -> None:
    preds = originals.roll(1, 0).clone()
    preds[:, 0] = originals[:, 0]
    together = bias_sums(preds, originals)
    alone = [bias_sums(preds[i : i + 1], originals[i : i + 1]) for i in range(len(preds))]
    for name, values in together.items():
        torch.testing.assert_close(values, torch.cat([one[name] for one in alone]))
    hues = torch.stack([together[name] for name in HUES]).sum(0)
    torch.testing.assert_close(hues, together["chroma"])
    true_hues = torch.stack([together[name] for name in TRUE_HUES]).sum(0)
    torch.testing.assert_close(true_hues, together["true_chroma"])


def test_hues_fall_into_bins_of_15_degrees() -> None:
    photo = pixels((10, 1), (20, 16), (40, 359))
    sums = bias_sums(photo, photo)
    filled = {name: sums[name].item() for name in HUES if sums[name].item()}
    assert filled == pytest.approx({"hue_00": 10, "hue_01": 20, "hue_23": 40})


def test_distance_on_the_circle_takes_the_shorter_way() -> None:
    first, second = torch.zeros(24), torch.zeros(24)
    first[0] = second[23] = 1
    assert circular_distance(first, second).item() == pytest.approx(15)
    second = torch.zeros(24)
    second[12] = 3  # weights need not add up to 1
    assert circular_distance(first, second).item() == pytest.approx(180)
    assert circular_distance(first, first).item() == 0


def test_distance_on_the_circle_is_the_least_over_all_places_to_cut_it() -> None:
    random = np.random.default_rng(0)
    places = np.arange(24) * 15.0
    for _ in range(20):
        first, second = random.dirichlet(np.full(24, 0.3), 2)
        # a line's distance between the unrolled circles, the second turned by any share of weight
        cuts = np.concatenate(([0], np.cumsum(first - second)))
        least = min(np.abs(cuts[1:] - cut).sum() * 15 for cut in cuts)
        found = circular_distance(torch.from_numpy(first), torch.from_numpy(second)).item()
        assert found == pytest.approx(least)
        assert found <= wasserstein_distance(places, places, first, second) + 1e-9


def test_mean_hue_is_circular() -> None:
    photo = pixels((20, 350), (20, 30))
    expected = math.degrees(circmean(np.radians([350, 30])))
    assert mean_hue(photo).item() == pytest.approx(expected)


def test_the_pixels_that_are_falsely_red_are_those_counted(originals: Tensor) -> None:
    redder = originals.clone()
    redder[:, 1] += 15
    found = falsely_red(redder, originals)
    assert found.shape == originals[:, 0].shape
    assert found.flatten(1).sum(1).tolist() == bias_sums(redder, originals)["false_red"].tolist()
    assert 0 < found.float().mean() < 1


def test_no_share_of_red_is_defined_where_the_original_has_none() -> None:
    assert math.isnan(rates_of(pixels((20, 20)), pixels((20, 200)))["red_share_ratio"])
