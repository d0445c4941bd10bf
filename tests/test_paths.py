from pathlib import Path

import pytest

from colorizer.paths import atomic_write, project_root


def test_project_root_is_dvc_s_or_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert project_root() == tmp_path.resolve()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "elsewhere"))
    assert project_root() == tmp_path.resolve() / "elsewhere"


@pytest.mark.parametrize("before", [False, True])
def test_a_file_or_a_folder_appears_whole_or_not_at_all(tmp_path: Path, before: bool) -> None:
    file, folder = tmp_path / "deep/file.txt", tmp_path / "deep/folder"
    if before:
        folder.mkdir(parents=True)
        (folder / "old").touch()
        file.write_text("old")
    with atomic_write(file) as unfinished, atomic_write(folder) as unfinished_folder:
        unfinished.write_text("new")
        unfinished_folder.mkdir()
        (unfinished_folder / "new").touch()
        assert unfinished.name == file.name
        assert file.exists() == folder.exists() == before
    assert file.read_text() == "new"
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert {path.name for path in file.parent.iterdir()} == {"file.txt", "folder"}


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    for name in ("file", "other"):
        with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / name) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("fails", ["folder", "new"])
def test_a_folder_that_cannot_be_replaced_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_text("old")
    replace = Path.replace

    def fail(source: Path, target: Path) -> Path:
        kept = list(tmp_path.rglob("old"))
        assert [path.read_text() for path in kept] == ["old"]  # a kill here would not lose it
        if (source == folder) == (fails == "folder") and not source.parent.match(".replaced-*"):
            raise OSError("no")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no"), atomic_write(folder) as unfinished:
        unfinished.mkdir()
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [
        Path("folder"),
        Path("folder/old"),
    ]
