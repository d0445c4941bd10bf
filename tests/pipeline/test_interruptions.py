"""Trainings that are killed, asked to end, or cannot begin."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import load_file

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow


def start_training(project: "Project") -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["stages/run", "train", "model1"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_epoch(project: "Project", epoch: int, training: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and training.poll() is None:
        for history in (project.folder / ".checkpoints").glob("*/history.csv"):
            if len(history.read_text().splitlines()) > epoch:
                return
        time.sleep(0.02)
    raise AssertionError(f"no epoch {epoch}: {training.communicate()[1]}")


@pytest.fixture
def trainable(finished: "Project", tmp_path: Path) -> "Project":
    """A copy of the project whose training takes long enough to be interrupted."""
    project = finished.copy(tmp_path / "project", "cache")
    shutil.rmtree(project.folder / "models")

    def lengthen(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["train"] |= {"epochs": 40, "grid_every": 20}

    project.change_params(lengthen)
    return project


def test_a_killed_training_ends_as_one_never_interrupted(trainable: "Project") -> None:
    weights = trainable.folder / "models/demo/model1/weights.safetensors"
    first = start_training(trainable)
    wait_for_epoch(trainable, 3, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not weights.exists()
    _, said = trainable.run("stages/run", "train", "model1")
    assert "resuming after epoch" in said
    interrupted = load_file(weights)
    record = json.loads((trainable.folder / "models/demo/model1/run.json").read_text())
    steps = trainable.query(
        "select m.step from metrics m join tags t on t.run_uuid = m.run_uuid "
        f"where m.key = 'loss/train' and t.value = '{record['fingerprint']}'"
    )
    assert sorted(step for (step,) in steps) == list(range(1, 41))
    assert not [path for path in (trainable.folder / ".checkpoints").iterdir() if path.is_dir()]

    shutil.rmtree(trainable.folder / "models")
    status, said = trainable.run("stages/run", "train", "model1")
    assert status == 0, said
    whole = load_file(weights)
    assert all((interrupted[name] == whole[name]).all() for name in whole)


def test_a_terminated_training_is_told_as_killed(trainable: "Project") -> None:
    training = start_training(trainable)
    wait_for_epoch(trainable, 2, training)
    training.terminate()
    _, stderr = training.communicate(timeout=120)
    assert training.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr
    assert ("model1", "KILLED") in trainable.query("select name, status from runs")


def test_a_wrong_interpreter_is_told_in_one_line(finished: "Project", tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for program in ("sh", "dirname"):
        found = shutil.which(program)
        assert found
        (bare / program).symlink_to(found)
    env = finished.environment(PATH=str(bare), VIRTUAL_ENV=str(tmp_path))
    status, said = finished.run("stages/run", "split", env=env)
    assert status == 1
    assert len(said.splitlines()) == 1
    assert "make setup" in said


def test_too_few_photographs_are_told_in_one_line(trainable: "Project") -> None:
    def ask_for_more(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["split"] |= {"train": 8000, "test": 1000}

    trainable.change_params(ask_for_more)
    status, said = trainable.run("stages/run", "split")
    assert status == 1
    assert "8,906 are missing" in said
    assert len(said.splitlines()) == 1
