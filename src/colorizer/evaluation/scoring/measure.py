"""Applies the table of scores: pixels to each photograph's sums, sums to scores."""

from collections.abc import Callable, Collection, Container, Mapping
from itertools import count, takewhile
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from colorizer.evaluation.scoring import color_bias, fidelity, perceptual, skin, sums
from colorizer.evaluation.scoring.pair import Pair
from colorizer.scores import table as scores
from colorizer.scores.score import Score

MODULES: dict[str, ModuleType] = {
    "color_bias": color_bias,
    "fidelity": fidelity,
    "perceptual": perceptual,
    "skin": skin,
    "sums": sums,
}
"""Where the table's functions are."""

PHOTOGRAPHS = "photographs"
"""The column that counts them."""


def measure(pair: Pair, *, only: Collection[str] | None = None) -> dict[str, Tensor]:
    """Measure a batch.

    Args:
        pair: the batch.
        only: the names of the scores wanted; all by default.

    Returns:
        What each photograph adds to the scores, (N,) each: `PHOTOGRAPHS`, which is 1; a score that
        is a mean under its own name; the sums of another one as `name.0`, `name.1`, ...
    """
    columns = {PHOTOGRAPHS: torch.ones(len(pair.preds))}
    for score in scores.SCORES:
        if not score.function or (score.optional and pair.perceptual is None):
            continue
        if only is not None and score.name not in only:
            continue
        found = _function(score.function)(pair.dark if score.dark else pair, **score.options)
        if isinstance(found, Tensor):
            columns[score.name] = found
        else:
            columns |= {f"{score.name}.{place}": part for place, part in enumerate(found)}
    return columns


def scores_of(
    sums: Mapping[str, Tensor], *, only: Collection[str] | None = None
) -> dict[str, Tensor]:
    """Return the scores of sets of photographs.

    Args:
        sums: the columns of `measure`, added up over each set, each (...,).
        only: the names of those wanted; all by default.

    Returns:
        Each (...,), in the table's order, of the scores that were measured; NaN where one is not
        defined.
    """
    found = {}
    for score in scores.SCORES:
        if only is not None and score.name not in only:
            continue
        if score.name in sums:
            found[score.name] = sums[score.name] / sums[PHOTOGRAPHS]
        elif f"{score.name}.0" in sums:
            parts = [sums[column] for column in columns_of(score, sums)]
            found[score.name] = _function(score.finish)(*parts)
    return found


def columns_of(score: Score, sums: Container[str]) -> list[str]:
    """Return the columns that hold a score's sums: `name.0`, `name.1`, ..."""
    names = (f"{score.name}.{place}" for place in count())
    return list(takewhile(lambda name: name in sums, names))


def _function(name: str) -> Callable[..., Any]:
    module, function = name.split(".")
    found: Callable[..., Any] = getattr(MODULES[module], function)
    return found
