import numpy as np
import pytest
import torch

from colorizer.color.lab import AB_SCALE, rgb_to_lab
from colorizer.data.dataset import LabDataset
from colorizer.data.references import References
from colorizer.evaluation.baselines import (
    make_baselines,
    mean_of_lab,
    mean_of_references,
    others_of,
)
from colorizer.evaluation.evaluate import evaluate, summarize
from colorizer.models.weights_metadata import WeightsMetadata
from pictures import random_references, references_of

SIDE = 24
SEEN = WeightsMetadata("", {}, SIDE).shape
MEAN = torch.tensor([4.0, -6.0])


@pytest.fixture(scope="module")
def photos() -> References:
    """Photographs of several proportions."""
    squares = random_references(9, SIDE)
    return references_of([squares[n].rgb[: 12 + n] for n in range(9)], squares.ids)


@pytest.fixture(scope="module")
def scores(photos: References) -> dict[str, dict[str, float]]:
    baselines = make_baselines(MEAN, photos, SEEN)
    return {name: summarize(evaluate(predict, photos)) for name, predict in baselines.items()}


def test_the_truth_is_the_best_and_has_no_bias(scores: dict[str, dict[str, float]]) -> None:
    assert list(scores) == ["gray", "mean", "random", "truth"]
    truth = scores["truth"]
    assert truth["l2"] == 0
    assert truth["auc"] == truth["red_recall"] == 1
    assert truth["chroma_ratio"] == pytest.approx(1, abs=1e-3)
    assert truth["auc"] > max(scores[name]["auc"] for name in ("gray", "mean", "random"))


def test_gray_has_no_color_and_another_s_colors_are_as_vivid(
    scores: dict[str, dict[str, float]],
) -> None:
    assert scores["gray"]["chroma_ratio"] < 1e-3
    assert scores["random"]["chroma_ratio"] == pytest.approx(1, abs=0.1)
    assert scores["random"]["colorfulness"] == pytest.approx(
        scores["truth"]["colorfulness"], rel=0.1
    )
    assert scores["random"]["l2"] > scores["mean"]["l2"]  # vivid and wrong is worse than dull


def test_l2_is_taken_at_the_size_at_which_networks_see_photographs(photos: References) -> None:
    gray = make_baselines(MEAN, photos, SEEN)["gray"](3)
    assert gray.ab.shape == gray.true_ab.shape == (2, SIDE, SIDE)
    keep = WeightsMetadata("", {}, 12, geometry="keep").shape
    tall = make_baselines(MEAN, photos, keep)["random"](3)
    assert tall.ab.shape == tall.true_ab.shape == (2, 12, 19)
    found = evaluate(make_baselines(MEAN, photos, SEEN)["gray"], photos)["l2"][3]
    assert found == pytest.approx(np.square(gray.true_ab / AB_SCALE).mean(), rel=1e-5)


def test_the_mean_is_of_all_pixels(photos: References) -> None:
    ab = torch.rand(70, 2, SIDE, SIDE) * 80 - 40
    train = LabDataset(ab[:, :1].half(), ab.half(), [str(n) for n in range(70)], digest="")
    torch.testing.assert_close(mean_of_lab(train), ab.mean((0, 2, 3)), atol=1e-3, rtol=1e-3)
    everywhere = make_baselines(MEAN, photos, SEEN)["mean"](2).ab
    np.testing.assert_array_equal(everywhere[:, 5, 7], MEAN)
    assert (everywhere == everywhere[:, :1, :1]).all()
    each = [rgb_to_lab(photos[n].rgb)[1:].mean((1, 2)) for n in range(9)]
    np.testing.assert_allclose(mean_of_references(photos), np.mean(each, axis=0), rtol=1e-5)


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
def test_every_photograph_gets_another_one_s_colors(count: int) -> None:
    others = others_of(count)
    assert sorted(others.tolist()) == list(range(count))
    assert (others != torch.arange(count)).all()
    assert others_of(1).tolist() == [0]
