"""The documents that show the way through the tree are compared with the tree."""

import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PACKAGES = {path.stem for path in (ROOT / "src/colorizer").glob("[a-z]*")}
"""The packages and the modules beside them."""


@pytest.fixture(scope="module")
def picture() -> str:
    """The picture of the packages."""
    return re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE.read_text(), flags=re.DOTALL)[0]


@pytest.fixture(scope="module")
def packages() -> grimp.ImportGraph:
    """The imports between packages and top-level modules."""
    graph = grimp.build_graph("colorizer", cache_dir=None)
    for package in PACKAGES:
        graph.squash_module(f"colorizer.{package}")
    return graph


def needed_arrows(packages: grimp.ImportGraph) -> set[str]:
    """Return the imports that no chain of others implies."""
    arrows = set()
    for package in PACKAGES:
        importer = f"colorizer.{package}"
        imported = packages.find_modules_directly_imported_by(importer) - {importer, "colorizer"}
        arrows |= {
            f"{package} --> {module.removeprefix('colorizer.')}"
            for module in imported
            if not any(packages.chain_exists(other, module) for other in imported - {module})
        }
    return arrows


def test_the_picture_names_every_package(picture: str) -> None:
    boxes = set(re.findall(r"^ +(\w+)\[", picture, flags=re.MULTILINE))
    assert boxes == PACKAGES


def test_the_picture_s_arrows_are_the_imports(picture: str, packages: grimp.ImportGraph) -> None:
    drawn = re.findall(r"^ +(\w+ --> \w+)$", picture, flags=re.MULTILINE)
    assert set(drawn) == needed_arrows(packages)


@pytest.mark.parametrize("document", [ARCHITECTURE, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_the_files_that_it_sends_people_to_exist(document: Path) -> None:
    text = document.read_text()
    quoted = re.findall(r"`([\w./-]+)`", text) + re.findall(r"-- (\S+/\S+) -->", text)
    paths = {name for name in quoted if re.search(r"/|\.(py|toml|yaml|md|html)$", name)}
    assert len(paths) > 10
    folders = (ROOT, ROOT / "src/colorizer")
    assert {name for name in paths if not any((f / name).exists() for f in folders)} == set()
