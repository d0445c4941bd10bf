"""The models side by side: the tables, and the study's figures 2, 3, 4 and 8."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from colorizer.data.dataset import LabDataset
from colorizer.evaluation.evaluate import read_sums, summable
from colorizer.evaluation.figures import architecture, learning_curves, save_figure
from colorizer.evaluation.grids import photo_grid, show_versions
from colorizer.evaluation.scoring.bootstrap import intervals, paired_differences
from colorizer.evaluation.scoring.measure import PHOTOGRAPHS, scores_of
from colorizer.inference.torch_network import TorchNetwork
from colorizer.scores import table as scores
from colorizer.training.run_record import Epoch

logger = logging.getLogger(__name__)

STUDY = ("model1", "model2", "model3")
"""The study's networks, whose layers figure 2 shows."""

HUE_STRATA = {
    "red": (0.0, 50.0),
    "yellow": (50.0, 110.0),
    "green": (110.0, 170.0),
    "blue": (170.0, 310.0),
    "purple": (310.0, 360.0),
}
"""Photographs by the mean hue of their original, degrees."""


def write_tables(evaluations: Mapping[str, Path], folder: Path) -> pd.DataFrame:
    """Write what is compared: `metrics.csv` and `.md`, `differences.csv` and `strata.csv`.

    The first has all scores, the second those that the report shows, which are also logged.

    Args:
        evaluations: by model or baseline, the folder that `write_scores` wrote.
        folder: where the tables go.

    Returns:
        The table of metrics.
    """
    found = {m: json.loads((path / "metrics.json").read_text()) for m, path in evaluations.items()}
    table = metrics_table(found)
    table.to_csv(folder / "metrics.csv", index=False)
    text = to_markdown(shown(table))
    (folder / "metrics.md").write_text(text)
    logger.info("%s", text)
    sums = {model: read_sums(path) for model, path in evaluations.items()}
    differences = paired_differences({m: summable(table) for m, table in sums.items()}, scores_of)
    differences.to_csv(folder / "differences.csv", index=False)
    strata_table(sums).to_csv(folder / "strata.csv", index=False)
    return table


def metrics_table(metrics: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return one row a model and one column a metric."""
    return pd.DataFrame.from_dict(dict(metrics), orient="index").rename_axis("model").reset_index()


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of metrics with the scores that the report shows."""
    names = [score.name for group in scores.by_group().values() for score in group]
    return table[["model", PHOTOGRAPHS, *(name for name in names if name in table)]]


def to_markdown(table: pd.DataFrame) -> str:
    """Return a table of scores as aligned Markdown: a row a metric, a column a model."""
    scores = table.set_index("model").T
    first = max(map(len, scores.index))
    widths = [max(10, len(model)) for model in scores.columns]
    heads = [f"{model:>{width}}" for model, width in zip(scores.columns, widths, strict=True)]
    lines = [f"| {'':{first}} | " + " | ".join(heads) + " |"]
    lines.append(f"|-{'-' * first}-|" + "".join(f"-{'-' * width}:|" for width in widths))
    for name, row in scores.iterrows():
        cells = [f"{rounded(cell):>{width}}" for cell, width in zip(row, widths, strict=True)]
        lines.append(f"| {name:{first}} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def strata_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the bias on photographs of one mean hue, `HUE_STRATA`.

    Args:
        tables: by model, `evaluate`'s table.

    Returns:
        A row for each model, stratum with photographs, and score that is shown in "strata":
        `model`, `stratum`, `photographs`, `score`, and `value` with its 95% interval, `low` and
        `high`.
    """
    statistic = partial(scores_of, only=scores.shown_in("strata"))
    parts = []
    for model, table in tables.items():
        hue = table["mean_hue"] % 360
        for stratum, (first, last) in HUE_STRATA.items():
            part = table[(hue >= first) & (hue < last)]
            if len(part):
                rows = intervals(summable(part), statistic).rename_axis("score").reset_index()
                rows.insert(0, "photographs", len(part))
                rows.insert(0, "stratum", stratum)
                rows.insert(0, "model", model)
                parts.append(rows)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def rounded(score: float) -> str:
    """Return a score with four significant digits, and "-" where it is not defined."""
    if math.isnan(score):
        return "-"
    return f"{score:.0f}" if float(score).is_integer() else f"{score:.4g}"


def draw_figures(
    networks: Mapping[str, TorchNetwork],
    histories: Mapping[str, Sequence[Epoch]],
    photos: LabDataset,
    folder: Path,
    *,
    losses: Mapping[str, str],
    count: int,
) -> None:
    """Draw the study's figures from trained networks and the first test photographs.

    Args:
        networks: by model.
        histories: by model, its losses.
        photos: the test photographs.
        folder: where figure2_architectures.png, figure3_pairs.png, figure4_learning_curves.png and
            figure8_comparison.png go.
        losses: by model, what its histories' losses are.
        count: photographs in figures 3 and 8.
    """
    models = {name: network.model for name, network in networks.items()}
    kinds = {name: network.metadata.model for name, network in networks.items()}
    study = {name: model for name, model in models.items() if kinds[name] in STUDY}
    if study:
        save_figure(architecture(study, size=photos.size), folder / "figure2_architectures.png")
    save_figure(learning_curves(histories, losses), folder / "figure4_learning_curves.png")

    versions = {name: show_versions(model, photos, count) for name, model in models.items()}
    pair = next(iter(versions.values()))
    pairs = {"gray": pair["gray"], "original": pair["original"]}
    photo_grid(pairs).save(folder / "figure3_pairs.png")
    predicted = {model: version["predicted"] for model, version in versions.items()}
    photo_grid(pairs | predicted).save(folder / "figure8_comparison.png")


def write_summary(
    path: Path,
    table: pd.DataFrame,
    *,
    profile: str,
    fingerprints: Mapping[str, str],
    best: str,
    started_at: float,
    photographs: Mapping[str, Any],
) -> None:
    """Write comparison.json, from which a comparison is logged to MLflow, now or later.

    Args:
        path: the file.
        table: of metrics, as `write_tables` returns it.
        profile: the block of params.yaml that it is of.
        fingerprints: by model, its training's.
        best: the model that becomes the champion.
        started_at: when the comparison began, seconds since 1970.
        photographs: how many there are, and how many were dropped.
    """
    summary = {
        "fingerprint": comparison_fingerprint(fingerprints, table),
        "profile": profile,
        "fingerprints": dict(fingerprints),
        "best": best,
        "photographs": dict(photographs),
        "started_at": int(started_at * 1000),
        "created_at": int(time.time() * 1000),
    }
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def comparison_fingerprint(fingerprints: Mapping[str, str], table: pd.DataFrame) -> str:
    """Name a comparison by what it compares: the runs' fingerprints and their scores."""
    text = json.dumps(dict(fingerprints), sort_keys=True) + table.to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
