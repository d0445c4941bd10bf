"""dvc.yaml says of each stage what its outcome depends on: checked against the code."""

import ast
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from colorizer.methods.registry import BY_REFERENCE, METHODS
from colorizer.models import list_models
from colorizer.params import Block, load_params
from colorizer.training.code import CODE, PACKAGE, training_code

ROOT = Path(__file__).parents[1]
STAGES = sorted((ROOT / "stages").glob("*.py"))

NO_OUTCOME = {
    "values reach DVC as params, paths as outs": (
        *("colorizer", "colorizer.params", "colorizer.params.block", "colorizer.paths"),
        *("colorizer.params.agreement", "colorizer.params.arguments", "colorizer.params.engine"),
        "colorizer.params.methods",
    ),
    "what a person sees meanwhile": (
        *("colorizer.console", "colorizer.errors", "colorizer.training.progress"),
    ),
    "which machine works, and which process": (
        *("colorizer.data.start_loops", "colorizer.data.workers", "colorizer.data.witness"),
        "colorizer.models.hardware",
        *("colorizer.photo.parallel", "colorizer.training.device"),
        *("colorizer.training.engine", "colorizer.training.lock"),
    ),
    "how results are found and stored; what is stored can still be read after an edit": (
        *("colorizer.data.manifests", "colorizer.models", "colorizer.models.registry"),
        *("colorizer.models.weights", "colorizer.models.weights_metadata"),
        *("colorizer.training.code", "colorizer.training.run_record"),
        *("colorizer.methods.registry", "colorizer.training.trainer"),
    ),
    "what colored files bear, which no stage writes": (
        *("colorizer.inference.options", "colorizer.version"),
    ),
    "other ways to the same network, which no stage takes": (
        *("colorizer.inference.inputs", "colorizer.inference.onnx_network"),
    ),
    "hints, likely colors and photographs to look like, which no stage asks for": (
        *("colorizer.methods.hints", "colorizer.methods.probabilities"),
        *("colorizer.methods.propagation", "colorizer.methods.steering"),
        *("colorizer.inference.features", "colorizer.inference.like"),
    ),
    "flagship.py holds their digests, so that an edit there is an edit of the flagship": (
        "colorizer.models.efficientnet_lite",
        "colorizer.models.spreading",
    ),
    "finds the weights to start from, whose digest is a param": (
        *("colorizer.tracking.model_uri", "colorizer.training.start"),
    ),
    "MLflow is told of results": (
        *("colorizer.tracking.live_logging", "colorizer.tracking.names"),
        "colorizer.tracking.published",
    ),
}
"""Modules that shape no stage's outcome, and why."""

RUNS = {"train": "colorizer.training.trainer"}
"""By stage, which of these modules runs code that shapes its outcome."""

RULES = {"evaluate": {"colorizer.tracking.champion"}}
"""By stage, the rules that it follows by way of MLflow."""

DRAWN_BESIDE = {"train": {"colorizer.evaluation.samples"}}
"""By stage, what it draws beside its outcome."""

NETWORK, METHOD = "${item.model}", "${item.method}"


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return loaded["stages"]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("colorizer", cache_dir=None, exclude_type_checking_imports=True)


def code_of(stage: dict[str, Any], name: str = "") -> list[Path]:
    """Return a stage's dependencies on the package's code: files and folders."""
    named = [
        ROOT / dep.replace(NETWORK, name).replace(METHOD, name) for dep in stage.get("deps", [])
    ]
    return [path for path in named if path.is_relative_to(PACKAGE)]


def files_in(paths: list[Path]) -> set[Path]:
    return {file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])}


