"""A model's scores on photographs, photograph by photograph."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.data.references import Reference, References
from colorizer.data.witness import at
from colorizer.errors import ColorizerError
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.measure import PHOTOGRAPHS, measure, scores_of
from colorizer.evaluation.scoring.metrics import color_histogram
from colorizer.evaluation.scoring.pair import Pair, mean_hue
from colorizer.evaluation.scoring.perceptual import Perceptual
from colorizer.paths import read_json, readable
from colorizer.photo.parallel import map_photos, one_thread_each
from colorizer.scores import table as scores

SUMS = "sums.csv"
"""The file of an evaluation that keeps `evaluate`'s table."""


@dataclass(frozen=True)
class Prediction:
    """One photograph's colors.

    Attributes:
        ab: float32 (2, h, w), CIELAB units, of the whole photograph at any size.
        true_ab: what would have been right, of the same shape.
    """

    ab: NDArray[np.float32]
    true_ab: NDArray[np.float32]


Predict = Callable[[int], Prediction]
"""From a photograph's place among the references to its colors; called from several threads."""


def evaluate(
    predict: Predict,
    photos: References,
    *,
    places: Sequence[int] | None = None,
    perceptual: Perceptual | None = None,
) -> pd.DataFrame:
    """Score what is predicted for photographs, by the table of scores.

    Colors are brought to the reference as `colorize` brings them to a photograph. What is scored
    are the 8-bit pixels that this gives; `l2` alone is of the prediction itself.

    Args:
        predict: a network, as `by_network` makes it, or a baseline.
        photos: with their true colors.
        places: which of them are scored; all by default. How rare a color is, all say anyway.
        perceptual: also measures the optional scores, and keeps the photographs for FID.

    Returns:
        A row a photograph, in their order: `id`; `mean_hue` of the original, degrees; and what adds
        up over photographs, the columns of `measure`.
    """
    chosen = range(len(photos)) if places is None else places
    with one_thread_each():
        colors = map_photos(lambda place: _histogram(photos[place]), range(len(photos)))
        histogram = reduce(add, colors)

        def score(place: int) -> dict[str, float]:
            with at(photos.ids[place]):
                pair = pair_of(photos[place], predict(place), histogram, perceptual)
                columns = {"mean_hue": mean_hue(pair.target), **measure(pair)}
            return {name: values.item() for name, values in columns.items()}

        found = map_photos(score, chosen)
        rows = list(tqdm(found, total=len(chosen), desc="scores", unit="photo", disable=None))
    table = pd.DataFrame(rows)
    table.insert(0, "id", [photos.ids[place] for place in chosen])
    return table


def pair_of(
    reference: Reference,
    prediction: Prediction,
    histogram: Tensor | None = None,
    perceptual: Perceptual | None = None,
) -> Pair:
    """Return a photograph in the colors predicted, beside the original.

    Args:
        reference: the original.
        prediction: its colors.
        histogram: of the colors of all originals, as `Pair` takes it.
        perceptual: as `Pair` takes it.
    """
    pictures = recolor(reference.rgb, prediction.ab), reference.rgb
    preds, target = (torch.from_numpy(rgb_to_lab(rgb))[None] for rgb in pictures)
    pred_rgb, true_rgb = (torch.from_numpy(rgb).permute(2, 0, 1)[None] for rgb in pictures)
    ab, true_ab = (torch.from_numpy(ab)[None] for ab in (prediction.ab, prediction.true_ab))
    return Pair(
        preds,
        target,
        (pred_rgb, true_rgb),
        own_ab=(ab, true_ab),
        faces=[reference.faces],
        histogram=histogram,
        perceptual=perceptual,
    )


def _histogram(reference: Reference) -> Tensor:
    return color_histogram(torch.from_numpy(rgb_to_lab(reference.rgb))[None, 1:])


def write_scores(
    table: pd.DataFrame, folder: Path, perceptual: Perceptual | None = None
) -> dict[str, float]:
    """Write metrics.json, intervals.csv, per_image.csv and `SUMS`, of `evaluate`'s table.

    Args:
        table: as `evaluate` returns it.
        folder: where the files go.
        perceptual: what `evaluate` was given; adds its FID, which has no interval.

    Returns:
        What metrics.json has.
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
    return summary


def read_sums(folder: Path) -> pd.DataFrame:
    """Read `evaluate`'s table from a folder that `write_scores` wrote.

    Raises:
        ColorizerError: if it is damaged, has not as many photographs as metrics.json beside it
            says, or an earlier version wrote it, under other names.
    """
    summary = folder / "metrics.json"
    with readable(summary):
        expected = read_json(summary)[PHOTOGRAPHS] if summary.exists() else None
    with readable(folder / SUMS):
        table = pd.read_csv(folder / SUMS)
        if expected not in (None, len(table)):
            raise ValueError(f"{len(table)} photographs, but metrics.json says {expected}")
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
