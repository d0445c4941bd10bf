import sys
from pathlib import Path

import pytest

from colorizer.data.dvc_cache import find_cache


@pytest.mark.parametrize(
    ("config", "expected"),
    [("", ".dvc/cache"), ("[cache]\ndir = ../../shared", "../shared")],
    ids=["default", "configured"],
)
@pytest.mark.parametrize("level", ["config", "config.local"])
def test_the_cache_is_where_dvc_is_told_to_keep_it(
    tmp_path: Path, config: str, expected: str, level: str
) -> None:
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / level).write_text(config)
    found = find_cache(root)
    assert found is not None
    assert found.resolve() == (root / expected / "files/md5").resolve()


def test_a_machine_without_dvc_has_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dvc.config", None)
    assert find_cache(tmp_path) is None
