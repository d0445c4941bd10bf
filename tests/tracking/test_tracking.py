"""What MLflow is told: once, at its own time, and never at the price of a training."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import mlflow
import pytest
from PIL import Image

from colorizer.errors import ColorizerError, one_line
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Register, Tracking
from colorizer.tracking.live_logging import follow
from colorizer.tracking.model_uri import TRIAL
from colorizer.tracking.tracking import (
    Published,
    RunLog,
    Store,
    best_model,
    deserves_alias,
    flatten,
    tolerate,
)
from colorizer.training.run_record import (
    GRIDS,
    HISTORY,
    WEIGHTS,
    Epoch,
    RunRecord,
    grid_path,
    write_history,
)

TRACKING = Tracking(experiment="test")
REGISTER = Register(metric="l2", champion=True)
HOUR = 3_600_000  # milliseconds
START = 1_700_000_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("root")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Store("test")
        mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow's own doing


def make_record(fingerprint: str, model: str) -> RunRecord:
    return RunRecord(
        fingerprint=fingerprint,
        model=model,
        profile="paper",
        params={"train": {"lr": 0.001}, "model": {"widths": [4, 4]}},
        data={
            "train": {"photographs": 80, "size": 16, "digest": "a" * 64},
            "test": {"photographs": 16, "size": 16, "digest": "b" * 64},
        },
        machine={"device": "cpu"},
        commit="c0ffee",
        stage=f"train@{model}",
        experiment="",
        started_at=START,
        finished_at=START + HOUR,
        best_epoch=2,
    )


def make_history(epochs: int) -> list[Epoch]:
    return [Epoch(n, 1 / n, 2 / n, 100.0, START + 1000 * n) for n in range(1, epochs + 1)]


@pytest.fixture
def publishable(tmp_path: Path) -> Callable[..., Published]:
    def make(fingerprint: str, model: str, *, l2: float = 0.5, profile: str = "paper") -> Published:
        folder = tmp_path / fingerprint
        published = Published(folder / "run", folder / "evaluation")
        (published.run / GRIDS).mkdir(parents=True)
        published.evaluation.mkdir()
        record = dataclasses.replace(make_record(fingerprint, model), profile=profile)
        record.write(published.run)
        write_history(published.run / HISTORY, make_history(2))
        Image.new("RGB", (8, 8)).save(grid_path(published.run, 1))
        network = create_model("model1", widths=[4, 4])
        metadata = WeightsMetadata("model1", {"widths": [4, 4]}, size=16)
        save_weights(published.run / WEIGHTS, metadata, network.state_dict())
        (published.evaluation / "metrics.json").write_text(json.dumps({"l2": l2, "psnr": 20.0}))
        return published

    return make


def snapshot(store: Store, fingerprint: str, name: str) -> dict[str, object]:
    """Everything about a run and its registered model that a second telling must not change."""
    run_id = store.find_run(fingerprint)
    assert run_id is not None
    run = store.client.get_run(run_id)
    return {
        "runs": len(store.client.search_runs([store.experiment_id])),
        "data": run.data.to_dictionary(),
        "times": (run.info.start_time, run.info.end_time, run.info.status),
        "losses": [
            (m.step, m.value, m.timestamp)
            for m in store.client.get_metric_history(run_id, "loss/train")
        ],
        "images": sorted(f.path for f in store.client.list_artifacts(run_id, "images")),
        "versions": [
            (v.version, dict(v.tags), sorted(v.aliases))
            for v in store.client.search_model_versions(f"name = '{name}'")
        ],
    }


def test_a_finished_training_is_told_with_its_own_times(
    store: Store, publishable: Callable[..., Published]
) -> None:
    store.publish(publishable("told", "told"), REGISTER)
    told = snapshot(store, "told", "colorizer-told")
    assert told["times"] == (START, START + HOUR, "FINISHED")
    assert told["losses"] == [(1, 1.0, START + 1000), (2, 0.5, START + 2000)]
    assert len(told["images"]) == 2  # type: ignore[arg-type]  # the grid and its thumbnail
    run = store.client.get_run(store.find_run("told"))
    assert run.data.params["train.lr"] == "0.001"
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["dvc.stage"] == "train@told"
    assert run.data.metrics["test/l2"] == 0.5
    inputs = {i.dataset.name: i.dataset.digest for i in run.inputs.dataset_inputs}
    assert inputs == {"paper-train": "a" * 32, "paper-test": "b" * 32}
    assert told["versions"][0][1]["data.test"] == "b" * 64  # type: ignore[index]


def test_telling_twice_changes_nothing(store: Store, publishable: Callable[..., Published]) -> None:
    published = publishable("twice", "twice")
    store.publish(published, REGISTER)
    before = snapshot(store, "twice", "colorizer-twice")
    store.publish(published, REGISTER)
    assert snapshot(store, "twice", "colorizer-twice") == before


def test_the_better_of_two_models_is_champion(
    store: Store, publishable: Callable[..., Published]
) -> None:
    for fingerprint, l2 in (("good", 0.2), ("worse", 0.3)):
        store.publish(publishable(fingerprint, "rivals", l2=l2), REGISTER)
    champion = store.client.get_model_version_by_alias("colorizer-rivals", "champion")
    newest = store.client.get_model_version_by_alias("colorizer-rivals", "paper")
    assert champion.tags["fingerprint"] == "good"
    assert newest.tags["fingerprint"] == "worse"


@pytest.mark.parametrize("trial", [True, False])
def test_a_trial_s_model_says_so(
    store: Store, publishable: Callable[..., Published], trial: bool
) -> None:
    name = f"tried-{trial}"
    store.publish(publishable(name, name), Register(metric="l2", champion=not trial))
    version = store.client.get_model_version_by_alias(f"colorizer-{name}", "champion")
    assert (TRIAL in version.tags) == trial


def test_a_comparison_makes_the_best_model_the_champion_of_all(
    store: Store, publishable: Callable[..., Published], tmp_path: Path
) -> None:
    runs = [publishable("fair", "fair", l2=0.4), publishable("best", "best", l2=0.1)]
    for published in runs:
        store.publish(published, REGISTER)
    report = tmp_path / "report"
    report.mkdir()
    summary = {
        "fingerprint": "comparison",
        "profile": "paper",
        "best": "best",
        "photographs": {"kept": 96},
        "created_at": START,
    }
    (report / "comparison.json").write_text(json.dumps(summary))
    for _ in range(2):
        store.publish_comparison(report, runs, REGISTER)
    champion = store.client.get_model_version_by_alias("colorizer", "champion")
    assert champion.tags["model"] == "colorizer-best"
    assert len(store.client.search_model_versions("name = 'colorizer'")) == 1
    run = store.client.get_run(store.find_run("comparison"))
    assert run.data.params["photographs.kept"] == "96"


def test_a_resumed_training_goes_on_in_its_run(
    store: Store, publishable: Callable[..., Published]
) -> None:
    published = publishable("resumed", "resumed")
    history = make_history(3)
    with pytest.raises(KeyboardInterrupt), follow(TRACKING, published.record) as live:
        live.add(history[:1], published.run)
        live.add(history[:2], published.run)
        raise KeyboardInterrupt
    run_id = store.find_run("resumed")
    assert store.client.get_run(run_id).info.status == "KILLED"
    with follow(TRACKING, published.record) as live:
        assert store.client.get_run(run_id).info.status == "RUNNING"
        live.add(history, published.run)
        live.finish(published.run)
    assert store.find_run("resumed") == run_id
    assert store.client.get_run(run_id).info.status == "FINISHED"
    steps = [m.step for m in store.client.get_metric_history(run_id, "loss/train")]
    assert steps == [1, 2, 3]


def test_a_training_that_fails_is_told_as_failed(
    store: Store, publishable: Callable[..., Published]
) -> None:
    with pytest.raises(ColorizerError), follow(TRACKING, publishable("nan", "nan").record):
        raise ColorizerError("the training loss became nan")
    assert store.client.get_run(store.find_run("nan")).info.status == "FAILED"


def test_an_interruption_does_not_disturb_what_is_being_told(
    store: Store, publishable: Callable[..., Published], monkeypatch: pytest.MonkeyPatch
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
            live.add(make_history(1), published.run)
            time.sleep(60)
    finally:
        signal.signal(signal.SIGINT, before)
    run_id = store.find_run("disturbed")
    assert store.client.get_run(run_id).info.status == "KILLED"
    assert [m.step for m in store.client.get_metric_history(run_id, "loss/train")] == [1]


def test_training_untracked_tells_nothing(
    store: Store, publishable: Callable[..., Published]
) -> None:
    published = publishable("untracked", "untracked")
    with follow(Tracking(experiment="test", enabled=False), published.record) as live:
        live.add(make_history(2), published.run)
        live.finish(published.run)
    assert store.find_run("untracked") is None


SERVER_IS_DOWN = """
import logging, sys
from pathlib import Path
from colorizer.params import Tracking
from colorizer.training.run_record import HISTORY, RunRecord, read_history
from colorizer.tracking.live_logging import follow
logging.basicConfig(format="%(message)s")
folder = Path(sys.argv[1])
with follow(Tracking(experiment="test"), RunRecord.read(folder)) as live:
    live.add(read_history(folder / HISTORY), folder)
    live.finish(folder)
