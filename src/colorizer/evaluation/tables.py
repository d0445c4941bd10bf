"""The models side by side in tables: scores, their differences, and color bias by hue."""

import json
import logging
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from colorizer.evaluation.evaluate import read_sums, summable
from colorizer.evaluation.scoring.bootstrap import intervals, paired_differences
from colorizer.evaluation.scoring.measure import PHOTOGRAPHS, scores_of
from colorizer.paths import readable
from colorizer.scores import table as scores

logger = logging.getLogger(__name__)

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
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for model, path in evaluations.items():
        with readable(path / "metrics.json"):
            found[model] = json.loads((path / "metrics.json").read_text())
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
