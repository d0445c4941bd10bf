"""The files around the code say what is so: versions, linters, make targets and links."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import colorizer

ROOT = Path(__file__).parents[1]
LISTED = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
DOCUMENTS = [
    ROOT / name
    for name in subprocess.run(
        LISTED, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def load_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def make_rule(target: str) -> str:
    """Return what the Makefile runs for a target."""
    rule = re.search(
        rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE
    )
    assert rule, f"the Makefile has no target {target}"
    return rule[1]


def headings(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = {project["version"], load_yaml("CITATION.cff")["version"], colorizer.__version__}
    assert len(versions) == 1


def test_pre_commit_runs_the_linters_of_make_lint() -> None:
    (local,) = load_yaml(".pre-commit-config.yaml")["repos"]
    hooks = [hook["entry"] for hook in local["hooks"]]
    assert " && ".join(hooks) == make_rule("lint").strip().lstrip("@").replace(
        "$(BIN)", ".venv/bin"
    )


def test_workflows_pin_actions_by_commit() -> None:
    for workflow in (ROOT / ".github/workflows").iterdir():
        used = re.findall(r"uses: (\S+)", workflow.read_text())
        assert used
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used), used


def test_workflows_call_make_targets_that_exist() -> None:
    jobs = load_yaml(".github/workflows/test.yml")["jobs"]
    steps = [step["run"] for step in jobs["make"]["steps"] if "run" in step]
    assert {"make lint", "make test", "make demo"} <= set(steps)
    for step in steps:
        make_rule(step.removeprefix("make "))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for path, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        assert not anchor or anchor in headings(target), f"{path}#{anchor}"


@pytest.mark.parametrize("extra", ["pipeline", "serve", "web"])
def test_make_setup_installs_what_the_readme_starts(extra: str) -> None:
    installed = re.search(r"--editable '\.\[(.*)\]'", make_rule(r"\.venv/pipeline\.done"))
    assert installed
    assert extra in installed[1].split(",")
