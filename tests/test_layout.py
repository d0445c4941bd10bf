"""The package stays easy to find one's way in."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src/colorizer"


def test_few_small_modules_lie_beside_the_packages() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert modules == {"console", "errors", "paths"}
