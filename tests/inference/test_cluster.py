"""Photographs colored by a Dask cluster as by this machine."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from distributed import KilledWorker, LocalCluster
from distributed.comm import CommClosedError
from PIL import Image

from colorizer.errors import ColorizerError
from colorizer.inference import cluster as module
from colorizer.inference.batch import Outcome, colorize_all
from colorizer.inference.cluster import colorize_on_cluster
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.options import Options
from colorizer.inference.plan import Task, plan
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model
from colorizer.models.weights_metadata import WeightsMetadata


def load(model: str) -> Colorizer:
    torch.manual_seed(0)
    metadata = WeightsMetadata(model, {"widths": [4, 8]}, size=32)
    network = TorchNetwork(create_model(model, widths=[4, 8]), metadata, precision="float32")
    return Colorizer(network)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photographs, a damaged one and a text, named as in the folder above it."""
    monkeypatch.chdir(tmp_path)
    Path("old").mkdir()
    ramp = np.linspace(20, 230, 2400).reshape(40, 60).astype(np.uint8)
    for n in range(5):
        Image.fromarray(ramp - n).save(f"old/{n}.jpg")
    Path("old/broken.jpg").write_bytes(Path("old/1.jpg").read_bytes()[:200])
    Path("old/notes.txt").write_bytes(b"not a photograph")
    return Path("old")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """One worker, in this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as started:
        yield started.scheduler_address


def test_outcomes_and_files_are_those_of_this_machine(
    photos: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "AHEAD", 1)

    def told(outcomes: Iterator[Outcome]) -> list[tuple[str, str, str]]:
        return [(o.task.source.name, o.status, o.message) for o in outcomes]

    def on_cluster() -> Iterator[Outcome]:
        return colorize_on_cluster(plan([photos], Path("a")), scheduler, load, "model1", Options())

    there, here = on_cluster(), colorize_all(plan([photos], Path("b")), load("model1"), Options())
    assert told(there) == told(here)
    files = sorted(path.name for path in Path("a").iterdir())
    assert files == [f"{n}.jpg" for n in range(5)]
    assert all(Path("a", f).read_bytes() == Path("b", f).read_bytes() for f in files)
    again = [status for _, status, _ in told(on_cluster())]
    assert sorted(again) == ["exists"] * 5 + ["failed", "skipped"]


class Client:
    """A cluster that fails with some files."""

    def __init__(self, fails: Callable[[list[Task]], Exception | None]) -> None:
        self.fails = fails

    def submit(self, _work: object, tasks: list[Task], *_: object, **__: object) -> "Future":
        return Future(tasks, self.fails(tasks))


class Future:
    """What becomes of files there."""

    def __init__(self, tasks: list[Task], error: Exception | None) -> None:
        self.tasks, self.error = tasks, error

    def result(self) -> list[Outcome]:
        if self.error:
            raise self.error
        return [Outcome(task, "colorized") for task in self.tasks]


def take(fails: Callable[[list[Task]], Exception | None]) -> list[Outcome]:
    client: Any = Client(fails)
    tasks = [Task(Path(f"{n}.jpg"), Path(f"out/{n}.jpg"), "JPEG") for n in range(4)]
    return module._take(client, client.submit(None, tasks), tasks, ())


def test_a_file_that_kills_its_workers_is_named_and_the_others_are_colored() -> None:
    killed = KilledWorker("work", None, 3)  # type: ignore[no-untyped-call]
    outcomes = take(lambda tasks: killed if Path("2.jpg") in [t.source for t in tasks] else None)
    assert [o.status for o in outcomes] == ["colorized", "colorized", "failed", "colorized"]
    assert outcomes[2].message == "2.jpg: every process that colored it was killed"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CancelledError("lost"), "scheduler is lost"),
        (OSError("closed"), "scheduler is lost"),
        (ModuleNotFoundError("No module named 'colorizer'"), "needs this version"),
    ],
)
def test_a_cluster_that_cannot_go_on_is_one_line(error: Exception, said: str) -> None:
    with pytest.raises(ColorizerError, match=said) as raised:
        take(lambda _: error)
    assert len(str(raised.value).splitlines()) == 1


class Lost(Client):
    """A cluster whose scheduler dies once files are handed out."""

    def nthreads(self) -> dict[str, int]:
        raise CommClosedError("Connection reset by peer")


def test_a_scheduler_that_dies_while_files_are_handed_out_is_one_line(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = contextlib.nullcontext(Lost(lambda _: None))
    monkeypatch.setattr(module, "connect", lambda *_, **__: lost)
    asked = plan([photos], Path("a")), "tcp://127.0.0.1:9", load, "model1", Options()
    with pytest.raises(ColorizerError, match="scheduler is lost: the same command does the rest"):
        list(colorize_on_cluster(*asked))


def test_a_scheduler_that_does_not_answer_is_an_error_that_names_the_option(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colorizer.data.workers.PATIENCE", 0.5)
    asked = plan([photos], Path("a")), "tcp://127.0.0.1:9", load, "model1", Options()
    with pytest.raises(ColorizerError, match=r"--scheduler is 'tcp://127\.0\.0\.1:9'"):
        list(colorize_on_cluster(*asked))
