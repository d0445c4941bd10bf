from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE, rgb_to_lab
from colorizer.color.lab_torch import fit_to_srgb, lab_to_rgb
from colorizer.color.statistics import colorfulness
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import SUMS, evaluate, per_image, read_sums, summarize
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.scoring.metrics import PSNR_OF_IDENTICAL
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from colorizer.scores import table as scores

NAMES = [f"mirflickr/im{number}.jpg" for number in (2, 3, 4, 5, 6)]
SIDE = 32
SHOWN = [score.name for score in scores.SCORES if score.over != "set" and not score.optional]
MEANS = [name for name in SHOWN if scores.by_name()[name].over == "images"]


class Oracle(nn.Module):
    """A network that knows the photographs by their lightness, and errs by a constant."""

    def __init__(self, photos: LabDataset, *, error: float = 0.0) -> None:
        super().__init__()
        self.lightness = photos.lightness.float() / 50 - 1
        self.ab = (photos.ab.float() + error) / AB_SCALE

    def forward(self, lightness: Tensor) -> Tensor:
        distance = torch.cdist(lightness.flatten(1), self.lightness.flatten(1))
        return self.ab[distance.argmin(1)]


class Colorless(nn.Module):
    def forward(self, lightness: Tensor) -> Tensor:
        return torch.zeros_like(lightness).expand(-1, 2, -1, -1)


def lab_of(pictures: Tensor) -> Tensor:
    """Return the CIELAB of uint8 (N, 3, H, W)."""
    return torch.from_numpy(np.stack([rgb_to_lab(p.permute(1, 2, 0).numpy()) for p in pictures]))


@pytest.fixture(scope="module")
def originals(sample_photos: dict[str, bytes]) -> Tensor:
    shown = [resize(decode(sample_photos[n]).rgb, size=SIDE, resample="bilinear") for n in NAMES]
    return torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def photos(originals: Tensor) -> LabDataset:
    lab = lab_of(originals).half()
    return LabDataset(lab[:, :1], lab[:, 1:], NAMES, digest="")


def scores_of(model: nn.Module, photos: LabDataset, *, batch_size: int = 2) -> pd.DataFrame:
    network = TorchNetwork(model, WeightsMetadata("model1", {}, SIDE))
    return evaluate(by_network(network), photos, batch_size=batch_size)


def test_every_photograph_has_a_row_in_the_dataset_s_order(photos: LabDataset) -> None:
    table = scores_of(Colorless(), photos)
    assert table["id"].tolist() == NAMES
    assert table.index.tolist() == list(range(len(NAMES)))
    assert table.drop(columns="id").notna().all(axis=None)


def test_the_scores_of_every_photograph_are_for_people_to_read(photos: LabDataset) -> None:
    table = per_image(scores_of(Oracle(photos, error=5.0), photos))
    assert list(table.columns) == ["id", *SHOWN, "mean_hue"]
    assert table["id"].tolist() == NAMES
    assert table["mean_hue"].between(0, 360).all()
    assert table["delta_a"].between(2, 5.1).all()  # less than 5 where sRGB lacks the color


def test_the_truth_scores_best(photos: LabDataset) -> None:
    table = scores_of(Oracle(photos), photos)
    assert table["l2"].max() < 1e-10
    assert table["l2_lab"].max() < 1e-6
    assert table["delta_e2000"].max() < 1e-3
    assert table["psnr"].min() > 75  # a level here and there may be rounded otherwise
    assert table["ssim"].min() > 0.9999
    assert (table["colorfulness"] - table["colorfulness_original"]).abs().max() < 0.01


def test_the_truth_reaches_the_cap_of_psnr(photos: LabDataset) -> None:
    assert scores_of(Oracle(photos), photos)["psnr"].max() == PSNR_OF_IDENTICAL


def test_the_truth_has_no_bias_and_gray_no_chroma(photos: LabDataset) -> None:
    truth, gray = (summarize(scores_of(m, photos)) for m in (Oracle(photos), Colorless()))
    near = {"auc": 1, "auc_rebalanced": 1, "chroma_ratio": 1, "red_share_ratio": 1, "delta_a": 0}
    assert {name: truth[name] for name in near} == pytest.approx(near, abs=0.01)
    assert gray["chroma_ratio"] == gray["red_recall"] == 0
    assert "red_share_ratio" not in gray  # not defined, and JSON has no NaN
    assert gray["auc_rebalanced"] < gray["auc"] < 1


