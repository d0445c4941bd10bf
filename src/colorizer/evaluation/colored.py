"""Photographs as a method colored them, kept with its scores: a method takes too long to repeat."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.data.references import References
from colorizer.evaluation.evaluate import (
    SUMS,
    Predict,
    Prediction,
    evaluate,
    read_sums,
    write_scores,
)
from colorizer.evaluation.predictions import Picture
from colorizer.photo.decode import decode
from colorizer.photo.encode import encode

COLORED = "colored"
"""The folder of an evaluation that keeps them: PNG files, named by their row in `SUMS`."""


def score_and_keep(
    predict: Predict, photos: References, places: Sequence[int], folder: Path
) -> tuple[dict[str, float], dict[int, Picture]]:
    """Score what is predicted for some photographs; write the scores and the colored photographs.

    Returns:
        What metrics.json has; and by place, the photographs in color, as scores see them.
    """
    kept: dict[int, Picture] = {}

    def keeping(place: int) -> Prediction:
        prediction = predict(place)
        kept[place] = recolor(photos[place].rgb, prediction.ab)
        return prediction

    metrics = write_scores(evaluate(keeping, photos, places=places), folder)
    (folder / COLORED).mkdir(exist_ok=True)
    for row, place in enumerate(places):
        _path(folder, row).write_bytes(encode(kept[place]))
    return metrics, kept


def read_colored(folder: Path, photos: References) -> Predict:
    """Return what was predicted for photographs, all of which `score_and_keep` kept."""
    rows = {str(photo_id): row for row, photo_id in enumerate(pd.read_csv(folder / SUMS)["id"])}

    def predict(place: int) -> Prediction:
        rgb = decode(_path(folder, rows[photos.ids[place]]).read_bytes()).rgb
        return Prediction(rgb_to_lab(rgb)[1:], rgb_to_lab(photos[place].rgb)[1:])

    return predict


def on_shared(
    evaluations: Mapping[str, Path], folder: Path
) -> tuple[dict[str, Path], list[str] | None]:
    """Bring evaluations to the photographs that all of them scored.

    Args:
        evaluations: by name, folders that `write_scores` wrote.
        folder: where scores go that are of fewer photographs than they were.

    Returns:
        By name, folders of scores of the same photographs, and these photographs' ids; None if all
        evaluations are of the same ones as they are.
    """
    tables = {name: read_sums(path) for name, path in evaluations.items()}
    fewest = min((table["id"].tolist() for table in tables.values()), key=len)
    if all(len(table) == len(fewest) for table in tables.values()):
        return dict(evaluations), None
    shared = set(fewest).intersection(*(table["id"] for table in tables.values()))
    for name, table in tables.items():
        write_scores(table[table["id"].isin(shared)].reset_index(drop=True), folder / name)
    return {name: folder / name for name in tables}, [i for i in fewest if i in shared]


def _path(folder: Path, row: int) -> Path:
    return folder / COLORED / f"{row:04d}.png"
