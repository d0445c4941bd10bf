"""dvc.yaml says of each stage what its outcome depends on: checked against the code."""

import ast
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from colorizer.models import list_models
from colorizer.params import Block, load_params

ROOT = Path(__file__).parents[1]
STAGES = sorted((ROOT / "stages").glob("*.py"))

NOT_OUTCOME = {
    # values reach DVC as params, paths as outs; these tell of an outcome but do not shape it
    *("colorizer", "colorizer.params", "colorizer.paths", "colorizer.console", "colorizer.errors"),
    *("colorizer.data.workers", "colorizer.tracking.published", "colorizer.tracking.live_logging"),
    *("colorizer.tracking.names", "colorizer.models"),
}
BESIDE = {"train": {"colorizer.evaluation.grids"}}
"""By stage, what it draws beside its outcome."""


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return loaded["stages"]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("colorizer", cache_dir=None)


def modules_used_by(stage: Path, imports: grimp.ImportGraph) -> set[str]:
    tree = ast.walk(ast.parse(stage.read_text()))
    pending = [node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module]
    used: set[str] = set()
    while pending:
        module = pending.pop()
        if module in used or module in NOT_OUTCOME - {"colorizer.models"}:
            continue
        if module in imports.modules:
            used.add(module)
            pending += imports.find_modules_directly_imported_by(module)
    if "colorizer.models.registry" in used:  # which imports networks by their names
        used |= {f"colorizer.models.{name}" for name in list_models()}
    return used - NOT_OUTCOME - BESIDE.get(stage.stem, set())


@pytest.mark.parametrize("stage", STAGES, ids=lambda path: path.stem)
def test_deps_name_the_code_that_a_stage_uses(
    stage: Path, pipeline: dict[str, Any], imports: grimp.ImportGraph
) -> None:
    code = {dep for dep in pipeline[stage.stem]["deps"] if dep.endswith(".py")}
    used = {f"src/{name.replace('.', '/')}.py" for name in modules_used_by(stage, imports)}
    assert code == used | {f"stages/{stage.name}"}


def test_every_stage_has_its_file(pipeline: dict[str, Any]) -> None:
    assert set(pipeline) == {path.stem for path in STAGES}


@pytest.mark.parametrize("profile", list(load_params(ROOT / "params.yaml").profiles))
def test_the_matrix_trains_models_that_every_profile_has(
    pipeline: dict[str, Any], profile: str
) -> None:
    params = load_params(ROOT / "params.yaml")
    assert pipeline["train"]["matrix"]["model"] == "${models}"
    assert pipeline["evaluate"]["matrix"]["model"] == "${models}"
    assert params.models == ("model1", "model2", "model3")
    assert set(params.models) <= set(params.profiles[profile].models)


@pytest.mark.parametrize("stage", STAGES, ids=lambda path: path.stem)
def test_a_stage_is_short(stage: Path) -> None:
    assert len(stage.read_text().splitlines()) <= 50


def keys(tree: object) -> set[str]:
    if isinstance(tree, dict):
        return set(tree) | {key for value in tree.values() for key in keys(value)}
    if isinstance(tree, list):
        return {key for item in tree for key in keys(item)}
    return set()


def test_no_knob_has_a_name_that_dvc_leaves_out_of_its_run_cache() -> None:
    from dvc_data.hashfile.meta import Meta

    left_out = {Meta.PARAM_SIZE, Meta.PARAM_NFILES, Meta.PARAM_ISEXEC}
    fields = {name for block in Block.__subclasses__() for name in block.model_fields}
    in_file = keys(yaml.safe_load((ROOT / "params.yaml").read_text()))
    assert not left_out & (fields | in_file)
