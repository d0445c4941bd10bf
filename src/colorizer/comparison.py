"""The models side by side: the table, and the study's figures 2, 3, 4 and 8."""

import hashlib
import json
import math
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pandas as pd

from colorizer.bootstrap import paired_differences
from colorizer.checkpoint import load_model
from colorizer.dataset import LabDataset
from colorizer.evaluation import SUMS, scores_of, summable
from colorizer.figures import architecture, learning_curves, save_figure
from colorizer.grids import photo_grid, show_versions
from colorizer.runs import HISTORY, WEIGHTS, read_history


def write_tables(evaluations: Mapping[str, Path], folder: Path) -> pd.DataFrame:
    """Write metrics.csv, the same as Markdown, and differences.csv, of each two models.

    Args:
        evaluations: by model or baseline, the folder that `write_scores` wrote.
        folder: where the tables go.

    Returns:
        The table of metrics.
    """
    scores = {m: json.loads((path / "metrics.json").read_text()) for m, path in evaluations.items()}
    table = metrics_table(scores)
    table.to_csv(folder / "metrics.csv", index=False)
    (folder / "metrics.md").write_text(to_markdown(table))
    sums = {model: pd.read_csv(path / SUMS) for model, path in evaluations.items()}
    differences_table(sums).to_csv(folder / "differences.csv", index=False)
    return table


def metrics_table(metrics: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return one row a model and one column a metric."""
    return pd.DataFrame.from_dict(dict(metrics), orient="index").rename_axis("model").reset_index()


def to_markdown(table: pd.DataFrame) -> str:
    """Return a table of scores as aligned Markdown: a row a metric, a column a model."""
    scores = table.set_index("model").T
    first = max(map(len, scores.index))
    widths = [max(10, len(model)) for model in scores.columns]
    heads = [f"{model:>{width}}" for model, width in zip(scores.columns, widths, strict=True)]
    lines = [f"| {'':{first}} | " + " | ".join(heads) + " |"]
    lines.append(f"|-{'-' * first}-|" + "".join(f"-{'-' * width}:|" for width in widths))
    for name, row in scores.iterrows():
        cells = [f"{_rounded(cell):>{width}}" for cell, width in zip(row, widths, strict=True)]
        lines.append(f"| {name:{first}} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def differences_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how each two models differ on the same photographs.

    Args:
        tables: by model, `evaluate`'s table.

    Returns:
        A row for each two models and score: `model`, `other`, `score`, and `value`, the model's
        less the other's, with its paired 95% interval, `low` and `high`.
    """
    parts = []
    for (model, table), (other, other_table) in combinations(tables.items(), 2):
        part = paired_differences(summable(table), summable(other_table), scores_of)
        part = part.rename_axis("score").reset_index()
        part.insert(0, "model", model)
        part.insert(1, "other", other)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _rounded(score: float) -> str:
    if math.isnan(score):
        return "-"
    return f"{score:.0f}" if float(score).is_integer() else f"{score:.4g}"


def draw_figures(runs: Mapping[str, Path], photos: LabDataset, folder: Path, *, count: int) -> None:
    """Draw the study's figures from the models' runs and the first test photographs.

    Args:
        runs: by model, the folder of its training.
        photos: the test photographs.
        folder: where figure2_architectures.png, figure3_pairs.png, figure4_learning_curves.png and
            figure8_comparison.png go.
        count: photographs in figures 3 and 8.
    """
    networks = {model: load_model(run / WEIGHTS)[0] for model, run in runs.items()}
    save_figure(architecture(networks, size=photos.size), folder / "figure2_architectures.png")
    histories = {model: read_history(run / HISTORY) for model, run in runs.items()}
    save_figure(learning_curves(histories), folder / "figure4_learning_curves.png")

    versions = {model: show_versions(net, photos, count) for model, net in networks.items()}
    pair = next(iter(versions.values()))
    pairs = {"grey": pair["grey"], "original": pair["original"]}
    photo_grid(pairs).save(folder / "figure3_pairs.png")
    predicted = {model: version["predicted"] for model, version in versions.items()}
    photo_grid(pairs | predicted).save(folder / "figure8_comparison.png")


def comparison_fingerprint(fingerprints: Mapping[str, str], table: pd.DataFrame) -> str:
    """Name a comparison by what it compares: the runs' fingerprints and their scores."""
    text = json.dumps(dict(fingerprints), sort_keys=True) + table.to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
