import threading
import time
import warnings

import pytest

from colorizer.photo import parallel
from colorizer.photo.parallel import AHEAD, map_photos


@pytest.fixture(autouse=True, params=[1, 3], ids=["one core", "three cores"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(parallel, "cpu_count", lambda: request.param)
    return request.param


def test_results_come_in_order() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number**2

    assert list(map_photos(slow_at_first, range(50))) == [number**2 for number in range(50)]
    assert list(map_photos(slow_at_first, [])) == []


def test_no_more_is_done_ahead_than_allowed(cores: int) -> None:
    done: list[int] = []
    results = map_photos(done.append, range(500))
    for _ in range(3):
        next(results)
    time.sleep(0.1)
    assert 3 <= len(done) <= 3 + AHEAD * cores
    results.close()


def test_whoever_stops_early_waits_for_what_is_begun_and_no_more(cores: int) -> None:
    begun, ended, lock = [], [], threading.Lock()

    def work(number: int) -> None:
        with lock:
            begun.append(number)
        time.sleep(0.02)
        with lock:
            ended.append(number)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = map_photos(work, range(500))
        next(results)
        results.close()
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= 1 + AHEAD * cores


def test_an_error_ends_all() -> None:
    numbers = iter(range(500))

    def fail(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    with pytest.raises(ValueError, match="five"):
        list(map_photos(fail, numbers))
    assert next(numbers) < 100
