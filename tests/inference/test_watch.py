"""A folder that photographs arrive in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from colorizer.errors import ColorizerError
from colorizer.inference import watch
from colorizer.inference.watch import REST, Arrivals, watch_folder


def write(path: Path, data: bytes, *, second: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (second, second))
    return path


def test_a_file_counts_once_it_rests_and_again_when_it_changes(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    scan = write(tmp_path / "scan.tif", b"half")
    assert arrivals.look(0) == []
    write(scan, b"half and more")
    assert arrivals.look(REST) == []
    assert arrivals.waiting
    assert arrivals.look(2 * REST) == [scan]
    assert not arrivals.waiting
    assert arrivals.look(9 * REST) == []
    write(scan, b"half and MORE", second=1)
    assert arrivals.look(10 * REST) == []
    assert arrivals.look(11 * REST) == [scan]


def test_renamed_files_and_sub_folders_count_and_results_and_hidden_files_do_not(
    tmp_path: Path,
) -> None:
    arrivals = Arrivals(tmp_path, but=(tmp_path / "color").resolve())
    first = write(tmp_path / "one.jpg", b"1")
    for name in ("color/one.jpg", ".part/two.jpg", ".scan.tmp", "._one.jpg"):
        write(tmp_path / name, b"2")
    (tmp_path / "nowhere.jpg").symlink_to("nothing")
    assert arrivals.look(0) == []
    assert arrivals.look(REST) == [first]
    moved = first.rename(tmp_path / "two.jpg")
    deep = write(tmp_path / "new/deep/three.jpg", b"3")
    assert arrivals.look(2 * REST) == []
    assert arrivals.look(3 * REST) == [deep, moved]
    moved.unlink()
    assert arrivals.look(4 * REST) == []
    write(moved, b"1")  # back again
    arrivals.look(5 * REST)
    assert arrivals.look(6 * REST) == [moved]


def test_a_real_folder_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "REST", 0.05)
    monkeypatch.setattr(watch, "TICK", 20)
    monkeypatch.setattr(watch, "AGAIN", 1e9)  # so that only what the system reports counts
    there = write(tmp_path / "there.jpg", b"1")
    arriving = watch_folder(tmp_path)
    assert next(arriving) == [there]
    new = write(tmp_path / "deep/new.jpg", b"2")
    assert next(arriving) == [new]
    arriving.close()


def test_a_system_that_watches_no_more_folders_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Iterator[set[watch.FileChange]]:
        raise OSError("OS file watch limit reached.")
        yield

    monkeypatch.setattr(watch, "watch", refuse)
    with pytest.raises(ColorizerError, match=r"limit reached\.\): set WATCHFILES_FORCE_POLLING=1"):
        next(watch_folder(tmp_path))
