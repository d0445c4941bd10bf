import json
import math
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from colorizer.errors import ColorizerError
from colorizer.training.run_record import (
    Epoch,
    RunRecord,
    fingerprint,
    git_commit,
    grid_path,
    list_grids,
    read_history,
    write_history,
    write_run,
)

HISTORY = [
    Epoch(1, 0.1 + 0.2, 1 / 3, 12.34, 1_700_000_000_000),
    Epoch(2, 5e-324, 1.7976931348623157e308, 0.0, 1_700_000_000_001),
    Epoch(3, 0.021450839564204216, 1e-05, 1e22, 1_700_000_000_002, 0.1 + 0.7),
]

RECORD = RunRecord(
    fingerprint="0123456789abcdef",
    model="model1",
    profile="demo",
    params={"model": {"name": "model1", "widths": [2, 3]}, "train": {"lr": 0.1 + 0.2}},
    data={"train": {"photographs": 8, "digest": "ab"}, "test": {"photographs": 2, "digest": "cd"}},
    machine={"device": "cpu (1 threads)", "torch": "2.6"},
    commit="",
    stage="train@model1",
    experiment="méssy-näme",
    started_at=1_700_000_000_000,
)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", HISTORY)
    again = read_history(tmp_path / "history.csv")
    assert again == HISTORY
    types = [int, float, float, float, int]
    assert [type(value) for value in asdict(again[0]).values()] == [*types, type(None)]


def test_an_empty_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", [])
    assert read_history(tmp_path / "history.csv") == []


