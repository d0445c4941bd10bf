"""How sure a score is: 95% intervals by drawing photographs again."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

DRAWS = 10_000
SEED = 7
LEVEL = 0.95

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
    """Score photographs, with the interval that the choice of photographs leaves open.

    Args:
        sums: a row a photograph, a column a quantity that adds up.
        statistic: makes scores of the columns' sums.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        A row a score: `value`, and `low` and `high`, the ends of its 95% percentile interval; NaN
        where it is not defined.
    """
    values = statistic(_totals(sums))
    drawn = statistic(draw_sums(sums, draws=draws, seed=seed))
    return _table(values, drawn)


def paired_differences(
    sums: pd.DataFrame,
    other: pd.DataFrame,
    statistic: Statistic,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Score the difference of two models on the same photographs, with its interval.

    What makes a photograph hard for both cancels out, so that the interval is narrower than those
    of the two models suggest.

    Args:
        sums: of one model, a row a photograph.
        other: of the other, whose scores are subtracted; the same photographs in the same order.
        statistic: makes scores of the columns' sums.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        As `intervals`.

    Raises:
        ValueError: if the two are not of as many photographs.
    """
    if len(sums) != len(other):
        raise ValueError(f"{len(sums)} photographs and {len(other)}: expected the same ones")
    first, second = (statistic(_totals(one)) for one in (sums, other))
    drawn = [statistic(draw_sums(one, draws=draws, seed=seed)) for one in (sums, other)]
    return _table(
        {name: first[name] - second[name] for name in first},
        {name: drawn[0][name] - drawn[1][name] for name in first},
    )


def _totals(sums: pd.DataFrame) -> dict[str, Tensor]:
    return {str(name): torch.tensor(float(column.sum())) for name, column in sums.items()}


def _table(values: Mapping[str, Tensor], drawn: Mapping[str, Tensor]) -> pd.DataFrame:
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    rows = {
        name: (float(value), *np.quantile(drawn[name].numpy(), ends))
        for name, value in values.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])
