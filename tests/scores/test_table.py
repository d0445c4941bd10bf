"""The table of scores: files, report and docs follow it, and one entry adds a score."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from colorizer.color.lab import rgb_to_lab
from colorizer.data.references import References
from colorizer.errors import ColorizerError
from colorizer.evaluation.baselines import make_baselines
from colorizer.evaluation.evaluate import evaluate, read_sums, write_scores
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.report import write_report
from colorizer.evaluation.scoring import color_bias
from colorizer.evaluation.scoring.measure import MODULES
from colorizer.evaluation.scoring.pair import Pair
from colorizer.evaluation.tables import write_tables
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Register
from colorizer.scores import table
from colorizer.scores.score import Score
from pictures import random_references, reader

SIDE = 16


@pytest.fixture
def photos() -> References:
    return random_references(4, SIDE, patches=8)


def write_evaluations(photos: References, folder: Path) -> dict[str, Path]:
    seen = WeightsMetadata("", {}, SIDE).shape
    for name, predict in make_baselines(torch.zeros(2), photos, seen).items():
        write_scores(evaluate(predict, photos), folder / name)
    return {name: folder / name for name in ("gray", "mean", "random", "truth")}


def blueness(pair: Pair) -> tuple[Tensor, Tensor]:
    """Return the mean share of blue pixels, per mille."""
    blue = (pair.preds[:, 2] < 0).float().flatten(1)
    return 1000 * blue.sum(1), torch.full((len(blue),), blue.shape[1])


def test_one_entry_and_its_function_add_a_score(
    photos: References, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = Score(
        *("blueness", "share of blue pixels", "higher", "pixels", "color_bias.blueness"),
        unit="per mille",
        group="Which colors",
        places=("pairs", "strata", "list"),
        chooses=True,
    )
    monkeypatch.setattr(table, "SCORES", (*table.SCORES, added))
    monkeypatch.setattr(color_bias, "blueness", blueness, raising=False)
    evaluations = write_evaluations(photos, tmp_path)

    b = [rgb_to_lab(photos[place].rgb)[2] for place in range(len(photos))]
    expected = 1000 * np.mean(np.stack(b) < 0, axis=(1, 2))
    metrics = json.loads((tmp_path / "truth/metrics.json").read_text())
    assert metrics["blueness"] == pytest.approx(expected.mean().item())
    per_image = pd.read_csv(tmp_path / "truth/per_image.csv")
    assert per_image["blueness"].tolist() == pytest.approx(expected.tolist())
    value, low, high = pd.read_csv(tmp_path / "truth/intervals.csv", index_col="score").loc[
        "blueness"
    ]
    assert low < value < high

    assert "blueness" in write_tables(evaluations, tmp_path)
    assert "| blueness" in (tmp_path / "metrics.md").read_text()
    for name in ("differences.csv", "strata.csv"):
        assert "blueness" in set(pd.read_csv(tmp_path / name)["score"])
    metadata = WeightsMetadata("model1", {"widths": [2, 4]}, SIDE)
    network = TorchNetwork(create_model("model1", widths=[2, 4]), metadata)
    predict = by_network(network, photos, reader(photos))
    write_scores(evaluate(predict, photos), tmp_path / "model1")
    page, all_of_them = tmp_path / "report.html", {"model1": tmp_path / "model1", **evaluations}
    write_report(page, "t", all_of_them, {"model1": predict}, photos, metric="blueness")
    assert "share of blue pixels, per mille; higher is better" in page.read_text()

    assert Register(metric="blueness", champion=True).metric == "blueness"
    assert not table.lower_is_better("blueness")
    assert "| `blueness` | share of blue pixels | per mille |" in table.to_markdown()


def test_a_table_that_lacks_a_score_was_written_before_it(
    photos: References, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_evaluations(photos, tmp_path)
    read_sums(tmp_path / "gray")
    added = Score("redness", "", "higher", "images", "color_bias.redness")
    monkeypatch.setattr(table, "SCORES", (*table.SCORES, added))
    with pytest.raises(ColorizerError, match=r"sums\.csv has no redness: .* run `dvc repro`"):
        read_sums(tmp_path / "gray")


def test_every_score_has_a_name_of_its_own_and_functions() -> None:
    names = [score.name for score in table.SCORES]
    assert len(set(names)) == len(names)
    for score in table.SCORES:
        for path in filter(None, (score.function, score.finish)):
            module, function = path.split(".")
            assert callable(getattr(MODULES[module], function))
    assert all(table.by_name()[name].better in ("lower", "higher") for name in table.choices())
    assert set(table.by_group()) == {table.NEAR, table.MUCH, table.WHICH}


def test_the_docs_show_the_table(root: Path) -> None:
    assert table.to_markdown() in (root / "docs/results/measures.md").read_text(encoding="utf-8")


def test_params_know_the_scores_without_pytorch() -> None:
    code = "import sys, colorizer.params; print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