def test_rare_colors_count_as_much_as_common_ones(photos: LabDataset) -> None:
    table = scores_of(Colorless(), photos)
    assert table["auc_rebalanced.1"].sum() == pytest.approx(len(NAMES) * SIDE**2, rel=1e-4)
    distance = photos.ab.float().square().sum(1).sqrt()
    score = (151 - distance.ceil()).clamp(min=0) / 151
    bins = (photos.ab.float() / 10).floor().long()
    names = (bins[:, 0] * 1000 + bins[:, 1]).flatten()
    means = [score.flatten()[names == name].mean().item() for name in names.unique()]
    assert summarize(table)["auc_rebalanced"] == pytest.approx(np.mean(means), abs=0.002)


def test_no_color_is_not_colorful(photos: LabDataset, originals: Tensor) -> None:
    table = scores_of(Colorless(), photos)
    assert table["colorfulness"].max() < 0.2  # a channel rounds otherwise in one pixel of 200
    expected = colorfulness(originals)
    torch.testing.assert_close(
        torch.tensor(table["colorfulness_original"].to_numpy(), dtype=torch.float32),
        expected,
        atol=0.2,
        rtol=0,
    )


def test_no_color_errs_by_the_square_of_the_color(photos: LabDataset) -> None:
    table = scores_of(Colorless(), photos)
    chroma = photos.ab.float().square().flatten(1).mean(1).tolist()
    assert table["l2_lab"].tolist() == pytest.approx(chroma, rel=1e-4)
    assert (table["ssim"] < 1).all()
    assert table["psnr"].between(5, 40).all()


def test_l2_is_of_the_network_s_own_ab_and_all_else_of_the_pixels_shown(
    photos: LabDataset,
) -> None:
    table = scores_of(Oracle(photos, error=11.0), photos)
    assert table["l2"].tolist() == pytest.approx([0.01] * len(NAMES), rel=1e-4)
    lightness, ab = photos.lightness.float(), photos.ab.float()
    shown, original = (fit_to_srgb(torch.cat((lightness, ab + e), dim=1)) for e in (11, 0))
    expected = (shown - original)[:, 1:].square().flatten(1).mean(1)
    assert table["l2_lab"].tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    assert (table["l2_lab"] < 121).all()
    levels = (lab_to_rgb(shown).float() - lab_to_rgb(original).float()).square().flatten(1).mean(1)
    expected = 10 * torch.log10(255**2 / levels)
    assert table["psnr"].tolist() == pytest.approx(expected.tolist(), rel=1e-4)


def test_a_larger_error_scores_worse_in_every_metric(photos: LabDataset) -> None:
    near, far = (summarize(scores_of(Oracle(photos, error=error), photos)) for error in (5.0, 25.0))
    for name in scores.choices():
        assert (near[name] < far[name]) == scores.lower_is_better(name), name


@pytest.mark.parametrize("batch_size", [1, 3, 5, 64])
def test_the_batch_size_does_not_matter(photos: LabDataset, batch_size: int) -> None:
    torch.manual_seed(0)
    model = create_model("model1", widths=[4, 8], norm="batch")
    expected = scores_of(model, photos, batch_size=2)
    table = scores_of(model, photos, batch_size=batch_size)
    pd.testing.assert_frame_equal(table, expected, rtol=1e-3, atol=1e-3)


def test_scores_are_of_the_ready_network_and_leave_no_gradients(photos: LabDataset) -> None:
    torch.manual_seed(0)
    model = create_model("model1", widths=[4, 8], norm="batch").train()
    first, second = (scores_of(model, photos) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_summary_is_the_mean_over_photographs(photos: LabDataset) -> None:
    table = scores_of(Oracle(photos, error=11.0), photos)
    summary = summarize(table)
    assert {name: summary[name] for name in MEANS} == pytest.approx(
        {name: table[name].mean() for name in MEANS}, rel=1e-5
    )


def test_the_gap_is_of_the_means_and_no_less_than_zero(photos: LabDataset) -> None:
    table = scores_of(Colorless(), photos)
    difference = table["colorfulness"] - table["colorfulness_original"]
    summary = summarize(table)
    assert difference.mean() < 0
    assert summary["colorfulness_gap"] == pytest.approx(-difference.mean(), rel=1e-5)
    assert summary["colorfulness_distance"] == pytest.approx(difference.abs().mean(), rel=1e-5)


def test_the_summary_says_what_a_person_compares_by(photos: LabDataset) -> None:
    summary = summarize(scores_of(Colorless(), photos))
    assert set(scores.choices()) <= set(summary)
    assert summary["photographs"] == len(NAMES)
    assert {type(value) for name, value in summary.items() if name != "photographs"} == {float}


def test_scores_of_an_old_name_say_the_new_one(tmp_path: Path) -> None:
    (tmp_path / SUMS).write_text("id,colourfulness_gap\n")
    with pytest.raises(ColorizerError, match="colourfulness_gap is now colorfulness_gap"):
        read_sums(tmp_path)
