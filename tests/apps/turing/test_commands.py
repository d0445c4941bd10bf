import builtins
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from colorizer.apps.cli import app
from colorizer.apps.turing.database import Database
from colorizer.apps.turing.trials import Protocol
from colorizer.errors import ColorizerError

PROTOCOL = Protocol(seconds=1.0, practice=2, pairs=20, photos="c" * 64)


def run(*arguments: object) -> str:
    """Return what `colorizer turing` prints; its errors are raised."""
    result = CliRunner().invoke(app, ["turing", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("arguments", "missing"), [([], "--model"), (["--model", "colorizer"], "--photos")]
)
def test_what_is_required_is_named(arguments: list[str], missing: str) -> None:
    result = CliRunner().invoke(app, ["turing", *arguments])
    assert result.exit_code == 2
    assert missing in result.output
    assert "is required" in result.output


def test_without_a_database_there_is_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColorizerError, match=r"^turing\.db: no such file"):
        run("report")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_database_may_be_named_before_and_after_report(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Database.create(tmp_path / "attic.db", PROTOCOL).add_method("vivid", "a" * 64)
    db = ("--db", "attic.db")
    output = run(*db, "report", "--no-log") if place == "before" else run("report", *db, "--no-log")
    assert "| vivid | 0 |" in output
    assert [path.name for path in tmp_path.iterdir()] == ["attic.db"]


def test_a_page_without_its_packages_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__

    def without_fastapi(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "fastapi":
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_fastapi)
    for module in ("colorizer.apps.turing.server", "colorizer.apps.page_server"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ColorizerError, match=r"needs fastapi: pip install 'colorizer-unet\[web\]'"):
        run("--model", "colorizer", "--photos", tmp_path)
