from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE, rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.statistics import colorfulness
from colorizer.data.make_references import to_reference
from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate import (
    SUMS,
    Prediction,
    evaluate,
    per_image,
    read_sums,
    summarize,
)
from colorizer.evaluation.predictions import by_network, first_places, show
from colorizer.evaluation.scoring.metrics import PSNR_OF_IDENTICAL
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import Geometry, WeightsMetadata
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from colorizer.scores import table as scores
from pictures import references_of

NAMES = [f"mirflickr/im{number}.jpg" for number in (2, 3, 4, 5, 6)]
SIDE = 32
SHOWN = [score.name for score in scores.SCORES if score.over != "set" and not score.optional]
OF_FACES = {score.name for score in scores.SCORES if score.over == "faces"}
MEANS = [name for name in SHOWN if scores.by_name()[name].over == "images"]

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def originals(sample_photos: dict[str, bytes]) -> dict[str, Picture]:
    return {name: decode(sample_photos[name]).rgb for name in NAMES}


@pytest.fixture(scope="module")
def photos(originals: dict[str, Picture]) -> References:
    """The photographs at a quarter of a reference's size."""
    small = [to_reference(rgb).rgb[::4, ::4] for rgb in originals.values()]
    return references_of(small, NAMES)


def true_ab(photos: References, place: int) -> NDArray[np.float32]:
    return rgb_to_lab(photos[place].rgb)[1:]


def scores_off_by(photos: References, error: float) -> pd.DataFrame:
    """Return the scores of the true colors and a constant."""

    def predict(place: int) -> Prediction:
        ab = true_ab(photos, place)
        return Prediction(ab + np.float32(error), ab)

    return evaluate(predict, photos)


def scores_of_gray(photos: References) -> pd.DataFrame:
    def predict(place: int) -> Prediction:
        ab = true_ab(photos, place)
        return Prediction(np.zeros_like(ab), ab)

    return evaluate(predict, photos)


def test_every_photograph_has_a_row_in_their_order(photos: References) -> None:
    table = scores_of_gray(photos)
    assert table["id"].tolist() == NAMES
    assert table.index.tolist() == list(range(len(NAMES)))
    assert table.drop(columns="id").notna().all(axis=None)


def test_the_scores_of_every_photograph_are_for_people_to_read(photos: References) -> None:
    table = per_image(scores_off_by(photos, 5.0))
    assert list(table.columns) == ["id", *SHOWN, "mean_hue"]
    assert table["id"].tolist() == NAMES
    assert table["mean_hue"].between(0, 360).all()
    assert table["delta_a"].between(1.5, 5.2).all()  # less than 5 where sRGB lacks the color


def test_the_truth_scores_best(photos: References) -> None:
    table = scores_off_by(photos, 0.0)
    assert table["l2"].max() == 0
    assert table["l2_lab"].max() < 0.01  # a level here and there may be rounded otherwise
    assert table["delta_e2000"].max() < 0.01
    assert table["psnr"].min() > 75
    assert table["psnr"].max() == PSNR_OF_IDENTICAL
    assert table["ssim"].min() > 0.9999
    assert (table["colorfulness"] - table["colorfulness_original"]).abs().max() < 0.01


def test_the_truth_has_no_bias_and_gray_no_chroma(photos: References) -> None:
    truth, gray = (summarize(t) for t in (scores_off_by(photos, 0.0), scores_of_gray(photos)))
    near = {"auc": 1, "auc_rebalanced": 1, "chroma_ratio": 1, "red_share_ratio": 1, "delta_a": 0}
    assert {name: truth[name] for name in near} == pytest.approx(near, abs=0.01)
    assert gray["chroma_ratio"] < 1e-3  # a level here and there is rounded otherwise
    assert gray["red_recall"] == 0
    assert gray["auc_rebalanced"] < gray["auc"] < 1


