from collections import Counter

import pytest

from colorizer.apps.turing.trials import Answer, Trial, plan_trials

PHOTOS = [f"photo-{number}.jpg" for number in range(60)]


def plans(people: int = 400, *, practice: int = 10, pairs: int = 40) -> list[list[Trial]]:
    return [
        plan_trials(PHOTOS, practice=practice, pairs=pairs, seed=seed) for seed in range(people)
    ]


def test_practice_comes_first_and_a_tenth_of_the_rest_is_vigilance() -> None:
    for plan in plans(20):
        assert [trial.number for trial in plan] == list(range(1, 51))
        assert {trial.kind for trial in plan[:10]} == {"practice"}
        assert Counter(trial.kind for trial in plan[10:]) == {"test": 36, "vigilance": 4}


def test_nobody_sees_a_photograph_twice() -> None:
    assert all(len({trial.photo for trial in plan}) == 50 for plan in plans(20))


def test_just_enough_photographs_are_enough() -> None:
    plan = plan_trials(PHOTOS[:50], practice=10, pairs=40, seed=1)
    assert sorted(trial.photo for trial in plan) == sorted(PHOTOS[:50])


def test_vigilance_pairs_alone_have_another_photograph_s_colors() -> None:
    for trial in (trial for plan in plans(20) for trial in plan):
        assert (trial.other is not None) == (trial.kind == "vigilance")
        assert trial.other != trial.photo


def test_places_and_sides_are_random() -> None:
    all_plans = plans()
    vigilance = Counter(t.number for plan in all_plans for t in plan if t.kind == "vigilance")
    assert set(vigilance) == set(range(11, 51))
    assert max(vigilance.values()) < 2 * min(vigilance.values())
    for kind in ("practice", "test", "vigilance"):
        sides = Counter(t.fake for plan in all_plans for t in plan if t.kind == kind)
        share = sides["left"] / sides.total()
        assert abs(share - 0.5) < 3 * 0.5 / sides.total() ** 0.5, kind
    assert len({plan[0].photo for plan in all_plans}) == len(PHOTOS)


def test_the_seed_decides() -> None:
    first, again, other = (
        plan_trials(PHOTOS, practice=2, pairs=20, seed=seed) for seed in (5, 5, 6)
    )
    assert first == again != other


@pytest.mark.parametrize(("side", "fooled"), [("left", False), ("right", True)])
def test_who_takes_the_original_for_the_fake_is_fooled(side: str, fooled: bool) -> None:
    trial = Trial(1, "test", "photo.jpg", None, "left")
    assert Answer(1, trial, "beside", side, 1.0).fooled is fooled  # type: ignore[arg-type]
