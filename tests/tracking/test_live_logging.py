"""MLflow follows a training: at its own time, and never at the price of the training."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from colorizer.errors import ColorizerError
from colorizer.params import Tracking
from colorizer.tracking.live_logging import follow
from colorizer.tracking.published import Published
from colorizer.tracking.run_log import RunLog
from colorizer.tracking.store import Store
from colorizer.training.run_record import Epoch

TRACKING = Tracking(experiment="test")
History = Callable[[int], list[Epoch]]


def test_a_resumed_training_goes_on_in_its_run(
    store: Store, publishable: Callable[..., Published], history: History
) -> None:
    published = publishable("resumed", "resumed")
    epochs = history(3)
    with pytest.raises(KeyboardInterrupt), follow(TRACKING, published.record) as live:
        live.add(epochs[:1], published.run)
        live.add(epochs[:2], published.run)
        raise KeyboardInterrupt
    run_id = store.find_run("resumed")
    assert store.client.get_run(run_id).info.status == "KILLED"
    with follow(TRACKING, published.record) as live:
        assert store.client.get_run(run_id).info.status == "RUNNING"
        live.add(epochs, published.run)
        live.finish(published)
    assert store.find_run("resumed") == run_id
    assert store.client.get_run(run_id).info.status == "FINISHED"
    steps = [m.step for m in store.client.get_metric_history(run_id, "loss/train")]
    assert steps == [1, 2, 3]


def test_a_training_that_fails_is_told_as_failed(
    store: Store, publishable: Callable[..., Published], history: History
) -> None:
    with pytest.raises(ColorizerError), follow(TRACKING, publishable("nan", "nan").record):
        raise ColorizerError("the training loss became nan")
    assert store.client.get_run(store.find_run("nan")).info.status == "FAILED"


def test_an_interruption_does_not_disturb_what_is_being_told(
    store: Store,
    publishable: Callable[..., Published],
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = publishable("disturbed", "disturbed")
    add = RunLog.add

    def add_disturbed(self: RunLog, history: list[Epoch], grids: Mapping[int, Path]) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # Python raises it in the main thread
        add(self, history, grids)

    monkeypatch.setattr(RunLog, "add", add_disturbed)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
    try:
        with pytest.raises(KeyboardInterrupt), follow(TRACKING, published.record) as live:
            live.add(history(1), published.run)
            time.sleep(60)
    finally:
        signal.signal(signal.SIGINT, before)
    run_id = store.find_run("disturbed")
    assert store.client.get_run(run_id).info.status == "KILLED"
    assert [m.step for m in store.client.get_metric_history(run_id, "loss/train")] == [1]


def test_training_untracked_tells_nothing(
    store: Store, publishable: Callable[..., Published], history: History
) -> None:
    published = publishable("untracked", "untracked")
    with follow(Tracking(experiment="test", enabled=False), published.record) as live:
        live.add(history(2), published.run)
        live.finish(published)
    assert store.find_run("untracked") is None


SERVER_IS_DOWN = """
import logging, sys
from pathlib import Path
from colorizer.params import Tracking
from colorizer.tracking.live_logging import follow
from colorizer.tracking.published import Published
logging.basicConfig(format="%(message)s")
published = Published(*map(Path, sys.argv[1:]))
with follow(Tracking(experiment="test"), published.record) as live:
    live.add(published.history, published.run)
    live.finish(published)
print("trained on")
"""


@pytest.mark.slow
def test_a_server_that_is_down_costs_one_warning(
    publishable: Callable[..., Published], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DVC_ROOT": str(tmp_path),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # nobody listens there
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    published = publishable("down", "down")
    files = map(str, (published.run, published.evaluation, published.timing))
    done = subprocess.run(
        [sys.executable, "-c", SERVER_IS_DOWN, *files],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "trained on" in done.stdout
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 1
    assert "make sync" in warnings[0]


def test_what_is_not_tracked_needs_no_mlflow(publishable: Callable[..., Published]) -> None:
    published = publishable("bare", "bare")
    code = f"""
import sys
from pathlib import Path
sys.modules["mlflow"] = None
from colorizer.params import Register, Tracking
from colorizer.paths import Paths
from colorizer.tracking.champion import best_model
from colorizer.tracking.live_logging import follow, log_comparison, log_model
from colorizer.tracking.published import Published
tracking, register = Tracking(enabled=False), Register(metric="l2", champion=True)
published = Published(*map(Path, {[str(path) for path in vars(published).values()]!r}))
with follow(tracking, published.record) as live:
    live.add(published.history, published.run)
    live.finish(published)
log_model(tracking, published, register)
log_comparison(tracking, Paths("demo"), [published], register)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
