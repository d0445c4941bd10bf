"""The pipeline killed at random moments, its outs damaged, and four experiments at once.

`make faults` kills a few times, `make soak` many.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("KILLS", "6"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
DVC = str(Path(sys.executable).parent / "dvc")


def outs(project: "Project") -> dict[str, str]:
    """Return the digest of every out that only inputs decide, by path."""
    lock: dict[str, Any] = yaml.safe_load((project.folder / "dvc.lock").read_text())
    made = [out for stage in lock["stages"].values() for out in stage.get("outs", ())]
    return {out["path"]: out["md5"] for out in made if not out["path"].startswith("timing/")}


def living(group: int) -> list[psutil.Process]:
    """Return a process group's members that are no zombies."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def repro(project: "Project", *, kill_after: float, by: signal.Signals) -> tuple[int, str]:
    """Run `dvc repro` and kill it and all that it started; return its exit status and words."""
    with subprocess.Popen(
        [DVC, "repro"],
        cwd=project.folder,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            said, _ = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, by)
            said, _ = process.communicate(timeout=120)
            deadline = time.monotonic() + 60
            while living(process.pid):
                assert time.monotonic() < deadline, f"{by.name} left {living(process.pid)}"
                time.sleep(0.1)
    return process.returncode, said


def assert_as_never_killed(project: "Project", expected: dict[str, str]) -> None:
    assert outs(project) == expected
    for folder in ("data", "models", "evaluation", "reports", "timing"):
        left = [path for path in (project.folder / folder).rglob(".*") if path.name != ".gitignore"]
        assert not left
    assert not [path for path in (project.folder / ".checkpoints").iterdir() if path.is_dir()]
    runs = sorted(project.query("select name, status from runs"))
    assert runs == [(name, "FINISHED") for name in sorted(("comparison", *project.models))]
    twice = "select run_uuid, step, count(*) from metrics where key = 'loss/train' group by 1, 2"
    assert {count for *_, count in project.query(twice)} == {1}
    versions = project.query("select name, count(*) from model_versions group by name")
    assert dict(versions) == {"colorizer": 1} | {f"colorizer-{m}": 1 for m in project.models}


def test_whatever_kills_it_the_pipeline_ends_as_one_never_killed(
    finished: "Project", check_out: Callable[[Path], "Project"], tmp_path: Path
) -> None:
    expected, span = outs(finished), 2 * finished.seconds  # its Python was warm
    chance, kills, rounds = random.Random(7), 0, 0
    while kills < KILLS:
        rounds += 1
        project = check_out(tmp_path / f"killed{rounds}")
        began, before, status = time.monotonic(), kills, -1
        while status != 0:
            by, moment = chance.choice(SIGNALS), chance.uniform(0, span)
            last = kills >= KILLS
            status, said = repro(project, kill_after=1200 if last else moment, by=by)
            assert not (last and status), said
            kills += status != 0
            sys.stdout.write(
                f"round {rounds}, {by.name} at {moment:.1f} of {span:.0f} s: {status}\n"
            )
            assert "Traceback" not in said or status < 0, said
        if kills == before:  # the machine is faster than it was: the next moments come sooner
            span = time.monotonic() - began
        assert_as_never_killed(project, expected)


OUTS = (
    *(
        "data/demo/color.csv",
        "data/demo/split.csv",
        "data/demo/lab",
        "data/demo/references",
        "models/demo/model1",
    ),
    *("evaluation/demo/model1", "evaluation/demo/baselines", "reports/demo"),
)


def test_whatever_out_is_damaged_the_pipeline_makes_it_anew(
    finished: "Project", tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "project")
    expected = {out: digests(project.folder / out) for out in OUTS}
    for number, out in enumerate(OUTS):
        for file in sorted(digests(project.folder / out)):
            path = project.folder / out / file
            content = path.read_bytes()
            path.unlink()  # it may be a link into DVC's cache
            path.write_bytes(
                (content[: len(content) // 2], b"", content[:-1] + b"?", b"text")[number % 4]
            )
    project.dvc("repro")
    assert {out: digests(project.folder / out) for out in OUTS} == expected


def test_four_experiments_at_once_are_all_logged(finished: "Project", tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    project.git("add", "-A")
    project.git("commit", "-qm", "results")
    rates = [f"0.000{number}" for number in range(1, 5)]
    command = [DVC, "--wait-for-lock", "exp", "run", "--temp", "train@model1", "-S"]
    experiments = [
        subprocess.Popen(
            [*command, f"profiles.demo.train.lr={rate}"],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rate in rates
    ]
    said = [experiment.communicate()[0] for experiment in experiments]
    assert [experiment.returncode for experiment in experiments] == [0] * 4, said
    logged = project.query(
        "select p.value, r.status, t.value, count(m.step) from runs r"
        " join params p on p.run_uuid = r.run_uuid and p.key = 'train.lr' and p.value != '0.001'"
        " left join tags t on t.run_uuid = r.run_uuid and t.key = 'complete'"
        " join metrics m on m.run_uuid = r.run_uuid and m.key = 'loss/train'"
        " group by r.run_uuid order by p.value"
    )
    assert logged == [(rate, "FINISHED", "true", 2) for rate in rates], said
    assert not [line for text in said for line in text.splitlines() if "warning" in line]


def test_of_two_trainings_of_one_model_the_second_says_that_the_first_runs(
    finished: "Project", tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "project", "cache")
    longer = {"epochs": 5000, "grid_every": 5000}  # it is ended
    project.change_params(lambda params: params["profiles"]["demo"]["train"].update(longer))
    first = subprocess.Popen(
        ["stages/run", "train", "model1"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not list((project.folder / ".checkpoints").glob("*/history.csv")):
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.05)
        status, said = project.run("stages/run", "train", "model1")
        assert (status, len(said.splitlines())) == (1, 1), said
        assert "another process is training" in said
    finally:
        first.terminate()
    assert first.wait(60) == 128 + signal.SIGTERM


def digests(folder: Path) -> dict[str, str]:
    """Return the digests of all files below a folder, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder, *folder.rglob("*"))
        if path.is_file()
    }
