"""Trainings whose tracking server fails in every way; afterwards `sync` completes the record.

`make faults` shows that nothing waits or is lost; `make soak` trains long enough to measure it.
"""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from faulty_proxy import FaultyProxy, faulty_proxy

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

pytestmark = pytest.mark.faults

EPOCHS = int(os.environ.get("FAULT_EPOCHS", "2"))  # 2 are those of the finished project
MEASURED = EPOCHS > 2
FAULTS = {  # and how many requests are answered well before
    "down": 0,
    "slow": 0,
    "failing": 0,
    "garbage": 0,
    "closed": 0,
    "down in mid-training": 11,
    "lost": 0,
}
SHORT = ("slow", "down in mid-training", "lost")  # tests/tracking has the others in small
SOAK = "KILLS" in os.environ
WIDTHS = [128, 256]  # of a network that is measured: its epochs take a while
UNTIL_DONE = """
import sys
from colorizer.errors import ColorizerError
from colorizer.params import load_params
from colorizer.tracking.sync import sync
for _ in range(30):
    try:
        sync(load_params())
    except ColorizerError as error:
        assert "\\n" not in str(error)
        print(f"error: {error}")
    else:
        sys.exit(0)
sys.exit(1)
"""
"""Repeats `colorizer sync` until no answer is lost any more."""
RECORD = {
    "runs": "select r.name, r.status, r.start_time, r.end_time from runs r",
    "params": "select p.key, p.value from params p join runs r using (run_uuid)",
    "metrics": "select m.key, m.step, m.value, m.timestamp from metrics m join runs r"
    " using (run_uuid)",
    "models": "select l.name from logged_models l join runs r on r.run_uuid = l.source_run_id",
    "outputs": "select i.step from inputs i join runs r on r.run_uuid = i.source_id",
    "versions": "select v.name from model_versions v join runs r on r.run_uuid = v.run_id",
}


class Server:
    """A tracking server behind a proxy."""

    def __init__(self, folder: Path, proxy: FaultyProxy) -> None:
        self.database = folder / "mlflow.db"
        self.proxy = proxy

    def record(self, experiment: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that is known of an experiment but the ids, sorted."""
        where = " where r.experiment_id = (select experiment_id from experiments where name = ?)"
        with closing(sqlite3.connect(self.database)) as database:
            found = {
                table: sorted(database.execute(sql + where, (experiment,)).fetchall(), key=str)
                for table, sql in RECORD.items()
            }
        found["metrics"] = [row for row in found["metrics"] if not row[0].startswith("system/")]
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                requests.get(f"{address}/health", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                assert process.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < deadline, (folder / "said").read_text()
                time.sleep(0.5)
        with faulty_proxy(address) as proxy:
            yield Server(folder, proxy)
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


@pytest.fixture(scope="module")
def untold(finished: "Project", tmp_path_factory: pytest.TempPathFactory) -> "Project":
    """The finished project with one model; one that is measured takes longer."""
    project = finished.copy(tmp_path_factory.mktemp("untold") / "project", "cache", "reports")
    shutil.rmtree(project.folder / "models/demo/model2")
    if MEASURED:

        def lengthen(params: dict[str, Any]) -> None:
            params["profiles"]["demo"]["train"] |= {"epochs": EPOCHS, "grid_every": EPOCHS}
            params["profiles"]["demo"]["models"]["model1"]["widths"] = WIDTHS

        project.change_params(lengthen)
        train(project, None, "")
        status, said = project.run("stages/run", "evaluate", "model1")
        assert status == 0, said
    return project


def train(project: "Project", experiment: str | None, address: str) -> tuple[float, list[str]]:
    """Train, logged as an experiment or not at all; return the seconds and the warnings."""
    tracking = {"enabled": experiment is not None, "experiment": str(experiment)}
    project.change_params(lambda params: params.update(tracking=tracking))
    shutil.rmtree(project.folder / "models/demo/model1")
    env = project.environment(MLFLOW_TRACKING_URI=address)
    began = time.monotonic()
    status, said = project.run("stages/run", "train", "model1", env=env)
    seconds = time.monotonic() - began
    assert status == 0, said
    assert "Traceback" not in said
    assert not [path for path in (project.folder / ".checkpoints").iterdir() if path.is_dir()]
    return seconds, [line for line in said.splitlines() if "warning" in line.lower()]


def sync(project: "Project", address: str) -> tuple[int, str]:
    env = project.environment(MLFLOW_TRACKING_URI=address)
    return project.run(sys.executable, "-m", "colorizer.apps.cli", "sync", env=env)


@pytest.fixture(scope="module")
def undisturbed(
    untold: "Project", server: Server, tmp_path_factory: pytest.TempPathFactory
) -> float:
    """The seconds of a training whose server answers well; 0 if none is measured."""
    if not MEASURED:
        return 0.0
    project = untold.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    return train(project, "undisturbed", server.proxy.address)[0]


@pytest.mark.parametrize("fault", FAULTS if SOAK else SHORT)
def test_a_training_outlives_its_server_and_sync_completes_the_record_once(
    untold: "Project", server: Server, undisturbed: float, tmp_path: Path, fault: str
) -> None:
    project, proxy = untold.copy(tmp_path / "project"), server.proxy
    proxy.fail(fault.split()[0], healthy=FAULTS[fault])
    seconds, warnings = train(project, fault, proxy.address)
    assert len(warnings) <= 1, warnings
    if fault not in ("slow", "lost"):
        assert "make sync" in warnings[0]
    if MEASURED:
        sys.stdout.write(f"{fault}: {seconds:.0f} s, undisturbed {undisturbed:.0f} s\n")
        assert seconds < 1.05 * undisturbed
    status, said = sync_until_done(project, server) if fault == "lost" else (0, "")
    proxy.fail("")
    again, said = sync(project, proxy.address)
    assert (status, again) == (0, 0), said
    record = server.record(fault)
    assert_whole(record)
    assert sync(project, proxy.address)[0] == 0
    assert server.record(fault) == record


def sync_until_done(project: "Project", server: Server) -> tuple[int, str]:
    """Run `sync` until no answer is lost any more: each time one line says that MLflow failed."""
    env = project.environment(MLFLOW_TRACKING_URI=server.proxy.address)
    status, said = project.run(sys.executable, "-c", UNTIL_DONE, env=env)
    assert "Traceback" not in said
    return status, said


def assert_whole(record: dict[str, list[tuple[Any, ...]]]) -> None:
    """See that a training is told of once, with all its epochs and one model."""
    assert [row[:2] for row in record["runs"]] == [("model1", "FINISHED")]
    steps = [row[1] for row in record["metrics"] if row[0] == "loss/train"]
    assert sorted(steps) == list(range(1, EPOCHS + 1))
    assert record["models"] == [("model1",)]
    assert len(record["outputs"]) == 1
    assert [row[0] for row in record["versions"]] == ["colorizer-model1"]