def test_rare_colors_count_as_much_as_common_ones(photos: References) -> None:
    table = scores_of_gray(photos)
    assert table["auc_rebalanced.1"].sum() == pytest.approx(len(NAMES), rel=1e-6)
    every = [true_ab(photos, place).reshape(2, -1) for place in range(len(photos))]
    weight = np.concatenate([np.full(ab.shape[1], 1 / ab.shape[1]) for ab in every])
    ab = np.concatenate(every, axis=1)
    score = (151 - np.ceil(np.hypot(*ab))).clip(0) / 151
    names = (ab[0] // 10) * 1000 + ab[1] // 10
    means = [np.average(score[names == n], weights=weight[names == n]) for n in np.unique(names)]
    assert summarize(table)["auc_rebalanced"] == pytest.approx(np.mean(means), abs=1e-4)


def test_no_color_is_not_colorful(photos: References) -> None:
    table = scores_of_gray(photos)
    assert table["colorfulness"].max() < 0.2  # a channel rounds otherwise here and there
    expected = [
        colorfulness(torch.from_numpy(photos[place].rgb).movedim(-1, 0)[None]).item()
        for place in range(len(photos))
    ]
    assert table["colorfulness_original"].tolist() == pytest.approx(expected)


def test_no_color_errs_by_the_square_of_the_color(photos: References) -> None:
    table = scores_of_gray(photos)
    chroma = [np.square(true_ab(photos, place)).mean() for place in range(len(photos))]
    assert table["l2_lab"].tolist() == pytest.approx(chroma, rel=1e-3)
    assert (table["ssim"] < 1).all()
    assert table["psnr"].between(5, 40).all()


def test_l2_is_of_the_prediction_and_all_else_of_the_pixels_that_colorize_writes(
    photos: References,
) -> None:
    table = scores_off_by(photos, 11.0)
    assert table["l2"].tolist() == pytest.approx([0.01] * len(NAMES), rel=1e-4)
    for place, row in table.iterrows():
        rgb = photos[place].rgb
        shown = recolor(rgb, true_ab(photos, place) + np.float32(11))
        errors = rgb_to_lab(shown)[1:] - rgb_to_lab(rgb)[1:]
        assert row["l2_lab"] == pytest.approx(np.square(errors).mean(), rel=1e-4)
        assert row["l2_lab"] < 121
        levels = np.square(shown.astype(float) - rgb).mean()
        assert row["psnr"] == pytest.approx(10 * np.log10(255**2 / levels), rel=1e-4)


def test_colors_that_srgb_cannot_show_are_scored_as_users_get_them(photos: References) -> None:
    found = summarize(scores_off_by(photos, 300.0))
    assert 1 < found["chroma_ratio"] < 10  # of sRGB's most colorful shades, not 30
    assert found["l2"] > 7


def test_a_larger_error_scores_worse_in_every_metric(photos: References) -> None:
    near, far = (summarize(scores_off_by(photos, error)) for error in (5.0, 25.0))
    for name in scores.choices():
        assert (near[name] < far[name]) == scores.lower_is_better(name), name


@pytest.mark.parametrize("geometry", ["square", "keep"])
def test_scores_are_of_what_colorize_writes(
    originals: dict[str, Picture], geometry: Geometry
) -> None:
    torch.manual_seed(0)
    arguments = {"widths": [4, 8]}
    metadata = WeightsMetadata("model1", arguments, SIDE, geometry=geometry)
    network = TorchNetwork(create_model("model1", **arguments), metadata, precision="float32")
    references = references_of([to_reference(rgb).rgb for rgb in originals.values()], NAMES)
    predict = by_network(network, references, originals.__getitem__)
    shown = show({"network": predict}, references, first_places(references, 9))
    for place, (name, rgb) in enumerate(originals.items()):
        written = to_reference(Colorizer(network).colorize(rgb)).rgb
        difference = written.astype(float) - shown["network"][place]
        assert np.abs(difference).mean() < 1.5, name  # resized before or after it is colored
        assert shown["original"][place].shape == written.shape


def test_a_network_sees_the_photograph_and_is_asked_for_its_own_colors(
    originals: dict[str, Picture], photos: References
) -> None:
    class Recorder(nn.Module):
        seen: ClassVar[list[Tensor]] = []

        def forward(self, lightness: Tensor) -> Tensor:
            self.seen.append(lightness)
            return torch.full_like(lightness, 0.1).expand(-1, 2, -1, -1)

    network = TorchNetwork(Recorder(), WeightsMetadata("model1", {}, SIDE), precision="float32")
    predict = by_network(network, photos, originals.__getitem__)
    prediction = predict(0)
    small = resize(originals[NAMES[0]], size=SIDE, resample="bicubic")
    expected = rgb_to_lab(small)
    np.testing.assert_allclose((Recorder.seen[0][0, 0] + 1) * 50, expected[0], atol=1e-4)
    np.testing.assert_array_equal(prediction.true_ab, expected[1:])
    np.testing.assert_allclose(prediction.ab, 0.1 * AB_SCALE, rtol=1e-5)


def test_scores_are_of_the_ready_network_and_leave_no_gradients(
    originals: dict[str, Picture], photos: References
) -> None:
    torch.manual_seed(0)
    model = create_model("model1", widths=[4, 8], norm="batch").train()
    network = TorchNetwork(model, WeightsMetadata("model1", {}, SIDE))
    predict = by_network(network, photos, originals.__getitem__)
    first, second = (evaluate(predict, photos) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_summary_is_the_mean_over_photographs(photos: References) -> None:
    table = scores_off_by(photos, 11.0)
    summary = summarize(table)
    assert {name: summary[name] for name in MEANS} == pytest.approx(
        {name: table[name].mean() for name in MEANS}, rel=1e-5
    )


def test_the_gap_is_of_the_means_and_no_less_than_zero(photos: References) -> None:
    table = scores_of_gray(photos)
    difference = table["colorfulness"] - table["colorfulness_original"]
    summary = summarize(table)
    assert difference.mean() < 0
    assert summary["colorfulness_gap"] == pytest.approx(-difference.mean(), rel=1e-5)
    assert summary["colorfulness_distance"] == pytest.approx(difference.abs().mean(), rel=1e-5)


def test_the_summary_says_what_a_person_compares_by(photos: References) -> None:
    summary = summarize(scores_of_gray(photos))
    assert set(scores.choices()) <= set(summary)
    assert summary["photographs"] == len(NAMES)
    assert not OF_FACES & set(summary)  # not defined without a face, and JSON has no NaN
    assert {type(value) for name, value in summary.items() if name != "photographs"} == {float}


def test_scores_of_an_old_name_say_the_new_one(tmp_path: Path) -> None:
    (tmp_path / SUMS).write_text("id,colourfulness_gap\n")
    with pytest.raises(ColorizerError, match="colourfulness_gap is now colorfulness_gap"):
        read_sums(tmp_path)