def test_a_test_loss_that_is_no_number_is_kept(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", [replace(HISTORY[0], test_loss=math.inf)])
    (epoch,) = read_history(tmp_path / "history.csv")
    assert epoch.test_loss == math.inf


def test_a_history_of_before_validation_is_read(tmp_path: Path) -> None:
    lines = "epoch,train_loss,test_loss,images_per_second,finished_at\n1,0.5,0.25,12.0,17\n"
    (tmp_path / "history.csv").write_text(lines)
    assert read_history(tmp_path / "history.csv") == [Epoch(1, 0.5, 0.25, 12.0, 17)]


def test_a_finished_run_says_when_and_how_fast_in_a_file_of_its_own(tmp_path: Path) -> None:
    run, timing = tmp_path / "run", tmp_path / "timing.json"
    made = []
    for second, speed in ((0, 12.5), (9, 50.0)):
        record = replace(RECORD, started_at=second, finished_at=second + 4, commit=str(second))
        epochs = [replace(e, images_per_second=speed, finished_at=second) for e in HISTORY]
        write_run(run, timing, record, epochs)
        assert RunRecord.read(run, timing) == record
        assert read_history(run / "history.csv", timing) == epochs
        made.append({path.name: path.read_bytes() for path in run.iterdir()})
    assert made[0] == made[1]
    timing.unlink()
    with pytest.raises(ColorizerError, match=r"timing\.json is missing.*dvc checkout"):
        RunRecord.read(run, timing)


def test_a_history_is_a_plain_table(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", HISTORY[:1])
    assert (tmp_path / "history.csv").read_text() == (
        "epoch,train_loss,test_loss,images_per_second,finished_at,validation_loss\n"
        "1,0.30000000000000004,0.3333333333333333,12.34,1700000000000,\n"
    )


@pytest.mark.parametrize("record", [RECORD, RECORD.finished(at=1_700_000_009_999, best_epoch=4)])
def test_a_record_is_read_as_it_was_written(record: RunRecord, tmp_path: Path) -> None:
    record.write(tmp_path)
    assert RunRecord.read(tmp_path) == record
    assert json.loads((tmp_path / "run.json").read_text())["model"] == "model1"


def test_a_finished_record_differs_in_its_end_alone() -> None:
    done = RECORD.finished(at=1_700_000_009_999, best_epoch=4)
    assert (done.finished_at, done.best_epoch) == (1_700_000_009_999, 4)
    assert replace(done, finished_at=0, best_epoch=0) == RECORD
    assert RECORD.finished_at == 0


@pytest.fixture
def code(tmp_path: Path) -> list[Path]:
    (tmp_path / "models").mkdir()
    files = [tmp_path / "color.py", tmp_path / "models" / "paper.py", tmp_path / "training.py"]
    for path in files:
        path.write_text(f"# {path.name}\n")
    return files


ASKED: dict[str, Any] = {"params": {"lr": 0.001, "widths": [2, 3]}, "data": {"train": "ab"}}


def test_a_fingerprint_is_sixteen_digits_and_always_the_same(code: list[Path]) -> None:
    name = fingerprint(ASKED, code)
    assert len(name) == 16
    assert int(name, 16) >= 0
    assert fingerprint(ASKED, code) == name


@pytest.mark.parametrize(
    "asked",
    [
        {"params": {"lr": 0.002, "widths": [2, 3]}, "data": {"train": "ab"}},
        {"params": {"lr": 0.001, "widths": [3, 2]}, "data": {"train": "ab"}},
        {"params": {"lr": 0.001, "widths": [2, 3]}, "data": {"train": "ac"}},
        {"params": {"lr": 0.001, "widths": [2, 3]}},
        {"params": {"lr": 0.001, "widths": [2, 3], "more": None}, "data": {"train": "ab"}},
    ],
)
def test_other_parameters_or_photographs_are_another_training(
    asked: dict[str, Any], code: list[Path]
) -> None:
    assert fingerprint(asked, code) != fingerprint(ASKED, code)


def test_the_order_of_keys_does_not_matter(code: list[Path]) -> None:
    shuffled = {"data": {"train": "ab"}, "params": {"widths": [2, 3], "lr": 0.001}}
    assert list(shuffled) != list(ASKED)
    assert fingerprint(shuffled, code) == fingerprint(ASKED, code)


def test_a_tuple_is_a_list(code: list[Path]) -> None:
    """A checkpoint's arguments come back from JSON: they must name the same training."""
    assert fingerprint({"widths": (2, 3)}, code) == fingerprint({"widths": [2, 3]}, code)


def test_other_code_is_another_training(code: list[Path]) -> None:
    before = fingerprint(ASKED, code)
    code[1].write_text("# a comment\n")
    assert fingerprint(ASKED, code) != before


def test_more_or_less_or_renamed_code_is_another_training(code: list[Path]) -> None:
    before = fingerprint(ASKED, code)
    assert fingerprint(ASKED, code[:-1]) != before
    renamed = code[0].rename(code[0].with_name("colors.py"))
    assert fingerprint(ASKED, [renamed, *code[1:]]) != before


def test_the_order_and_the_place_of_the_code_do_not_matter(
    code: list[Path], tmp_path: Path
) -> None:
    before = fingerprint(ASKED, code)
    assert fingerprint(ASKED, reversed(code)) == before
    elsewhere = tmp_path / "zz" / "elsewhere"
    (elsewhere / "models").mkdir(parents=True)
    moved = [path.rename(elsewhere / path.relative_to(tmp_path)) for path in code]
    assert fingerprint(ASKED, moved) == before


@pytest.mark.parametrize(
    ("epoch", "name"),
    [(1, "epoch_0001.png"), (120, "epoch_0120.png"), (10_000, "epoch_10000.png")],
)
def test_a_grid_is_named_by_its_epoch(epoch: int, name: str) -> None:
    assert grid_path(Path("run"), epoch) == Path("run") / "grids" / name


def test_grids_are_listed_by_epoch(tmp_path: Path) -> None:
    (tmp_path / "grids").mkdir()
    for epoch in (120, 1, 20):
        grid_path(tmp_path, epoch).touch()
    assert list(list_grids(tmp_path).items()) == [
        (epoch, grid_path(tmp_path, epoch)) for epoch in (1, 20, 120)
    ]


def test_a_run_without_grids_has_none(tmp_path: Path) -> None:
    assert list_grids(tmp_path) == {}


@pytest.fixture
def _outside_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.chdir(tmp_path)


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.usefixtures("_outside_repositories")
def test_the_commit_of_a_repository() -> None:
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    commit = git_commit()
    assert len(commit) == 40
    assert commit == git("log", "--format=%H")


@pytest.mark.usefixtures("_outside_repositories")
def test_there_is_no_commit_outside_a_repository() -> None:
    assert git_commit() == ""


@pytest.mark.usefixtures("_outside_repositories")
def test_there_is_no_commit_in_a_repository_without_any() -> None:
    git("init", "--quiet")
    assert git_commit() == ""


@pytest.mark.usefixtures("_outside_repositories")
def test_there_is_no_commit_where_git_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() == ""


def test_an_interrupted_write_leaves_the_earlier_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_history(tmp_path / "history.csv", HISTORY[:1])

    def interrupted(path: Path, text: str, **_options: str) -> int:
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_history(tmp_path / "history.csv", HISTORY)
    assert read_history(tmp_path / "history.csv") == HISTORY[:1]
