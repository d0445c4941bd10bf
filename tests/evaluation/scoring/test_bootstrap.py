from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap
from torch import Tensor

from colorizer.evaluation.scoring.bootstrap import draw_sums, intervals, paired_differences

COUNT = 60


@pytest.fixture(scope="module")
def sums() -> pd.DataFrame:
    random = np.random.default_rng(3)
    pixels = random.integers(50, 100, COUNT)
    return pd.DataFrame({"errors": pixels * random.gamma(2, 1, COUNT), "pixels": pixels})


def rate(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"rate": sums["errors"] / sums["pixels"]}


def test_a_score_is_that_of_all_photographs_between_the_ends(sums: pd.DataFrame) -> None:
    row = intervals(sums, rate).loc["rate"]
    assert row["value"] == pytest.approx(sums["errors"].sum() / sums["pixels"].sum())
    assert row["low"] < row["value"] < row["high"]


def test_the_interval_is_scipy_s(sums: pd.DataFrame) -> None:
    expected = bootstrap(
        (sums["errors"].to_numpy(), sums["pixels"].to_numpy()),
        lambda errors, pixels, axis: errors.sum(axis) / pixels.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=10_000,
        random_state=np.random.default_rng(0),
    ).confidence_interval
    row = intervals(sums, rate).loc["rate"]
    width = expected.high - expected.low
    assert row["low"] == pytest.approx(expected.low, abs=0.05 * width)
    assert row["high"] == pytest.approx(expected.high, abs=0.05 * width)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        photos = pd.DataFrame({"errors": random.normal(1, 1, 100), "pixels": 1.0})
        row = intervals(photos, rate, draws=400).loc["rate"]
        held += bool(row["low"] <= 1 <= row["high"])
    assert 0.90 <= held / 300 <= 0.98


def test_every_set_has_as_many_photographs_and_the_same_seed_the_same_sets(
    sums: pd.DataFrame,
) -> None:
    counted = sums.assign(photographs=1.0)
    first = draw_sums(counted, draws=2500)
    assert set(first["photographs"].tolist()) == {COUNT}
    assert len(set(first["errors"].tolist())) > 2400
    again = draw_sums(counted[["errors"]], draws=2500)
    assert first["errors"].tolist() == pytest.approx(again["errors"].tolist())
    assert draw_sums(counted, draws=2500, seed=8)["errors"][0] != first["errors"][0]


def test_differences_are_paired(sums: pd.DataFrame) -> None:
    worse = sums.assign(errors=sums["errors"] + 0.1 * sums["pixels"])
    found = paired_differences({"worse": worse, "one": sums, "same": sums}, rate)
    rows = {(row.model, row.other): [row.value, row.low, row.high] for row in found.itertuples()}
    assert list(rows) == [("worse", "one"), ("worse", "same"), ("one", "same")]
    assert rows["worse", "one"] == pytest.approx([0.1, 0.1, 0.1])  # whichever are drawn
    assert rows["one", "same"] == [0, 0, 0]


def test_one_model_differs_from_none(sums: pd.DataFrame) -> None:
    assert paired_differences({"one": sums}, rate).empty


def test_other_photographs_cannot_be_paired(sums: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="one of 60, other of 59"):
        paired_differences({"one": sums, "other": sums[1:]}, rate)


def test_draws_in_which_a_score_is_not_defined_do_not_count() -> None:
    rare = pd.DataFrame({"errors": [1.0, *[0.0] * 9], "pixels": [1.0, *[0.0] * 9]})
    assert intervals(rare, rate).loc["rate"].tolist() == [1, 1, 1]  # a third of the draws lack it


def test_what_is_not_defined_is_nan(sums: pd.DataFrame) -> None:
    row = intervals(sums.assign(pixels=0.0, errors=0.0), rate, draws=10).loc["rate"]
    assert row.isna().all()
