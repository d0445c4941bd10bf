"""Archives are fetched once: no edit of code deletes one or reads its source again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from colorizer.params import Archive

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "uncached"])
def test_archives_stay_and_their_source_is_not_read_again(
    finished: "Project",
    tmp_path: Path,
    make_archive: Callable[[Mapping[str, bytes], str], Archive],
    cached: bool,
) -> None:
    project = finished.copy(tmp_path / "project", *([] if cached else ["cache"]))
    archives = project.folder / "data/demo/archives"
    (project.folder / "sample/sample.zip").rename(tmp_path / "away.zip")  # no source any more
    for name in ("stages/download.py", "src/colorizer/data/download.py"):
        with (project.folder / name).open("a") as code:
            code.write("# edited\n")
    said = project.dvc("repro", "download")  # without a cache DVC runs the stage to fill it
    assert ("didn't change" in said) == cached
    assert (archives / "sample.zip").read_bytes() == (tmp_path / "away.zip").read_bytes()
    if not cached:
        return  # from here on both are alike

    added = make_archive({"photo.jpg": b"photo"}, "more.zip").model_dump()

    def add(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["download"]["archives"].append(added)

    def remove(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["download"]["archives"].pop()

    for change, names in ((add, {"more.zip", "sample.zip"}), (remove, {"sample.zip"})):
        project.change_params(change)
        assert "Running stage 'download'" in project.dvc("repro", "download")
        assert {path.name for path in archives.iterdir()} == names
    assert (archives / "sample.zip").read_bytes() == (tmp_path / "away.zip").read_bytes()


def test_deleted_archives_come_from_the_cache(finished: "Project", tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    (project.folder / "sample/sample.zip").rename(tmp_path / "away.zip")
    archive = project.folder / "data/demo/archives/sample.zip"
    archive.unlink()
    project.dvc("repro", "download")
    assert archive.read_bytes() == (tmp_path / "away.zip").read_bytes()