print("trained on")
"""


def test_a_server_that_is_down_costs_one_warning(
    publishable: Callable[..., Published], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DVC_ROOT": str(tmp_path),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # nobody listens there
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVER_IS_DOWN, str(publishable("down", "down").run)],
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


def test_a_new_store_survives_being_opened_by_many_at_once(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    environment["DVC_ROOT"] = str(tmp_path)
    code = "from colorizer.tracking.tracking import Store; print(Store('test').experiment_id)"
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


def tags(profile: str, digest: str, l2: float) -> dict[str, str]:
    return {"profile": profile, "data.test": digest, "l2": str(l2), "psnr": str(l2)}


@pytest.mark.parametrize(
    ("candidate", "champion", "register", "deserves"),
    [
        (tags("paper", "x", 0.1), tags("paper", "x", 0.2), REGISTER, True),
        (tags("paper", "x", 0.3), tags("paper", "x", 0.2), REGISTER, False),
        (
            tags("paper", "x", 0.3),
            tags("paper", "x", 0.2),
            Register(metric="psnr", champion=True),
            True,
        ),
        (tags("paper", "y", 0.9), tags("demo", "x", 0.2), REGISTER, True),
        (
            tags("demo", "x", 0.1),
            tags("paper", "y", 0.2),
            Register(metric="l2", champion=False),
            False,
        ),
        (
            tags("demo", "z", 0.3),
            tags("demo", "x", 0.2),
            Register(metric="l2", champion=False),
            True,
        ),
    ],
    ids=["better", "worse", "higher is better", "other photographs", "demo", "demo after demo"],
)
def test_who_deserves_the_alias_champion(
    candidate: dict[str, str], champion: dict[str, str], register: Register, deserves: bool
) -> None:
    assert deserves_alias(candidate, champion, register) is deserves


def test_best_model_follows_the_direction_of_the_metric() -> None:
    metrics = {"dull": {"l2": 0.1, "psnr": 20.0}, "vivid": {"l2": 0.2, "psnr": 25.0}}
    assert best_model(metrics, "l2") == "dull"
    assert best_model(metrics, "psnr") == "vivid"


def test_flatten_names_leaves_by_their_path() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}


def test_tolerate_warns_and_hands_over_the_failure(caplog: pytest.LogCaptureFixture) -> None:
    with tolerate("doing it") as failures:
        raise OSError("disk\nfull")
    assert [str(failure) for failure in failures] == ["disk\nfull"]
    assert "doing it failed: disk full" in caplog.text


def test_one_line_cuts_long_messages() -> None:
    assert len(one_line(ValueError("word " * 100))) == 200
