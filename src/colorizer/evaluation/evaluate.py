"""A model's scores on test photographs, photograph by photograph."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.measure import PHOTOGRAPHS, measure, scores_of
from colorizer.evaluation.scoring.metrics import AB_BINS, color_histogram
from colorizer.evaluation.scoring.pair import Pair, mean_hue
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.scores import table as scores

Predict = Callable[[Tensor, slice], Tensor]
"""From lightness, float32 (N, 1, H, W), L* in 0..100, and which photographs they are of, to ab:
float32 (N, 2, H, W), CIELAB units, on the same device."""

CPU = torch.device("cpu")

SUMS = "sums.csv"
"""The file of an evaluation that keeps `evaluate`'s table."""

CACHED = 400_000
"""Pixels at once on a CPU: of more, what is computed on the way leaves the caches."""


def evaluate(
    predict: Predict,
    photos: LabDataset,
    *,
    batch_size: int,
    device: torch.device = CPU,
    perceptual: Perceptual | None = None,
) -> pd.DataFrame:
    """Score what is predicted for photographs, by the table of scores.

    Args:
        predict: a network, as `by_network` makes it, or a baseline.
        photos: with their true colors.
        batch_size: photographs at once; on a CPU never more than `CACHED` pixels.
        device: where is predicted and measured.
        perceptual: also measures the optional scores, and keeps the photographs for FID.

    Returns:
        A row a photograph, in their order: `id`; `mean_hue` of the original, degrees; and what adds
        up over photographs, the columns of `measure`.
    """
    if device.type == "cpu":
        batch_size = min(batch_size, max(1, CACHED // photos.size**2))
    histogram = torch.zeros(AB_BINS, dtype=torch.int64, device=device)
    for _, ab in photos.lab_batches(batch_size, device=device):
        histogram += color_histogram(ab)
    parts = []
    for lightness, own_ab, true_ab in _predict(predict, photos, batch_size, device):
        pair = Pair(lightness, own_ab, true_ab, histogram=histogram, perceptual=perceptual)
        columns = {"mean_hue": mean_hue(pair.target), **measure(pair)}
        parts.append(pd.DataFrame({name: values.tolist() for name, values in columns.items()}))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "id", photos.ids)
    return table


def write_scores(table: pd.DataFrame, folder: Path, perceptual: Perceptual | None = None) -> None:
    """Write metrics.json, intervals.csv, per_image.csv and `SUMS`, of `evaluate`'s table.

    Args:
        table: as `evaluate` returns it.
        folder: where the files go.
        perceptual: what `evaluate` was given; adds its FID, which has no interval.
    """
    summary = summarize(table)
    sure = intervals(summable(table), scores_of)
    if perceptual is not None:
        summary["fid"] = perceptual.fid()
        sure.loc["fid"] = (summary["fid"], math.nan, math.nan)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(summary, indent=1) + "\n")
    sure.to_csv(folder / "intervals.csv", index_label="score")
    per_image(table).to_csv(folder / "per_image.csv", index=False)
    table.to_csv(folder / SUMS, index=False)


def read_sums(folder: Path) -> pd.DataFrame:
    """Read `evaluate`'s table from a folder that `write_scores` wrote.

    Raises:
        ColorizerError: if an earlier version wrote it, under other names.
    """
    table = pd.read_csv(folder / SUMS)
    for name in map(str, table):
        if "colourfulness" in name:
            now = name.replace("colourfulness", "colorfulness")
            raise ColorizerError(f"{folder / SUMS}: {name} is now {now}: run `dvc repro`")
    known = set(scores_of(_columns(table)))
    wanted = (score for score in scores.SCORES if score.function and not score.optional)
    if missing := [score.name for score in wanted if score.name not in known]:
        raise ColorizerError(
            f"{folder / SUMS} has no {missing[0]}: an earlier version wrote it: run `dvc repro`"
        )
    return table


def summable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `evaluate`'s table that add up to what `scores_of` takes."""
    return table.drop(columns=["id", "mean_hue"], errors="ignore")


def summarize(table: pd.DataFrame) -> dict[str, float]:
    """Return metrics.json: how many photographs, and their scores as far as they are defined."""
    totals = {name: values.sum() for name, values in _columns(table).items()}
    found = {name: float(score) for name, score in scores_of(totals).items()}
    defined = {name: score for name, score in found.items() if not math.isnan(score)}
    return {PHOTOGRAPHS: len(table), **defined}


def per_image(table: pd.DataFrame) -> pd.DataFrame:
    """Return per_image.csv: of each photograph `id`, its scores and the original's `mean_hue`."""
    of_sets = [score.name for score in scores.SCORES if score.over == "set"]
    found = scores_of(_columns(table))
    columns = {name: values.numpy() for name, values in found.items() if name not in of_sets}
    return pd.DataFrame({"id": table["id"], **columns, "mean_hue": table["mean_hue"]})


def _columns(table: pd.DataFrame) -> dict[str, Tensor]:
    """Return what adds up over photographs, each float64 (N,)."""
    return {
        str(name): torch.tensor(values.to_numpy("float64"))
        for name, values in summable(table).items()
    }


def _predict(
    predict: Predict, photos: LabDataset, batch_size: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield lightness, predicted ab and true ab, in CIELAB units."""
    start = 0
    for lightness, ab in photos.lab_batches(batch_size, device=device):
        rows = slice(start, start := start + len(lightness))
        yield lightness, predict(lightness, rows), ab
