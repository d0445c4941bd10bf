import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from colorizer.card import ModelCard
from colorizer.color import AB_SCALE, rgb_to_lab
from colorizer.dataset import LabDataset
from colorizer.evaluation import evaluate, summarize
from colorizer.images import decode
from colorizer.metrics import LOWER_IS_BETTER, PSNR_OF_IDENTICAL, colourfulness
from colorizer.models import create_model
from colorizer.resampling import resize
from colorizer.torch_network import TorchNetwork

NAMES = [f"mirflickr/im{number}.jpg" for number in (2, 3, 4, 5, 6)]
SIDE = 32
SCORES = [
    "l2",
    "l2_lab",
    "psnr",
    "ssim",
    "delta_e2000",
    "colourfulness",
    "colourfulness_original",
]


class Oracle(nn.Module):
    """A network that knows the photographs by their lightness, and errs by a constant."""

    def __init__(self, photos: LabDataset, *, error: float = 0.0) -> None:
        super().__init__()
        self.lightness = photos.lightness.float() / 50 - 1
        self.ab = (photos.ab.float() + error) / AB_SCALE

    def forward(self, lightness: Tensor) -> Tensor:
        distance = torch.cdist(lightness.flatten(1), self.lightness.flatten(1))
        return self.ab[distance.argmin(1)]


class Colourless(nn.Module):
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
    network = TorchNetwork(model, ModelCard("model1", {}, SIDE))
    return evaluate(network, photos, batch_size=batch_size)


def test_every_photograph_has_a_row_in_the_dataset_s_order(photos: LabDataset) -> None:
    table = scores_of(Colourless(), photos)
    assert list(table.columns) == ["id", *SCORES]
    assert table["id"].tolist() == NAMES
    assert table.index.tolist() == list(range(len(NAMES)))
    assert table[SCORES].notna().all(axis=None)


def test_the_truth_scores_best(photos: LabDataset) -> None:
    table = scores_of(Oracle(photos), photos)
    assert table["l2"].max() < 1e-10
    assert table["l2_lab"].max() < 1e-6
    assert table["delta_e2000"].max() < 1e-3
    assert table["psnr"].min() > 75  # a level here and there may be rounded otherwise
    assert table["ssim"].min() > 0.9999
    assert (table["colourfulness"] - table["colourfulness_original"]).abs().max() < 0.01


def test_the_truth_reaches_the_cap_of_psnr(photos: LabDataset) -> None:
    assert scores_of(Oracle(photos), photos)["psnr"].max() == PSNR_OF_IDENTICAL


def test_no_colour_is_not_colourful(photos: LabDataset, originals: Tensor) -> None:
    table = scores_of(Colourless(), photos)
    assert table["colourfulness"].max() < 0.2  # a channel rounds otherwise in one pixel of 200
    expected = colourfulness(originals)
    torch.testing.assert_close(
        torch.tensor(table["colourfulness_original"].to_numpy(), dtype=torch.float32),
        expected,
        atol=0.2,
        rtol=0,
    )


def test_no_colour_errs_by_the_square_of_the_colour(photos: LabDataset) -> None:
    table = scores_of(Colourless(), photos)
    chroma = photos.ab.float().square().flatten(1).mean(1).tolist()
    assert table["l2_lab"].tolist() == pytest.approx(chroma, rel=1e-4)
    assert (table["ssim"] < 1).all()
    assert table["psnr"].between(5, 40).all()


def test_l2_is_in_the_network_s_units_and_l2_lab_in_cielab_s(photos: LabDataset) -> None:
    table = scores_of(Oracle(photos, error=11.0), photos)
    assert table["l2_lab"].tolist() == pytest.approx([121.0] * len(NAMES), rel=1e-4)
    assert table["l2"].tolist() == pytest.approx([0.01] * len(NAMES), rel=1e-4)


def test_a_larger_error_scores_worse_in_every_metric(photos: LabDataset) -> None:
    near, far = (summarize(scores_of(Oracle(photos, error=error), photos)) for error in (5.0, 25.0))
    for name, lower_is_better in LOWER_IS_BETTER.items():
        assert (near[name] < far[name]) == lower_is_better, name


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


def test_the_summary_is_the_mean_over_photographs() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "l2": [0.1, 0.2, 0.6],
            "colourfulness": [10.0, 20.0, 60.0],
            "colourfulness_original": [20.0, 20.0, 20.0],
        }
    )
    assert summarize(table) == {
        "photographs": 3,
        "l2": pytest.approx(0.3),
        "colourfulness": 30.0,
        "colourfulness_original": 20.0,
        "colourfulness_distance": pytest.approx((10 + 0 + 40) / 3),
        "colourfulness_gap": 10.0,
    }


def test_the_gap_is_no_less_than_zero_where_colour_is_lacking() -> None:
    table = pd.DataFrame({"id": ["a"], "colourfulness": [10.0], "colourfulness_original": [25.0]})
    summary = summarize(table)
    assert summary["colourfulness_gap"] == summary["colourfulness_distance"] == 15.0


def test_the_summary_says_what_a_person_compares_by(photos: LabDataset) -> None:
    summary = summarize(scores_of(Colourless(), photos))
    assert set(LOWER_IS_BETTER) <= set(summary)
    assert summary["photographs"] == len(NAMES)
    assert {type(value) for name, value in summary.items() if name != "photographs"} == {float}
