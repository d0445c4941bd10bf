"""MLflow's store, opened and told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from colorizer.tracking.store import flatten


@pytest.mark.slow
def test_a_new_store_survives_being_opened_by_many_at_once(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    environment["DVC_ROOT"] = str(tmp_path)
    code = "from colorizer.tracking.store import Store; print(Store('test').experiment_id)"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = [opener.communicate() for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 3, answers
    assert len({out for out, _ in answers}) == 1


def test_flatten_names_leaves_by_their_path() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
