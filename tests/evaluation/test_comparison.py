from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from PIL import Image

from colorizer.data.references import References
from colorizer.evaluation.comparison import comparison_fingerprint, draw_figures
from colorizer.evaluation.evaluate import evaluate, summarize, write_scores
from colorizer.evaluation.figures import learning_curves
from colorizer.evaluation.grids import CAPTION, GAP
from colorizer.evaluation.predictions import by_network, first_places, show
from colorizer.evaluation.tables import metrics_table, to_markdown, write_tables
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.training.run_record import HISTORY, WEIGHTS, Epoch, read_history, write_history
from pictures import random_references, reader

METRICS: dict[str, dict[str, float]] = {
    "model1": {"photographs": 12345, "l2": 0.0123456789, "psnr": 22.4567},
    "model2": {"photographs": 12345, "l2": 0.0000012345, "psnr": 100.0},
}
NARROW: dict[str, dict[str, Any]] = {
    "model1": {"widths": [2, 4]},
    "model2": {"widths": [2, 4, 4]},
    "model3": {"widths": [2, 4, 4, 4, 4, 4]},
}
SIDE = 32


@pytest.fixture(scope="module")
def photos() -> References:
    return random_references(4, SIDE, patches=8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for seed, (name, arguments) in enumerate(NARROW.items()):
        torch.manual_seed(seed)
        folders[name] = tmp_path_factory.mktemp(name)
        weights = create_model(name, **arguments).state_dict()
        save_weights(folders[name] / WEIGHTS, WeightsMetadata(name, arguments, SIDE), weights)
        history = [Epoch(n, 1 / n, 1.1 / n, 5.0, n) for n in (1, 2, 3)]
        write_history(folders[name] / HISTORY, history)
    return folders


def test_the_tables_tell_each_two_models_apart(
    runs: dict[str, Path], photos: References, tmp_path: Path
) -> None:
    metrics, tables = {}, {}
    for model, folder in runs.items():
        network = TorchNetwork.from_file(folder / WEIGHTS)
        tables[model] = evaluate(by_network(network, photos, reader(photos)), photos)
        write_scores(tables[model], folder)
        metrics[model] = summarize(tables[model])
    table = write_tables(runs, tmp_path)
    assert table["model"].tolist() == list(runs)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "metrics.csv"), table)
    found = pd.read_csv(tmp_path / "differences.csv")
    pairs = [("model1", "model2"), ("model1", "model3"), ("model2", "model3")]
    assert (
        list(found[["model", "other"]].drop_duplicates().itertuples(index=False, name=None))
        == pairs
    )
    for row in found[found["score"].isin(["l2", "auc_rebalanced", "chroma_ratio"])].itertuples():
        expected = metrics[row.model][row.score] - metrics[row.other][row.score]
        assert row.value == pytest.approx(expected, abs=1e-6)
        assert row.low <= row.value <= row.high


def test_the_table_has_a_row_a_model_and_a_column_a_metric() -> None:
    table = metrics_table(METRICS)
    assert list(table.columns) == ["model", "photographs", "l2", "psnr"]
    assert table["model"].tolist() == ["model1", "model2"]
    assert table["l2"].tolist() == [0.0123456789, 0.0000012345]


def test_the_order_of_the_models_is_kept() -> None:
    assert metrics_table(dict(reversed(METRICS.items())))["model"].tolist() == ["model2", "model1"]


def test_scores_survive_being_written_as_csv(tmp_path: Path) -> None:
    table = metrics_table(METRICS)
    table.to_csv(tmp_path / "metrics.csv", index=False)
    again = pd.read_csv(tmp_path / "metrics.csv")
    assert again.to_dict("list") == table.to_dict("list")


def draw(runs: dict[str, Path], photos: References, folder: Path, *, count: int) -> None:
    networks = {name: TorchNetwork.from_file(run / WEIGHTS) for name, run in runs.items()}
    curves = learning_curves({name: read_history(run / HISTORY) for name, run in runs.items()})
    predict = {name: by_network(n, photos, reader(photos)) for name, n in networks.items()}
    shown = show(predict, photos, first_places(photos, count))
    draw_figures(networks, curves, shown, folder)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown_has_a_row_a_metric_with_four_significant_digits() -> None:
    head, rule, *rows = to_markdown(metrics_table(METRICS)).splitlines()
    assert cells(head) == ["", "model1", "model2"]
    assert {frozenset(cell) <= set("-:") for cell in cells(rule)} == {True}
    scores = {name: values for name, *values in map(cells, rows)}
    assert list(scores) == ["photographs", "l2", "psnr"]
    assert scores["l2"] == ["0.01235", "1.234e-06"]
    assert scores["psnr"] == ["22.46", "100"]


