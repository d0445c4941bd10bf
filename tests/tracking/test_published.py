"""A training and its scores on disk, and what happens if MLflow cannot be told of them."""

import json
from collections.abc import Callable

import pytest

from colorizer.tracking.published import ABOUT, Published, tolerate


def test_scores_of_another_training_are_none_of_this_one(
    publishable: Callable[..., Published],
) -> None:
    published = publishable("this", "this")
    assert published.complete
    (published.evaluation / ABOUT).write_text(json.dumps({"fingerprint": "another"}))
    assert not published.complete
    (published.evaluation / ABOUT).unlink()  # as an earlier version left it
    assert not published.complete


def test_validation_decides_and_test_only_where_there_is_none(
    publishable: Callable[..., Published],
) -> None:
    both = publishable("both", "both", l2=0.25)
    assert list(both.metrics) == ["validation", "test"]
    assert (both.deciding["l2"], both.metrics["test"]["l2"]) == (0.25, 0.9)
    assert both.digest == "v" * 32
    test = publishable("test", "test", l2=0.25, subsets=["test"])
    assert (test.deciding["l2"], test.digest) == (0.25, "t" * 32)


def test_tolerate_warns_and_hands_over_the_failure(caplog: pytest.LogCaptureFixture) -> None:
    with tolerate("doing it") as failures:
        raise OSError("disk\nfull")
    assert [str(failure) for failure in failures] == ["disk\nfull"]
    assert "doing it failed: disk full" in caplog.text
