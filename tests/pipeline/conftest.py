"""The real pipeline, shrunken: run once, by `dvc repro`, and shared by all tests of it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from warm_python import warm_python

ROOT = Path(__file__).parents[2]
SHRUNKEN: dict[str, Any] = {
    "split": {"seed": 7, "train": 6, "test": 3, "validation": 2},
    "preprocess": {"image_size": 32, "resample": "bicubic"},
    "models": {
        "model1": {"widths": [4, 8]},
        "model2": {"widths": [4, 8, 8]},
    },
}


@dataclass(frozen=True)
class Project:
    """A checkout, and what people do in it."""

    folder: Path
    models: tuple[str, ...] = tuple(SHRUNKEN["models"])
    seconds: float = 0.0  # that `dvc repro` took, where it has run by a warm Python

    @staticmethod
    def environment(**extra: str) -> dict[str, str]:
        """Return this process's environment without the traces of other projects."""
        others = ("DVC_", "MLFLOW_", "GIT_")
        return {k: v for k, v in os.environ.items() if not k.startswith(others)} | {
            "DVC_NO_ANALYTICS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",  # the tests' processes share two cores
            "VIRTUAL_ENV": sys.prefix,
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "tester",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "tester@example.org",
            **extra,
        }

    def run(
        self, *command: str, env: dict[str, str] | None = None, folder: Path | None = None
    ) -> tuple[int, str]:
        """Run a command, here or elsewhere; return its exit status and all that it said."""
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=env or self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=1200,
        )
        return done.returncode, done.stdout

    def dvc(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a command of DVC's, which has to succeed."""
        status, said = self.run(str(Path(sys.executable).parent / "dvc"), *arguments, env=env)
        assert status == 0, said
        return said

    def git(self, *arguments: str) -> None:
        status, said = self.run("git", *arguments)
        assert status == 0, said

    def change_params(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        change(params)
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask MLflow's database."""
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as database:
            return database.execute(sql).fetchall()

    def clone(self, folder: Path) -> "Project":
        self.git("clone", "-q", str(self.folder), str(folder))
        return Project(folder)

    def copy(self, folder: Path, *without: str) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(*without))
        return Project(folder)


def shrink(params: dict[str, Any]) -> None:
    demo = params["profiles"]["demo"]
    params["models"] = list(SHRUNKEN["models"])  # two are enough to compare
    params |= {"profile": "demo", "profiles": {"demo": demo}}  # DVC parses all, for every stage
    demo |= SHRUNKEN
    demo["train"] |= {"epochs": 2, "batch_size": 4, "grid_every": 1, "grid_photos": 2}
    demo["evaluate"]["grid_photos"] = 2


def check_out(folder: Path) -> Project:
    """Copy what git knows of this checkout, and make the demo tiny."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    project = Project(folder)
    project.change_params(shrink)
    project.git("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-qm", "shrunken")
    return project


@pytest.fixture(scope="session", name="check_out")
def _check_out() -> Callable[[Path], Project]:
    """Return a function that makes a checkout in which nothing has run."""
    return check_out


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout in which `dvc repro` has run once; all processes share it, so none changes it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "project", shared / "project.done"
    with FileLock(shared / "project.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of another process, which failed
            project, began = check_out(folder), time.monotonic()
            with warm_python(project.environment()) as warm:  # a third of the time is imports
                project.dvc("repro", env=project.environment(VIRTUAL_ENV=str(warm)))
            done.write_text(str(time.monotonic() - began))
    return Project(folder, seconds=float(done.read_text()))


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished checkout, to be changed by the tests of a file."""
    return finished.copy(tmp_path_factory.mktemp("pipeline") / "project")
