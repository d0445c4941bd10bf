import dataclasses
import math

import numpy as np
import pytest

from colorizer.apps.turing.scores import Scores, fooling_interval, score
from colorizer.apps.turing.trials import Answer, Kind, Trial


def answers(person: int, said: str, *, kind: Kind = "test", seconds: float = 1.0) -> list[Answer]:
    """Return a person's answers: f where the original was taken for the fake, or `.`."""
    other = "other.jpg" if kind == "vigilance" else None
    return [
        Answer(
            person,
            Trial(number, kind, f"{number}.jpg", other, "left"),
            "beside",
            "right" if letter == "f" else "left",
            seconds,
        )
        for number, letter in enumerate(said, 1)
    ]


def half_width(fooled: list[int], pairs: list[int]) -> float:
    low, high = fooling_interval(np.array(fooled), np.array(pairs))
    return (high - low) / 2


def test_only_test_pairs_count() -> None:
    given = [
        *answers(1, "ffff", kind="practice"),
        *answers(1, "f...", seconds=2.0),
        *answers(1, "..f", kind="vigilance"),
        *answers(2, "fff.", seconds=4.0),
        *answers(2, ".", kind="vigilance"),
    ]
    scores = score(given)
    assert scores is not None
    assert (scores.people, scores.pairs) == (2, 8)
    assert scores.fooling_rate == 0.5
    assert scores.vigilance == 0.75
    assert scores.seconds == 3.0


def test_nobody_has_no_scores() -> None:
    assert score([]) is None
    assert score(answers(1, "ff", kind="practice")) is None


def test_one_person_has_no_interval() -> None:
    assert score(answers(1, "f...")) == Scores(1, 4, 0.25, None, None, 1.0, 0)


@pytest.mark.parametrize("said", ["....", "ffff"])
def test_where_all_answers_are_alike_there_is_no_interval(said: str) -> None:
    scores = score([*answers(1, said), *answers(2, said)])
    assert scores is not None
    assert scores.interval is None
    mixed = score([*answers(1, said), *answers(2, "f..f")])
    assert mixed is not None
    assert mixed.interval is not None


def test_pairs_shown_in_turn_are_counted() -> None:
    given = [*answers(1, "f..."), *answers(1, ".", kind="practice")]
    given += [dataclasses.replace(one, layout="in turn") for one in answers(2, ".f")]
    given += [
        dataclasses.replace(one, layout="in turn") for one in answers(2, ".", kind="practice")
    ]
    scores = score(given)
    assert scores is not None
    assert scores.in_turn == 2


def test_people_all_alike_have_the_binomial_interval() -> None:
    rate, total = 0.3, 10 * 40  # the width that Zhang et al.'s protocol promises: +-4.5 points
    expected = 1.96 * math.sqrt(rate * (1 - rate) / total)
    assert expected == pytest.approx(0.045, abs=0.001)
    assert half_width(10 * [12], 10 * [40]) == pytest.approx(expected, rel=0.05)


def test_people_who_differ_widen_it_as_the_formula_says() -> None:
    # var = (variance of people's rates + mean of rate (1 - rate) / pairs) / people
    fooled = [2, 4, 6, 8, 10, 14, 16, 18, 20, 22]
    rates = np.array(fooled) / 40
    variance = (rates.var() + (rates * (1 - rates) / 40).mean()) / len(rates)
    assert half_width(fooled, 10 * [40]) == pytest.approx(1.96 * math.sqrt(variance), rel=0.05)
    assert half_width(fooled, 10 * [40]) > 1.8 * half_width(10 * [12], 10 * [40])


def test_it_holds_the_true_rate_as_often_as_it_says() -> None:
    """People of different rates, drawn anew: at least 95% of the intervals hold the mean rate."""
    random = np.random.default_rng(7)
    pairs = np.full(12, 36)
    held = 0
    for study in range(300):
        fooled = random.binomial(36, random.beta(6, 14, size=12))  # rates of 30% +- 10%
        low, high = fooling_interval(fooled, pairs, draws=500, seed=study)
        held += low <= 0.3 <= high
    assert 0.92 < held / 300 <= 1.0


def test_the_ends_are_shares() -> None:
    assert fooling_interval(np.array([0, 0]), np.array([9, 9])) == (0.0, 0.0)
    assert fooling_interval(np.array([9, 9]), np.array([9, 9])) == (1.0, 1.0)
    low, high = fooling_interval(np.array([0, 9]), np.array([9, 9]))
    assert (low, high) == (0.0, 1.0)


def test_people_with_more_pairs_weigh_more() -> None:
    low, high = fooling_interval(np.array([0, 100, 100]), np.array([10, 100, 100]))
    assert low < 0.2 < 0.9 < high


def test_the_seed_decides() -> None:
    fooled, pairs = np.array([31, 52, 93]), np.array([201, 202, 203])
    ends = [fooling_interval(fooled, pairs, draws=99, seed=seed) for seed in (7, 7, 8)]
    assert ends[0] == ends[1] != ends[2]
