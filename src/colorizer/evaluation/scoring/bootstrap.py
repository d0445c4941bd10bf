"""Bootstrap: a score's 95% interval, by drawing photographs with replacement."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from colorizer.evaluation.scoring.interval import DRAWS, SEED, percentile_interval

AT_ONCE = 1000  # draws in memory

Statistic = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""From sums over photographs, by name and each (...,), to scores, by name and each (...,)."""


def draw_sums(sums: pd.DataFrame, *, draws: int = DRAWS, seed: int = SEED) -> dict[str, Tensor]:
    """Add up what photographs contribute, for random sets of them.

    Each set has as many photographs as there are, drawn with replacement. The same seed and number
    of photographs give the same sets, so that models measured on the same photographs are drawn in
    pairs.

    Args:
        sums: a row a photograph, a column a quantity.
        draws: how many sets.
        seed: of the sets.

    Returns:
        By quantity, float64 (draws,).
    """
    random = np.random.default_rng(seed)
    count = len(sums)
    values = sums.to_numpy(np.float64)
    parts = []
    for start in range(0, draws, AT_ONCE):
        many = min(AT_ONCE, draws - start)
        times = random.multinomial(count, np.full(count, 1 / count), size=many)
        parts.append(times @ values)
    totals = torch.from_numpy(np.concatenate(parts))
    return dict(zip(sums.columns, totals.unbind(1), strict=True))


def intervals(
    sums: pd.DataFrame, statistic: Statistic, *, draws: int = DRAWS, seed: int = SEED
) -> pd.DataFrame:
    """Score photographs, with the interval that reflects their random choice.

    Args:
        sums: a row a photograph, a column a quantity that adds up.
        statistic: makes scores of the columns' sums.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        A row a score: `value`, and `low` and `high`, the ends of its 95% percentile interval, over
        the draws in which it is defined; NaN where it is not defined.
    """
    values = statistic(_totals(sums))
    drawn = statistic(draw_sums(sums, draws=draws, seed=seed))
    return _table(values, drawn)


def paired_differences(
    tables: Mapping[str, pd.DataFrame],
    statistic: Statistic,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Score how each two models differ on the same photographs, with the differences' intervals.

    What makes a photograph hard for both cancels out, so that an interval is narrower than those of
    the two models suggest.

    Args:
        tables: by model, a row a photograph, the same photographs in the same order.
        statistic: makes scores of the columns' sums.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        A row for each two models and score: `model`, `other`, `score`, and `value`, the model's
        less the other's, with its 95% interval, `low` and `high`.

    Raises:
        ValueError: if two are not of as many photographs.
    """
    _require_pairs(tables)
    values = {model: statistic(_totals(sums)) for model, sums in tables.items()}
    drawn = {
        model: statistic(draw_sums(sums, draws=draws, seed=seed)) for model, sums in tables.items()
    }
    parts = []
    for model, other in combinations(tables, 2):
        part = _table(
            {name: value - values[other][name] for name, value in values[model].items()},
            {name: draw - drawn[other][name] for name, draw in drawn[model].items()},
        )
        part = part.rename_axis("score").reset_index()
        part.insert(0, "model", model)
        part.insert(1, "other", other)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _require_pairs(tables: Mapping[str, pd.DataFrame]) -> None:
    if len({len(sums) for sums in tables.values()}) > 1:
        found = ", ".join(f"{model} of {len(sums)}" for model, sums in tables.items())
        raise ValueError(f"expected the same photographs, found {found}")


def _totals(sums: pd.DataFrame) -> dict[str, Tensor]:
    return {str(name): torch.tensor(float(column.sum())) for name, column in sums.items()}


def _table(values: Mapping[str, Tensor], drawn: Mapping[str, Tensor]) -> pd.DataFrame:
    rows = {}
    for name, value in values.items():
        defined = drawn[name][~drawn[name].isnan()].numpy()
        low, high = percentile_interval(defined) if len(defined) else (math.nan, math.nan)
        rows[name] = (float(value), low, high)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])
