"""How often a model's colors pass for a photograph's own, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizer.apps.turing.trials import Answer
from colorizer.evaluation.scoring.interval import DRAWS, SEED, percentile_interval


@dataclass(frozen=True)
class Scores:
    """The scores of a model.

    Attributes:
        people: the number who finished.
        pairs: the number of test pairs that they answered, without practice and vigilance.
        fooling_rate: the share of these in which the original was taken for the fake: 0..1, and
            0.5 if the two cannot be told apart.
        interval: the rate's 95% interval. None for fewer than two people, and if all pairs or none
            fooled them: a bootstrap cannot tell anything then.
        vigilance: the share of vigilance pairs whose fake was found; None if there were none.
        seconds: the median time to answer a test pair.
        in_turn: the test pairs that were shown one after the other, in narrow windows.
    """

    people: int
    pairs: int
    fooling_rate: float
    interval: tuple[float, float] | None
    vigilance: float | None
    seconds: float
    in_turn: int


def score(answers: Sequence[Answer]) -> Scores | None:
    """Score a model by the answers of those who finished; None without a test pair."""
    test = [answer for answer in answers if answer.trial.kind == "test"]
    if not test:
        return None
    people, rows = np.unique([answer.person for answer in test], return_inverse=True)
    pairs = np.bincount(rows)
    fooled = np.bincount(rows[[answer.fooled for answer in test]], minlength=len(people))
    watched = [not answer.fooled for answer in answers if answer.trial.kind == "vigilance"]
    return Scores(
        people=len(people),
        pairs=len(test),
        fooling_rate=float(fooled.sum() / len(test)),
        interval=fooling_interval(fooled, pairs)
        if len(people) > 1 and 0 < fooled.sum() < len(test)
        else None,
        vigilance=float(np.mean(watched)) if watched else None,
        seconds=float(np.median([answer.seconds for answer in test])),
        in_turn=sum(answer.layout == "in turn" for answer in test),
    )


def fooling_interval(
    fooled: NDArray[np.integer],
    pairs: NDArray[np.integer],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> tuple[float, float]:
    """Return the fooling rate's 95% interval by a two-level bootstrap.

    Each draw takes people with replacement, then for each of them as many of their own pairs as
    they answered. The second step is a binomial draw, since only a pair's answer counts. If people
    hardly differ, the interval is too wide: their rates already vary by the chance of the pairs,
    and the second step adds this chance again.

    Args:
        fooled: (N,), the number of pairs in which each person took the original for the fake.
        pairs: (N,), the number that each answered, at least 1.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        The ends of the percentile interval, 0..1.
    """
    random = np.random.default_rng(seed)
    who = random.integers(len(pairs), size=(draws, len(pairs)))
    drawn = random.binomial(pairs[who], (fooled / pairs)[who])
    rates = drawn.sum(1) / pairs[who].sum(1)
    return percentile_interval(rates)
