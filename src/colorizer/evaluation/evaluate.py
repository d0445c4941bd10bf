"""A model's scores on test photographs, photograph by photograph."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from colorizer.color.lab import denormalize_ab
from colorizer.color.lab_torch import lab_to_rgb
from colorizer.color.statistics import absolute_colorfulness, colorfulness
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.evaluation.bootstrap import intervals
from colorizer.evaluation.color_bias import bias_sums, mean_hue, rates
from colorizer.evaluation.metrics import (
    AB_BINS,
    accuracy,
    color_histogram,
    color_weights,
    delta_e2000,
    psnr,
    squared_error,
    ssim,
)
from colorizer.evaluation.perceptual import Perceptual
from colorizer.models.predict import Predict

CPU = torch.device("cpu")

MEANS = (
    "l2",
    "l2_lab",
    "psnr",
    "ssim",
    "delta_e2000",
    "auc",
    "colorfulness",
    "colorfulness_original",
    "colorfulness_distance",
    "colorfulness_absolute",
    "colorfulness_absolute_original",
)
"""Scores of one photograph, of which a set of photographs has the mean."""

OPTIONAL = ("lpips",)
"""Such scores that are measured only on request."""

SUMS = "sums.csv"
"""The file of an evaluation that keeps `evaluate`'s table."""

CACHED = 400_000
"""Pixels at once on a CPU: of more, what is computed on the way leaves the caches."""

DARK = 30.0  # L* below which pixels lie in the dark
DARK_PREFIX = "dark_"