def files_used_by(
    name: str, imports: grimp.ImportGraph, *networks: str, method: str = ""
) -> set[Path]:
    """Return the files that shape a stage's outcome, by what it imports."""
    left_out = {module for modules in NO_OUTCOME.values() for module in modules}
    left_out |= DRAWN_BESIDE.get(name, set())
    tree = ast.walk(ast.parse((ROOT / f"stages/{name}.py").read_text()))
    pending = {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}
    pending |= {f"colorizer.models.{network}" for network in networks} | RULES.get(name, set())
    pending |= {f"colorizer.methods.{method}"} if method else set()
    if name in RUNS:
        pending |= imports.find_modules_directly_imported_by(RUNS[name])
    used: set[str] = set()
    while pending:
        module = pending.pop()
        if module in imports.modules and module not in used | left_out:
            used.add(module)
            pending |= imports.find_modules_directly_imported_by(module)
    paths = [PACKAGE.parent / module.replace(".", "/") for module in used]
    return {path.with_suffix(".py") for path in paths if not path.is_dir()}


@pytest.mark.parametrize("model", list_models())
def test_a_training_depends_on_the_code_it_uses_and_on_nothing_else(
    model: str, pipeline: dict[str, Any], imports: grimp.ImportGraph
) -> None:
    files = files_in(code_of(pipeline["train"], model))
    packages = {path for path in files if path.name == "__init__.py"}
    assert files - packages == files_used_by("train", imports, model)
    assert files == set(training_code(model))  # which checkpoints are known by


def test_dvc_and_checkpoints_follow_the_same_list(pipeline: dict[str, Any]) -> None:
    code = [path.relative_to(PACKAGE).as_posix() for path in code_of(pipeline["train"], "{model}")]
    assert sorted(code) == sorted(CODE)
    assert not [dep for dep in pipeline["train"]["deps"] if dep.startswith("stages/")]


@pytest.mark.parametrize(
    ("name", "networks"),
    [
        ("drop_grayscale", []),
        ("split", []),
        ("preprocess", []),
        ("baselines", []),
        *(("evaluate", [network]) for network in list_models()),
        ("compare", list_models()),
    ],
)
def test_a_stage_depends_on_the_code_it_uses(
    name: str, networks: list[str], pipeline: dict[str, Any], imports: grimp.ImportGraph
) -> None:
    assert f"stages/{name}.py" in pipeline[name]["deps"]
    code = code_of(pipeline[name], networks[0] if networks else "")
    assert files_used_by(name, imports, *networks) <= files_in(code)
    used_by_some = files_used_by(name, imports, *(list_models() if networks else []))
    assert all(files_in([path]) & used_by_some for path in code)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stage", ["fit", "evaluate_method"])
def test_a_method_depends_on_the_code_it_uses(
    stage: str, method: str, pipeline: dict[str, Any], imports: grimp.ImportGraph
) -> None:
    assert f"stages/{stage}.py" in pipeline[stage]["deps"]
    runs = "" if stage == "fit" and method in BY_REFERENCE else method
    used = files_used_by(stage, imports, "flagship", method=runs)
    assert used <= files_in(code_of(pipeline[stage], method))


def test_archives_depend_on_params_alone_and_are_kept(pipeline: dict[str, Any]) -> None:
    stage = pipeline["download"]
    assert "deps" not in stage
    assert stage["params"] == ["profiles.${profile}.download"]
    assert stage["outs"] == [{"data/${profile}/archives": {"persist": True}}]


def test_every_stage_has_its_file(pipeline: dict[str, Any]) -> None:
    assert set(pipeline) == {path.stem for path in STAGES}


@pytest.mark.parametrize("profile", list(load_params(ROOT / "params.yaml").profiles))
def test_a_matrix_finds_each_networks_entry_and_file(
    pipeline: dict[str, Any], profile: str
) -> None:
    params = load_params(ROOT / "params.yaml")
    assert pipeline["train"]["matrix"] == {"model": "${models}"}
    assert pipeline["evaluate"]["matrix"] == {"model": "${models}"}
    assert set(params.models) <= set(params.profiles[profile].models) <= set(list_models())
    assert all((PACKAGE / f"models/{name}.py").is_file() for name in list_models())


def test_the_pipeline_is_short() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) < 150


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