@pytest.mark.parametrize("count", [16, 1000, 12345])
def test_markdown_says_how_many_photographs_there_are(count: int) -> None:
    metrics = {name: {**scores, "photographs": count} for name, scores in METRICS.items()}
    (row,) = (r for r in to_markdown(metrics_table(metrics)).splitlines() if "photographs" in r)
    assert cells(row) == ["photographs", str(count), str(count)]


@pytest.mark.parametrize("name", ["m", "a_model_with_a_longer_name_than_its_scores"])
def test_markdown_is_aligned_and_ends_with_one_line_break(name: str) -> None:
    text = to_markdown(metrics_table({name: METRICS["model1"], "other": METRICS["model2"]}))
    assert text.endswith("|\n")
    assert not text.endswith("\n\n")
    assert len({len(line) for line in text.splitlines()}) == 1
    assert len({line.count("|") for line in text.splitlines()}) == 1


def fingerprint_of(**changes: Any) -> str:
    fingerprints = changes.get("fingerprints", {"model1": "aa", "model2": "bb"})
    table = metrics_table(changes.get("metrics", METRICS))
    return comparison_fingerprint(fingerprints, {changes.get("subset", "test"): table})


def test_a_comparison_is_known_by_sixteen_digits() -> None:
    assert len(fingerprint_of()) == 16
    assert int(fingerprint_of(), 16) >= 0
    assert fingerprint_of() == fingerprint_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprints": {"model1": "aa", "model2": "bc"}},
        {"fingerprints": {"model1": "aa"}},
        {"subset": "validation"},
        {"fingerprints": {"model1": "bb", "model2": "aa"}},
        {"metrics": {**METRICS, "model2": {**METRICS["model2"], "psnr": 99.9999}}},
        {"metrics": {**METRICS, "model2": {**METRICS["model2"], "l2": 0.0000012346}}},
        {"metrics": {"model1": METRICS["model1"]}},
        {"metrics": {"model1": METRICS["model2"], "model2": METRICS["model1"]}},
    ],
)
def test_other_runs_or_scores_are_another_comparison(changes: dict[str, Any]) -> None:
    assert fingerprint_of(**changes) != fingerprint_of()


def test_the_order_of_the_fingerprints_does_not_matter() -> None:
    assert fingerprint_of(fingerprints={"model2": "bb", "model1": "aa"}) == fingerprint_of()


def test_the_study_s_figures_are_drawn(
    runs: dict[str, Path], photos: References, tmp_path: Path
) -> None:
    draw(runs, photos, tmp_path, count=2)
    drawn = {}
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert image.format == "PNG"
            drawn[path.name] = image.size
    assert drawn.keys() == {
        "figure2_architectures.png",
        "figure3_pairs.png",
        "figure4_learning_curves.png",
        "figure8_comparison.png",
    }
    step = 96 + GAP
    height = CAPTION + GAP + 2 * step
    assert drawn["figure3_pairs.png"] == (GAP + 2 * step, height)  # gray and original
    assert drawn["figure8_comparison.png"] == (GAP + (2 + len(runs)) * step, height)


def test_a_single_model_can_be_drawn_too(
    runs: dict[str, Path], photos: References, tmp_path: Path
) -> None:
    draw({"model1": runs["model1"]}, photos, tmp_path, count=9)
    with Image.open(tmp_path / "figure8_comparison.png") as image:
        assert image.size == (GAP + 3 * (96 + GAP), CAPTION + GAP + 4 * (96 + GAP))


def test_drawing_twice_gives_the_same_bytes(
    runs: dict[str, Path], photos: References, tmp_path: Path
) -> None:
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        draw({"model2": runs["model2"]}, photos, folder, count=1)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_networks_beyond_the_study_are_compared_but_not_in_its_figure_2(
    photos: References, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    metadata = WeightsMetadata("zhang2016", {"width": 2}, SIDE)
    network = TorchNetwork(create_model("zhang2016", width=2), metadata)
    curves = learning_curves({"zhang2016": [Epoch(1, 4.0, 4.1, 5.0, 1)]})
    predict = {"zhang2016": by_network(network, photos, reader(photos))}
    draw_figures({"zhang2016": network}, curves, show(predict, photos, [0, 1]), tmp_path)
    found = {path.name for path in tmp_path.iterdir()}
    assert "figure2_architectures.png" not in found
    assert "figure8_comparison.png" in found
