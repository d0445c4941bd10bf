"""MLflow follows a training: at its own time, and never at the price of the training."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from colorizer.errors import ColorizerError
from colorizer.params import Tracking
from colorizer.tracking import live_run
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
    epochs, before = history(3), threading.enumerate()
    with pytest.raises(KeyboardInterrupt), follow(TRACKING, published.record) as live:
        live.add(epochs[:1], published.run)
        growing = epochs[:2]
        live.add(growing, published.run)
        growing.clear()  # what was added is logged, whatever becomes of the list
        raise KeyboardInterrupt
    run_id = store.find_run("resumed")
    threads = [thread for thread in threading.enumerate() if thread not in before]
    assert "SystemMetricsMonitor" not in {thread.name for thread in threads}
    for thread in threads:
        if thread.name == "MLflow":
            thread.join(10)
            assert not thread.is_alive()
    assert [m.step for m in store.client.get_metric_history(run_id, "loss/train")] == [1, 2]
    assert store.client.get_run(run_id).info.status == "KILLED"
    with follow(TRACKING, published.record) as live:
        deadline = time.monotonic() + 60
        while store.client.get_run(run_id).info.status != "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.01)
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


def test_a_store_of_this_machine_s_own_is_waited_for(
    store: Store,
    publishable: Callable[..., Published],
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = publishable("busy", "busy")
    finish = RunLog.finish

    def finish_late(self: RunLog, published: Published) -> None:
        time.sleep(1.5)
        finish(self, published)

    monkeypatch.setattr(RunLog, "finish", finish_late)
    monkeypatch.setattr(live_run, "PATIENCE", 0.5)
    with follow(TRACKING, published.record) as live:
        live.finish(published)
    assert store.client.get_run(store.find_run("busy")).info.status == "FINISHED"


over = threading.Event()


def answer(status: int, body: bytes) -> Callable[..., requests.Response]:
    response = requests.Response()
    response.status_code, response._content = status, body
    return lambda *_args, **_kwargs: response


def refuse(*_args: Any, **_kwargs: Any) -> requests.Response:
    raise requests.ConnectionError("refused")


def keep_waiting(*_args: Any, **_kwargs: Any) -> requests.Response:
    over.wait(60)
    raise requests.Timeout


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(refuse, id="down"),
        pytest.param(keep_waiting, id="slow"),
        pytest.param(answer(500, b"Internal Server Error"), id="failing"),
        pytest.param(answer(401, b"You are not authenticated"), id="closed"),
        pytest.param(answer(200, b"<html>Welcome</html>"), id="another server"),
        pytest.param(answer(200, b""), id="an empty answer"),
        pytest.param(answer(200, b'{"experiment": {}}'), id="no answer to the question"),
    ],
)
def test_a_training_never_waits_for_a_server_that_fails_and_warns_once(
    publishable: Callable[..., Published],
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    respond: Callable[..., requests.Response],
) -> None:
    callers = []
    over.clear()

    def request(*args: Any, **kwargs: Any) -> requests.Response:
        callers.append(threading.current_thread())
        return respond(*args, **kwargs)

    monkeypatch.setattr(requests.Session, "request", request)
    monkeypatch.setattr(live_run, "PATIENCE", 0.5)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    published = publishable("failing", "failing")
    began = time.monotonic()
    with follow(TRACKING, published.record) as live:
        for epochs in (1, 2):
            live.add(history(epochs), published.run)
        while not callers:
            time.sleep(0.01)
        live.finish(published)
    assert time.monotonic() - began < 30  # half of what the slow one takes
    over.set()
    for thread in threading.enumerate():
        if thread.name == "MLflow":
            thread.join(60)
    assert not any(thread.is_alive() or not thread.daemon for thread in callers)
    (warning,) = (record.message for record in caplog.records)
    assert "make sync" in warning


def test_a_long_training_waits_for_a_server_for_a_small_part_of_its_time(
    publishable: Callable[..., Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return False

    monkeypatch.setattr(live_run, "Event", Late)
    monkeypatch.setattr(live_run.LiveRun, "_work", lambda _: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    published = publishable("long", "long")
    live = live_run.LiveRun(TRACKING, published.record)
    live._began -= 10_000
    live.finish(published)
    assert waited == [pytest.approx(300, rel=0.01)]


def test_a_server_that_comes_back_is_told_the_rest(
    store: Store,
    publishable: Callable[..., Published],
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = publishable("back", "back")
    add, calls = RunLog.add, []

    def add_or_fail(self: RunLog, history: list[Epoch], grids: Mapping[int, Path]) -> None:
        calls.append(len(history))
        if history and len(calls) < 3:
            raise requests.ConnectionError("gone")
        add(self, history, grids)

    monkeypatch.setattr(RunLog, "add", add_or_fail)
    with pytest.raises(KeyboardInterrupt), follow(TRACKING, published.record) as live:
        for epochs in (1, 2, 3):
            live.add(history(epochs), published.run)
            deadline = time.monotonic() + 60
            while epochs not in calls:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        raise KeyboardInterrupt
    run_id = store.find_run("back")
    steps = [m.step for m in store.client.get_metric_history(run_id, "loss/train")]
    assert steps == [1, 2, 3]


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
