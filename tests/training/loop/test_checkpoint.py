"""What an interrupted training finds: a whole checkpoint."""

import itertools
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from colorizer.training.loop.checkpoint import BEFORE, STATE, Checkpoint, find_state, snapshot


def make_state(epoch: int) -> dict[str, Any]:
    return {
        "model": {"weight": torch.full((2, 3), float(epoch)), "steps": torch.tensor(epoch)},
        "best": {"epoch": epoch, "loss": 0.5 / epoch, "weights": {}},
        "history": [{"epoch": n, "train_loss": 1 / n} for n in range(1, epoch + 1)],
    }


def assert_state(state: dict[str, Any] | None, epoch: int) -> None:
    expected = make_state(epoch)
    assert state is not None
    assert state.keys() == expected.keys()
    assert state["best"] == expected["best"]
    assert state["history"] == expected["history"]
    assert state["model"].keys() == expected["model"].keys()
    assert all(torch.equal(state["model"][k], v) for k, v in expected["model"].items())


@pytest.fixture
def second_write_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, save = itertools.count(1), torch.save

    def fail_half_way(state: object, file: BinaryIO) -> None:
        if next(calls) == 2:
            file.write(b"half a fi")
            raise OSError("no space left on device")
        save(state, file)

    monkeypatch.setattr(torch, "save", fail_half_way)


def test_a_new_training_finds_nothing(tmp_path: Path) -> None:
    with Checkpoint(tmp_path) as checkpoint:
        assert checkpoint.load() is None
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_training_finds_what_was_saved_last(tmp_path: Path) -> None:
    with Checkpoint(tmp_path) as checkpoint:
        for epoch in (1, 2, 3):
            checkpoint.save(make_state(epoch))
    with Checkpoint(tmp_path) as again:
        assert_state(again.load(), 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [STATE, BEFORE]


def test_nothing_but_tensors_and_plain_values_is_read_back(tmp_path: Path) -> None:
    torch.save({"model": threading.Thread}, tmp_path / STATE)  # what could run code when unpickled
    with pytest.raises(pickle.UnpicklingError), Checkpoint(tmp_path) as checkpoint:
        checkpoint.load()


def test_what_changes_after_a_save_does_not_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, save = threading.Event(), torch.save

    def save_late(state: object, path: Path) -> None:
        assert changed.wait(60)
        save(state, path)

    monkeypatch.setattr(torch, "save", save_late)
    state = make_state(2)
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(state)  # does not wait for the disk
        state["model"]["weight"].zero_()
        state["best"]["epoch"] = 99
        state["history"].append({"epoch": 99})
        changed.set()
    assert_state(Checkpoint(tmp_path).load(), 2)


def test_a_snapshot_shares_nothing() -> None:
    weight = torch.ones(2, requires_grad=True)
    state = {"list": [weight], "dict": {"number": 1.5, "none": None}}
    copy = snapshot(state)
    assert copy["dict"] == state["dict"]
    assert copy["dict"] is not state["dict"]
    assert torch.equal(copy["list"][0], weight)
    assert copy["list"][0].data_ptr() != weight.data_ptr()
    assert not copy["list"][0].requires_grad


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: b"", id="empty"),
        pytest.param(lambda file: file[: len(file) // 2], id="half"),
        pytest.param(lambda file: file[:-1], id="less a byte"),
        pytest.param(lambda file: b"epoch,train_loss\n1,0.5\n", id="text"),
        pytest.param(lambda file: file.replace(b"\0\0\0@" * 6, b"\0\0\0A" * 6), id="a weight"),
        pytest.param(lambda file: file.replace(b"train_loss", b"train_lost"), id="a name"),
    ],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
        checkpoint.save(make_state(2))
    path = tmp_path / STATE
    path.write_bytes(damage(path.read_bytes()))
    with Checkpoint(tmp_path) as again:
        assert_state(again.load(), 1)
        assert f"warning: {path} is damaged: {BEFORE} is used" in caplog.text
        again.save(make_state(3))  # in the damaged one's place
    assert_state(Checkpoint(tmp_path).load(), 3)
    path.write_bytes(b"")
    assert_state(Checkpoint(tmp_path).load(), 1)
    (tmp_path / BEFORE).write_bytes(b"")
    assert find_state(tmp_path) is None
    assert Checkpoint(tmp_path).load() is None
    assert "the training begins anew" in caplog.text


def test_a_training_killed_between_two_names_has_the_state_before(tmp_path: Path) -> None:
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
    (tmp_path / STATE).replace(tmp_path / BEFORE)
    assert_state(Checkpoint(tmp_path).load(), 1)


@pytest.mark.usefixtures("second_write_fails")
def test_a_failed_write_shows_at_the_next_save_and_leaves_the_earlier_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space left"), Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
        checkpoint.save(make_state(2))
        with pytest.raises(OSError, match="no space left"):
            checkpoint.save(make_state(3))
    assert_state(Checkpoint(tmp_path).load(), 1)


@pytest.mark.usefixtures("second_write_fails")
def test_a_failed_write_shows_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space left"), Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
        checkpoint.save(make_state(2))
    assert_state(Checkpoint(tmp_path).load(), 1)


def test_only_one_process_writes(tmp_path: Path) -> None:
    with Checkpoint(tmp_path) as first:
        first.save(make_state(1))
    with Checkpoint(tmp_path, enabled=False) as other:
        assert_state(other.load(), 1)
        other.save(make_state(2))
    assert_state(Checkpoint(tmp_path).load(), 1)


@pytest.mark.parametrize("ending", [RuntimeError, KeyboardInterrupt])
def test_whatever_ends_a_training_the_last_state_is_on_disk(
    tmp_path: Path, ending: type[BaseException]
) -> None:
    with pytest.raises(ending), Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
        checkpoint.save(make_state(2))
        raise ending
    assert_state(Checkpoint(tmp_path).load(), 2)


def test_no_thread_outlives_a_training(tmp_path: Path) -> None:
    before = threading.active_count()
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.save(make_state(1))
    assert threading.active_count() == before
