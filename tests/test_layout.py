"""The package stays easy to find one's way in."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src/colorizer"


def test_no_module_has_more_than_250_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path.relative_to(PACKAGE)): n for path, n in lengths.items() if n > 250} == {}


def test_few_small_modules_lie_beside_the_packages() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert modules == {"console", "errors", "paths", "version"}
