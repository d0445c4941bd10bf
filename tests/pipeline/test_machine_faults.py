"""Every stage, and `colorize`, on machines without room, without memory and without permission.

One process imports them all and runs each in forks of itself, where it is given its fault.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

MAY_MOUNT = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        not shutil.which("unshare") or bool(subprocess.run(MAY_MOUNT, check=False).returncode),
        reason="nothing can be mounted here",
    ),
]

STAGES: dict[str, tuple[list[str], str]] = {  # what is run, and the out that it makes
    "download": (["download"], "data/demo/archives"),
    "drop_grayscale": (["drop_grayscale"], "data/demo/color.csv"),
    "split": (["split"], "data/demo/split.csv"),
    "preprocess": (["preprocess"], "data/demo/lab"),
    "references": (["references"], "data/demo/references"),
    "train": (["train", "model1"], "models/demo/model1"),
    "baselines": (["baselines"], "evaluation/demo/baselines"),
    "evaluate": (["evaluate", "model1"], "evaluation/demo/model1"),
    "fit": (["fit", "reinhard2001"], "models/demo/reinhard2001"),
    "evaluate_method": (["evaluate_method", "reinhard2001"], "evaluation/demo/reinhard2001"),
    "compare": (["compare"], "reports/demo"),
    "colorize": (
        ["colorize", "old.png", "--model=shipped", "--overwrite", "-o", "out/new.png"],
        "out",
    ),
}
Run = Callable[..., tuple[int | str, str]]


@contextmanager
def machine(project: "Project") -> Iterator[Run]:
    """Yield a function that runs a command with faults; it returns the status and all words."""
    with subprocess.Popen(
        [
            "unshare",
            "-rm",
            sys.executable,
            Path(__file__).parents[1] / "forked_stages.py",
            *STAGES,
            "colorizer",
        ],
        cwd=project.folder,
        env=project.environment(PYTHONPATH=str(project.folder / "src")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout

        def run(command: list[str], **faults: object) -> tuple[int | str, str]:
            process.stdin.write(json.dumps({"command": command, "faults": faults}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            return answer["status"], answer["said"]

        yield run
        process.stdin.close()


@pytest.fixture(scope="module")
def bad(
    finished: "Project", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple["Project", Run]]:
    """A finished project, which logs nothing, with a fitted method; and what runs its stages."""
    project = finished.copy(tmp_path_factory.mktemp("bad") / "project", "cache", "mlflow.db")
    project.change_params(lambda params: params.update(tracking={"enabled": False}))
    Image.linear_gradient("L").save(project.folder / "old.png")
    with machine(project) as run:
        for name in ("fit", "evaluate_method", "colorize"):
            status, said = run(STAGES[name][0])
            assert status == 0, said
        yield project, run


def digests(folder: Path) -> dict[str, str]:
    """Return the digests of all files below a folder, or of a file, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder, *folder.rglob("*"))
        if path.is_file()
    }


def the_line(status: int | str, said: str) -> str:
    """Return the one line of an error that a command ended with."""
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert status in (1, 3), (status, said)
    assert len(errors) == 1, said
    assert "Traceback" not in said
    return errors[0]


@pytest.mark.parametrize("stage", STAGES)
def test_a_folder_that_cannot_be_written_is_one_line(
    bad: tuple["Project", Run], stage: str
) -> None:
    project, run = bad
    command, out = STAGES[stage]
    before = digests(project.folder / out)
    line = the_line(*run(command, read_only=[str(project.folder)]))
    assert "Read-only file system" in line
    assert digests(project.folder / out) == before


@pytest.mark.parametrize("stage", STAGES)
def test_too_little_memory_is_one_line(bad: tuple["Project", Run], stage: str) -> None:
    """Said before libraries in C begin, which crash and hang where even threads find no room."""
    project, run = bad
    command, out = STAGES[stage]
    before = digests(project.folder / out)
    for memory in (20, 60, 200, 400):  # MiB
        line = the_line(*run(command, memory=memory))
        assert re.search("memory does not suffice: less than [0-9]+ MiB are left", line)
    assert digests(project.folder / out) == before
    status, said = run(command, memory=600)
    assert status == 0, said
    assert digests(project.folder / out) == before


