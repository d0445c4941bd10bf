import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import Prediction, evaluate, write_scores
from colorizer.evaluation.scoring.perceptual import Perceptual
from pictures import random_references

COUNT, SIDE = 6, 16


class Means(nn.Module):
    """Three features of a picture, in place of Inception's 2048."""

    num_features = 3

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float().mean((2, 3))


def distance(preds: Tensor, target: Tensor) -> Tensor:
    return (preds - target).abs().flatten(1).mean(1)


@pytest.fixture
def perceptual() -> Perceptual:
    frechet = FrechetInceptionDistance(Means(), input_img_size=(3, SIDE, SIDE))
    return Perceptual(distance, frechet)


@pytest.fixture
def photos() -> References:
    return random_references(COUNT, SIDE, patches=4)


def colorless(_: int) -> Prediction:
    none = np.zeros((2, 1, 1), np.float32)
    return Prediction(none, none)


def test_both_are_scores_like_the_others(
    perceptual: Perceptual, photos: References, tmp_path: Path
) -> None:
    table = evaluate(colorless, photos, perceptual=perceptual)
    write_scores(table, tmp_path, perceptual)
    scores = json.loads((tmp_path / "metrics.json").read_text())
    assert scores["lpips"] == pytest.approx(table["lpips"].mean(), rel=1e-6)
    assert pd.read_csv(tmp_path / "per_image.csv")["lpips"].between(0.01, 0.5).all()
    sure = pd.read_csv(tmp_path / "intervals.csv", index_col="score")
    assert sure["low"]["lpips"] < scores["lpips"] < sure["high"]["lpips"]
    assert sure["value"]["fid"] == scores["fid"] > 0
    assert np.isnan(sure["low"]["fid"])


def test_fid_is_the_frechet_distance_of_all_photographs(perceptual: Perceptual) -> None:
    generator = torch.Generator().manual_seed(1)
    preds, target = (
        torch.randint(0, top, (8, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
        for top in (200, 256)
    )
    for start in (0, 4):
        perceptual.lpips(preds[start : start + 4], target[start : start + 4])
    first, second = (Means()(pictures).double().numpy() for pictures in (preds, target))
    cov = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shift = np.square(first.mean(0) - second.mean(0)).sum()
    expected = shift + np.trace(cov[0] + cov[1] - 2 * sqrtm(cov[0] @ cov[1]).real)
    assert perceptual.fid() == pytest.approx(expected, rel=1e-4)


def test_the_next_model_s_fid_is_its_own(perceptual: Perceptual, photos: References) -> None:
    fids = []
    for _ in range(2):
        evaluate(colorless, photos, perceptual=perceptual)
        fids.append(perceptual.fid())
    assert fids[0] == pytest.approx(fids[1], rel=1e-6)


@pytest.mark.parametrize("error", [ModuleNotFoundError("no torchvision"), OSError("no\nroute")])
def test_what_is_missing_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity", fail)
    with pytest.raises(ColorizerError, match=r"(no torchvision|no route); install.*off") as raised:
        Perceptual.load(torch.device("cpu"))
    assert "\n" not in str(raised.value)