def evaluate(
    predict: Predict,
    photos: LabDataset,
    *,
    batch_size: int,
    device: torch.device = CPU,
    perceptual: Perceptual | None = None,
) -> pd.DataFrame:
    """Score what is predicted for photographs.

    Args:
        predict: a network, as `by_network` makes it, or a baseline.
        photos: with their true colors.
        batch_size: photographs at once; on a CPU never more than `CACHED` pixels.
        device: where is predicted and measured.
        perceptual: also measures `lpips`, and keeps the photographs for FID.

    Returns:
        A row a photograph, in their order: `id`; `MEANS`; `mean_hue` of the original, degrees; and
        what adds up over photographs: `photographs`, 1; `weighted_accuracy` and `color_weight`, of
        the re-balanced AuC; `bias_sums`, and the same of dark pixels.

        `l2` (normalized ab) and `l2_lab` (CIELAB units) are mean squared errors; `psnr` (dB),
        `ssim` and `colorfulness` are of uint8 sRGB; `delta_e2000` and `auc` are means over pixels;
        `colorfulness_distance` is the absolute difference from the original's;
        `colorfulness_absolute` is `absolute_colorfulness`.
    """
    if device.type == "cpu":
        batch_size = min(batch_size, max(1, CACHED // photos.size**2))
    histogram = torch.zeros(AB_BINS, dtype=torch.int64, device=device)
    for _, ab in photos.batches(batch_size, device=device):
        histogram += color_histogram(denormalize_ab(ab))
    pairs = _predict(predict, photos, batch_size, device)
    parts = [_score(preds, target, histogram, perceptual) for preds, target in pairs]
    table = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    table.insert(0, "id", photos.ids)
    return table


def write_scores(table: pd.DataFrame, folder: Path, perceptual: Perceptual | None = None) -> None:
    """Write metrics.json, intervals.csv, per_image.csv and `SUMS`, of `evaluate`'s table.

    Args:
        table: as `evaluate` returns it.
        folder: where the files go.
        perceptual: what `evaluate` was given; adds its FID, which has no interval.
    """
    scores = summarize(table)
    sure = intervals(summable(table), scores_of)
    if perceptual is not None:
        scores["fid"] = perceptual.fid()
        sure.loc["fid"] = (scores["fid"], math.nan, math.nan)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
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
    return table


def scores_of(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the scores of sets of photographs.

    Args:
        sums: the columns of `evaluate`'s table, added up over each set, each (...,).

    Returns:
        Each (...,): the mean of `MEANS`; `colorfulness_gap`, the absolute difference of the two
        mean colorfulnesses, and `colorfulness_absolute_gap`; `auc_rebalanced`, in which every
        color counts alike; and the `rates` of bias, also of dark pixels. NaN where one is not
        defined.
    """
    means = [name for name in (*MEANS, *OPTIONAL) if name in sums]
    scores = {name: sums[name] / sums["photographs"] for name in means}
    gap = (scores["colorfulness"] - scores["colorfulness_original"]).abs()
    scores["colorfulness_gap"] = gap
    absolute = scores["colorfulness_absolute"], scores["colorfulness_absolute_original"]
    scores["colorfulness_absolute_gap"] = (absolute[0] - absolute[1]).abs()
    scores["auc_rebalanced"] = sums["weighted_accuracy"] / sums["color_weight"]
    dark = {
        name.removeprefix(DARK_PREFIX): value
        for name, value in sums.items()
        if name.startswith(DARK_PREFIX)
    }
    dark_rates = {f"{DARK_PREFIX}{name}": value for name, value in rates(dark).items()}
    return scores | rates(sums) | dark_rates


def summable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `evaluate`'s table that add up to what `scores_of` takes."""
    return table.drop(columns=["id", "mean_hue"])


def summarize(table: pd.DataFrame) -> dict[str, float]:
    """Return metrics.json: how many photographs, and their scores as far as they are defined."""
    totals = {name: values.sum() for name, values in _columns(table).items()}
    scores = {name: float(score) for name, score in scores_of(totals).items()}
    defined = {name: score for name, score in scores.items() if not math.isnan(score)}
    return {"photographs": len(table), **defined}


def per_image(table: pd.DataFrame) -> pd.DataFrame:
    """Return per_image.csv: of each photograph `id`, its scores and the original's `mean_hue`."""
    scores = scores_of(_columns(table))
    columns = {name: values.numpy() for name, values in scores.items() if not name.endswith("_gap")}
    return pd.DataFrame({"id": table["id"], **columns, "mean_hue": table["mean_hue"]})


def _columns(table: pd.DataFrame) -> dict[str, Tensor]:
    """Return what adds up over photographs, each float64 (N,)."""
    return {
        str(name): torch.tensor(values.to_numpy("float64"))
        for name, values in summable(table).items()
    }


def _predict(
    predict: Predict, photos: LabDataset, batch_size: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    start = 0
    for normalized, ab in photos.batches(batch_size, device=device):
        lightness = (normalized + 1) * 50
        rows = slice(start, start := start + len(lightness))
        preds = torch.cat((lightness, predict(lightness, rows)), dim=1)
        yield preds, torch.cat((lightness, denormalize_ab(ab)), dim=1)


def _score(
    preds: Tensor, target: Tensor, histogram: Tensor, perceptual: Perceptual | None
) -> dict[str, list[float]]:
    rgb, rgb_target = lab_to_rgb(preds), lab_to_rgb(target)
    l2_lab = squared_error(preds[:, 1:], target[:, 1:])
    correct = accuracy(preds[:, 1:], target[:, 1:])
    weights = color_weights(target[:, 1:], histogram)
    colorful, colorful_target = colorfulness(rgb), colorfulness(rgb_target)
    dark = bias_sums(preds, target, max_lightness=DARK)
    scores = {
        "l2": l2_lab / denormalize_ab(torch.ones(())).square(),
        "l2_lab": l2_lab,
        "psnr": psnr(rgb, rgb_target),
        "ssim": ssim(rgb, rgb_target),
        "delta_e2000": delta_e2000(preds, target).flatten(1).mean(1),
        "auc": correct.flatten(1).mean(1),
        "colorfulness": colorful,
        "colorfulness_original": colorful_target,
        "colorfulness_distance": (colorful - colorful_target).abs(),
        "colorfulness_absolute": absolute_colorfulness(rgb),
        "colorfulness_absolute_original": absolute_colorfulness(rgb_target),
        "mean_hue": mean_hue(target),
        "photographs": torch.ones(len(preds)),
        "weighted_accuracy": (weights * correct).flatten(1).sum(1),
        "color_weight": weights.flatten(1).sum(1),
        **bias_sums(preds, target),
        **{f"{DARK_PREFIX}{name}": values for name, values in dark.items()},
    }
    if perceptual is not None:
        scores["lpips"] = perceptual.lpips(rgb, rgb_target)
    return {name: values.tolist() for name, values in scores.items()}