def test_work_that_takes_more_memory_than_there_is_is_one_line(
    bad: tuple["Project", Run],
) -> None:
    project, run = bad
    Image.linear_gradient("L").resize((10_000, 8_000)).save(project.folder / "old.png")
    whole = (project.folder / "params.yaml").read_bytes()
    project.change_params(
        lambda params: params["profiles"]["demo"]["models"]["model1"].update(widths=[2048, 4096])
    )
    try:
        for stage, named in (("colorize", "old.png: the memory"), ("train", "train.batch_size")):
            command, out = STAGES[stage]
            before = digests(project.folder / out)
            for memory in (500, 600, 700):  # MiB
                line = the_line(*run(command, memory=memory))
                assert "the memory does not suffice" in line
                assert named in line
            assert digests(project.folder / out) == before
    finally:
        (project.folder / "params.yaml").write_bytes(whole)
        Image.linear_gradient("L").save(project.folder / "old.png")


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        *((stage, "") for stage in STAGES if stage != "split"),
        ("download", "data/demo/archives"),
        ("train", "models/demo"),
    ],
)
def test_a_full_disk_is_one_line_and_room_mends_it(
    bad: tuple["Project", Run], stage: str, place: str
) -> None:
    """Of no place, no file may have more than 4 KiB; else a disk of 4 KiB is there."""
    project, run = bad
    command, out = STAGES[stage]
    before = digests(project.folder / out)
    remove(project.folder / out)
    full = {"full": {str(project.folder / place): 4}} if place else {"file_size": 4096}
    line = the_line(*run(command, **full))
    assert ("cannot be written: " if stage == "colorize" else "make room") in line
    status, said = run(command)
    assert status == 0, said
    assert digests(project.folder / out) == before
    assert ("resuming after epoch 2 of 2" in said) == (place == "models/demo")


def test_a_full_disk_under_mlflow_is_one_warning_and_sync_completes_the_record(
    bad: tuple["Project", Run],
) -> None:
    project, run = bad
    command, out = STAGES["train"]
    before, full = digests(project.folder / out), 200 * 1024  # less than an empty mlflow.db has
    project.change_params(lambda params: params.update(tracking={"enabled": True}))
    try:
        remove(project.folder / out)
        status, said = run(command, file_size=full)
        assert status == 0, said
        warnings = [line for line in said.splitlines() if "warning: " in line]
        assert len(warnings) == 1 and "`make sync`" in warnings[0], said
        assert digests(project.folder / out) == before
        run(STAGES["evaluate"][0])  # of this training, as its record says
        the_line(*run(["colorizer", "sync"], file_size=full))
        for _ in range(2):
            status, said = run(["colorizer", "sync"])
            assert status == 0, said
        runs = project.query("select name, status from runs where name = 'model1'")
        steps = project.query("select count(*) from metrics where key = 'loss/train'")
        assert (runs, steps) == ([("model1", "FINISHED")], [(2 * len(project.models),)])
    finally:
        project.change_params(lambda params: params.update(tracking={"enabled": False}))


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=$0k tmpfs .checkpoints
"$@" > first 2>&1; echo $? >> first
mount -o remount,size=100M .checkpoints
exec "$@"
"""
"""Runs a command twice: with so many KiB for checkpoints, and with room."""


def test_a_disk_that_fills_in_mid_training_keeps_the_last_checkpoint(
    bad: tuple["Project", Run],
) -> None:
    project, run = bad
    (name, model), out = STAGES["train"]
    more = {"epochs": 5, "grid_every": 5}
    project.change_params(lambda params: params["profiles"]["demo"]["train"].update(more))
    remove(project.folder / out)
    the_line(*run([name, model], read_only=[str(project.folder / "models")]))  # all but its end
    folder = project.folder / ".checkpoints"
    needed = {path: path.stat().st_size for path in folder.glob("*/**/*") if path.is_file()}
    assert run([name, model])[0] == 0
    undisturbed = digests(project.folder / out)
    remove(project.folder / out)
    third = next(size for path, size in needed.items() if path.name == "state.pt")
    early = sum(-(-size // 4096) * 4 for path, size in needed.items() if "0005" not in path.name)
    command = ("unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, str(early + third // 2048))
    status, said = project.run(*command, sys.executable, f"stages/{name}.py", model)
    first, _, code = (project.folder / "first").read_text().rstrip().rpartition("\n")
    assert "make room" in the_line(int(code), first)
    assert (status, "resuming after epoch 2 of 5" in said) == (0, True), said
    assert digests(project.folder / out) == undisturbed


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.unlink()
