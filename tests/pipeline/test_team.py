"""A team's server: PostgreSQL, an S3 store and MLflow, shared by clients that work at once.

`make faults` has a few clients at once; CLIENTS=20 makes them more.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CLIENTS = int(os.environ.get("CLIENTS", "3"))
MISSING = [
    *(
        []
        if list(Path("/usr/lib/postgresql").glob("*/bin")) or shutil.which("pg_ctl")
        else ["PostgreSQL"]
    ),
    *([] if (BIN / "weed").exists() else ["the extra [server]"]),
]
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {' and '.join(MISSING)}"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`make server LOCAL=1`, its data in a folder of its own."""

    def __init__(self, data: Path) -> None:
        s3 = 20_000 + os.getpid() % 600 * 4  # and three more; each has another 10,000 above
        self.data = data
        self.ports = {"MLFLOW_PORT": free_port(), "POSTGRES_PORT": free_port(), "S3_PORT": s3}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [ROOT / "deploy" / "server.sh", "--local"],
            env=os.environ
            | {name: str(port) for name, port in self.ports.items()}
            | {"PATH": f"{BIN}:{os.environ['PATH']}", "SERVER_DATA": str(self.data)}
            | {"MLFLOW_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "MLflow is at" in said, said

    def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(by)
        self.process.communicate(timeout=120)

    @property
    def environment(self) -> dict[str, str]:
        """What a colleague sets."""
        lines = (self.data / "passwords.env").read_text().split()
        passwords = dict(line.split("=", 1) for line in lines)
        return {
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.ports['MLFLOW_PORT']}",
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": passwords["MLFLOW_AUTH_ADMIN_PASSWORD"],
            **{name: passwords[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
        }

    def runs(self, monkeypatch: pytest.MonkeyPatch, experiment: str) -> list[Any]:
        import mlflow

        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        client = mlflow.MlflowClient(self.environment["MLFLOW_TRACKING_URI"])
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        return list(client.search_runs([found.experiment_id], max_results=1000))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:  # which PostgreSQL's user may enter
        Path(folder).chmod(0o711)
        server = Server(Path(folder))
        yield server
        server.stop()


def assert_once(runs: list[Any], expected: set[str]) -> None:
    """Each training has one run, which is finished; each of its epochs is there once."""
    counted = Counter(run.data.tags["fingerprint"] for run in runs if "model" in run.data.tags)
    assert counted == dict.fromkeys(expected, 1)
    assert {run.info.status for run in runs} == {"FINISHED"}


CLIENTS_AT_ONCE = """
import multiprocessing, os, sys
from pathlib import Path
from colorizer.params import Register
from colorizer.tracking.published import Published
from colorizer.tracking.registration import publish
from colorizer.tracking.store import Store

def work(folder):
    os.environ["DVC_ROOT"] = str(folder)  # as on machines of their own
    published = Published(folder / "run", folder / "evaluation", folder / "timing.json")
    publish(Store("clients"), published, Register(metric="auc_rebalanced", champion=True))

fork = multiprocessing.get_context("fork")
clients = [fork.Process(target=work, args=(Path(folder),)) for folder in sys.argv[1:]]
for client in clients:
    client.start()
for client in clients:
    client.join()
sys.exit(sum(client.exitcode != 0 for client in clients))
"""


def test_clients_at_once_lose_and_double_nothing(
    server: Server, finished: "Project", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / f"client{number}" for number in range(CLIENTS)]
    for folder in folders:
        made = finished.folder
        shutil.copytree(made / "models" / "demo" / "model1", folder / "run")
        shutil.copytree(made / "evaluation" / "demo" / "model1", folder / "evaluation")
        shutil.copy(made / "timing" / "demo" / "train_model1.json", folder / "timing.json")
        for file in (folder / "run" / "run.json", folder / "evaluation" / "scores" / "about.json"):
            told = json.loads(file.read_text()) | {"fingerprint": folder.name}
            file.write_text(json.dumps(told))
    environment = finished.environment(**server.environment, PYTHONPATH=str(ROOT / "src"))
    status, said = finished.run(
        sys.executable, "-c", CLIENTS_AT_ONCE, *map(str, folders), env=environment
    )
    assert status == 0, said
    runs = server.runs(monkeypatch, "clients")
    assert_once(runs, {folder.name for folder in folders})

    import mlflow

    client = mlflow.MlflowClient(server.environment["MLFLOW_TRACKING_URI"])
    versions = client.search_model_versions("name = 'colorizer-model1'")
    ours = {run.info.run_id for run in runs}
    assert Counter(v.run_id for v in versions if v.run_id in ours) == dict.fromkeys(ours, 1)
