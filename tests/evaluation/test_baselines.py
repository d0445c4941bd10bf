import pytest
import torch

from colorizer.data.dataset import LabDataset
from colorizer.evaluation.baselines import make_baselines, mean_ab, others_of
from colorizer.evaluation.evaluate import evaluate, summarize

SIDE = 24


def photographs(count: int, *, seed: int) -> LabDataset:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(count, 1, SIDE, SIDE, generator=generator) * 80 + 10
    ab = torch.rand(count, 2, 1, 1, generator=generator) * 80 - 40
    ab = ab + torch.rand(count, 2, SIDE, SIDE, generator=generator) * 10
    return LabDataset(lightness.half(), ab.half(), [str(n) for n in range(count)], digest="")


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, float]]:
    train, test = photographs(20, seed=0), photographs(9, seed=1)
    return {
        name: summarize(evaluate(predict, test, batch_size=4))
        for name, predict in make_baselines(train, test).items()
    }


def test_the_truth_is_the_best_and_has_no_bias(scores: dict[str, dict[str, float]]) -> None:
    assert list(scores) == ["gray", "mean", "random", "truth"]
    truth = scores["truth"]
    assert truth["l2"] == pytest.approx(0, abs=1e-9)
    assert truth["auc"] == truth["chroma_ratio"] == truth["red_recall"] == 1
    assert truth["auc"] > max(scores[name]["auc"] for name in ("gray", "mean", "random"))


def test_gray_has_no_color_and_another_s_colors_are_as_vivid(
    scores: dict[str, dict[str, float]],
) -> None:
    assert scores["gray"]["chroma_ratio"] == 0
    assert scores["random"]["chroma_ratio"] == pytest.approx(1, abs=0.1)
    assert scores["random"]["colorfulness"] == pytest.approx(
        scores["truth"]["colorfulness"], rel=0.1
    )
    assert scores["random"]["l2"] > scores["mean"]["l2"]  # vivid and wrong is worse than dull


def test_the_mean_is_of_all_training_pixels() -> None:
    train, test = photographs(70, seed=2), photographs(3, seed=3)
    expected = train.ab.float().mean((0, 2, 3))
    torch.testing.assert_close(mean_ab(train), expected, atol=1e-3, rtol=1e-3)
    lightness = test.lightness.float()
    found = make_baselines(train, test)["mean"](lightness, slice(0, 3))
    torch.testing.assert_close(found, expected.view(1, 2, 1, 1).expand(3, 2, SIDE, SIDE))


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
def test_every_photograph_gets_another_one_s_colors(count: int) -> None:
    others = others_of(count)
    assert sorted(others.tolist()) == list(range(count))
    assert (others != torch.arange(count)).all()
    assert others_of(1).tolist() == [0]
