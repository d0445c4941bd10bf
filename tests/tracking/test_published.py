"""A training and its scores on disk, and what happens if MLflow cannot be told of them."""

import json
from collections.abc import Callable

import pytest

from colorizer.tracking.published import SCORED, Published, tolerate


def test_scores_of_another_training_are_none_of_this_one(
    publishable: Callable[..., Published],
) -> None:
    published = publishable("this", "this")
    assert published.complete
    (published.evaluation / SCORED).write_text(json.dumps({"fingerprint": "another"}))
    assert not published.complete


def test_tolerate_warns_and_hands_over_the_failure(caplog: pytest.LogCaptureFixture) -> None:
    with tolerate("doing it") as failures:
        raise OSError("disk\nfull")
    assert [str(failure) for failure in failures] == ["disk\nfull"]
    assert "doing it failed: disk full" in caplog.text
