import math

import numpy as np
import pytest
import torch
from scipy.stats import circmean, wasserstein_distance
from torch import Tensor

from colorizer.color.lab import rgb_to_lab
from colorizer.color.lab_torch import lab_to_rgb
from colorizer.evaluation.scoring import color_bias
from colorizer.evaluation.scoring.color_bias import HUE_BINS, circular_distance, falsely_red
from colorizer.evaluation.scoring.measure import measure, scores_of
from colorizer.evaluation.scoring.metrics import color_histogram
from colorizer.evaluation.scoring.pair import Pair, mean_hue
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


def pair_of(preds: Tensor, target: Tensor, histogram: Tensor | None = None) -> Pair:
    if histogram is None:
        histogram = color_histogram(target[:, 1:])
    return Pair(
        preds,
        target,
        (lab_to_rgb(preds), lab_to_rgb(target)),
        own_ab=(preds[:, 1:], target[:, 1:]),
        faces=[[]] * len(preds),
        histogram=histogram,
    )


def rates_of(preds: Tensor, target: Tensor, *, prefix: str = "") -> dict[str, float]:
    sums = {name: values.sum() for name, values in measure(pair_of(preds, target)).items()}
    return {name: scores_of(sums)[prefix + name].item() for name in RATES}


def hue_hits(preds: Tensor, target: Tensor) -> dict[str, float]:
    sums = {name: values.sum() for name, values in measure(pair_of(preds, target)).items()}
    return {n: v.item() for n, v in scores_of(sums).items() if n.startswith("hue_hit")}


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
    offset = torch.tensor([20.0, 12.0]).view(2, 1, 1)
    cast = originals.clone()
    cast[:, 1:] += offset
    found = rates_of(cast, originals)
    assert (found["delta_a"], found["delta_b"]) == pytest.approx((20, 12), abs=1e-4)
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
    photo = pixels((8.5, 100), lightness=lightness)
    pair = pair_of(photo, photo)
    assert pair.colored.sum().item() == counted
    assert pair.dark.colored.sum().item() == (counted if lightness < 30 else 0)


def test_the_dark_has_scores_of_its_own() -> None:
    target = torch.cat([pixels((12, 200), lightness=light) for light in (20, 70)], dim=3)
    preds = torch.cat([pixels((12, 20), lightness=20), pixels((12, 200), lightness=70)], dim=3)
    assert rates_of(preds, target)["false_red"] == 0.5
    assert rates_of(preds, target, prefix="dark_")["false_red"] == 1


def test_photographs_are_measured_apart_and_add_up(originals: Tensor) -> None:
    preds = originals.roll(1, 0).clone()
    preds[:, 0] = originals[:, 0]
    whole = pair_of(preds, originals)
    together = measure(whole)
    for i in range(len(preds)):
        alone = measure(pair_of(preds[i : i + 1], originals[i : i + 1], whole.histogram))
        for name, values in together.items():
            torch.testing.assert_close(values[i : i + 1], alone[name], msg=name)
    sums = color_bias.hue_histograms(whole)
    chroma, true_chroma = color_bias.chroma_ratio(whole)
    torch.testing.assert_close(torch.stack(sums[:HUE_BINS]).sum(0), chroma)
    torch.testing.assert_close(torch.stack(sums[HUE_BINS:]).sum(0), true_chroma)


def test_hues_fall_into_bins_of_15_degrees() -> None:
    photo = pixels((10, 1), (20, 16), (40, 359))
    sums = color_bias.hue_histograms(pair_of(photo, photo))[:HUE_BINS]
    filled = {place: 3 * total.item() for place, total in enumerate(sums) if total.item()}
    assert filled == pytest.approx({0: 10, 1: 20, 23: 40})


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
    pair = pair_of(redder, originals)
    found = falsely_red(pair)
    assert found.shape == originals[:, 0].shape
    assert found.flatten(1).float().mean(1).tolist() == color_bias.false_red(pair)[0].tolist()
    assert 0 < found.float().mean() < 1


def test_no_share_of_red_is_defined_where_the_original_has_none() -> None:
    assert math.isnan(rates_of(pixels((20, 20)), pixels((20, 200)))["red_share_ratio"])


def test_hue_hits_counted_by_hand() -> None:
    # hit at 44 degrees, missed at 46, missed since gray, hit across 0 degrees, not vivid, hit
    target = pixels((20, 250), (20, 250), (20, 140), (20, 350), (14, 140), (30, 90))
    preds = pixels((9, 294), (30, 204), (7, 140), (20, 20), (20, 140), (30, 60))
    assert hue_hits(preds, target) == pytest.approx(
        {"hue_hit": 3 / 5, "hue_hit_blue": 1 / 2, "hue_hit_green": 0, "hue_hit_warm": 1}
    )


def test_photographs_of_other_sizes_weigh_the_same() -> None:
    small, large = pixels((20, 90)), pixels(*[(20, 90)] * 50, *[(2, 90)] * 50)
    missed = pixels((20, 270))
    hit, vivid = (
        torch.cat(sums)
        for sums in zip(
            color_bias.hue_hit(pair_of(missed, small)),
            color_bias.hue_hit(pair_of(large, large)),
            strict=True,
        )
    )
    assert hit.tolist() == [0, 0.5]
    assert vivid.tolist() == [1, 0.5]
