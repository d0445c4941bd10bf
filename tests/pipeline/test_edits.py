"""What an edit makes stale, asked of the real DVC: nothing but what it changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from colorizer.models import list_models

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

MODELS = "model1", "model2", "model3"
TRAIN = {f"train@{model}" for model in MODELS}
EVALUATE = {f"evaluate@{model}" for model in MODELS}
SCORES = {*EVALUATE, "baselines", "compare"}
FROM_PREPROCESS = {"preprocess", "references", *TRAIN, *SCORES}

EDITS: dict[str, set[str]] = {
    **{
        f"src/colorizer/models/{model}.py": {f"train@{model}", f"evaluate@{model}", "compare"}
        if model in MODELS
        else {"compare"}
        for model in list_models()
    },
    # color conversion
    "src/colorizer/color/kernels.py": {"drop_grayscale", *FROM_PREPROCESS},
    "src/colorizer/color/lab.py": {"drop_grayscale", *FROM_PREPROCESS},
    "src/colorizer/color/ab_quantization.py": {*TRAIN, *SCORES},
    "src/colorizer/color/recoloring.py": SCORES,
    # archives and photographs
    "src/colorizer/data/archive.py": {
        *("drop_grayscale", "preprocess", "references", *EVALUATE, "compare"),
    },
    "src/colorizer/data/faces.py": {"references"},
    "src/colorizer/data/make_references.py": {"references"},
    "src/colorizer/data/references.py": {"references", *SCORES},
    "src/colorizer/data/grayscale.py": {"drop_grayscale"},
    "src/colorizer/data/split.py": {"split"},
    "src/colorizer/data/preprocess.py": {"preprocess"},
    "src/colorizer/photo/icc.py": {
        *("drop_grayscale", "preprocess", "references", *EVALUATE, "compare"),
    },
    # training
    "src/colorizer/models/layers.py": {*TRAIN, *EVALUATE, "compare"},
    "src/colorizer/training/loop/fit.py": TRAIN,
    "src/colorizer/training/loop/losses.py": TRAIN,
    "src/colorizer/params/recipe.py": TRAIN,
    # scores, pictures and captions
    "src/colorizer/evaluation/scoring/metrics.py": SCORES,
    "src/colorizer/scores/table.py": SCORES,
    "src/colorizer/evaluation/baselines.py": {"baselines", "compare"},
    "src/colorizer/evaluation/grids.py": {*EVALUATE, "compare"},
    "src/colorizer/evaluation/figures.py": {"compare"},
    "src/colorizer/evaluation/report.html": {"compare"},
    # MLflow, and the champion's rule
    "src/colorizer/tracking/champion.py": {*EVALUATE, "compare"},
}
"""By file, the stages that an edit makes stale."""

NO_RESULTS = (
    "stages/download.py",
    "src/colorizer/data/download.py",
    "src/colorizer/data/workers.py",
    "src/colorizer/training/progress.py",
    "src/colorizer/training/engine.py",
    "src/colorizer/console.py",
    "stages/train.py",
    "src/colorizer/tracking/live_logging.py",
    "src/colorizer/tracking/store.py",
    "src/colorizer/tracking/serving.py",
)
"""Files that change no result."""

Stale = Callable[[], set[str]]


@pytest.fixture(scope="module")
def project(
    check_out: Callable[[Path], "Project"], tmp_path_factory: pytest.TempPathFactory
) -> "Project":
    """A checkout that DVC takes for finished: results that nothing has made, and their lock."""
    from dvc.repo import Repo

    project = check_out(tmp_path_factory.mktemp("edits"))

    def name_models(params: dict[str, Any]) -> None:
        params["models"] = list(MODELS)
        params["profiles"]["demo"]["models"] = {name: {} for name in MODELS}

    project.change_params(name_models)
    with Repo(project.folder) as repo:
        outs = [Path(out.fs_path) for out in repo.index.outs]
    for path in outs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    project.dvc("commit", "--force")
    return project


@pytest.fixture(scope="module")
def stale(project: "Project") -> Iterator[Stale]:
    """Return a function that asks DVC, in this process, which stages it would run."""
    from dvc.repo import Repo

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)

        def ask() -> set[str]:
            with Repo(project.folder) as repo:
                status: dict[str, Any] = repo.status()
            return set(status)

        assert ask() == set()
        yield ask


@pytest.mark.parametrize(("file", "stages"), EDITS.items(), ids=EDITS)
def test_an_edit_makes_stale_what_it_changes(
    file: str, stages: set[str], stale: Stale, project: "Project"
) -> None:
    path = project.folder / file
    before = path.read_bytes()
    path.write_bytes(before + b"\n# edited\n")
    try:
        assert stale() == stages
    finally:
        path.write_bytes(before)


def test_edits_that_change_no_result_make_nothing_stale(stale: Stale, project: "Project") -> None:
    paths = [project.folder / file for file in NO_RESULTS]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.write_bytes(path.read_bytes() + b"\n# edited\n")
    found = stale()
    for path, code in zip(paths, before, strict=True):
        path.write_bytes(code)
    assert found == set()


def test_a_default_of_a_recipe_makes_trainings_stale(stale: Stale, project: "Project") -> None:
    path = project.folder / "src/colorizer/params/recipe.py"
    before = path.read_text()
    path.write_text(before.replace("flip: bool = False", "flip: bool = True"))
    assert path.read_text() != before
    assert stale() == TRAIN
    path.write_text(before)


@pytest.mark.parametrize(
    ("knob", "value", "stages"),
    [
        ("register.metric", "psnr", {*EVALUATE, "compare"}),
        ("train.lr", 0.5, TRAIN),
        ("train.grid_photos", 1, {*TRAIN, "compare"}),
        ("models.model2.widths", [4, 8, 16], {"train@model2"}),
        ("split.seed", 8, {"split"}),
        ("preprocess.image_size", 16, {"preprocess", "baselines"}),
        ("evaluate.grid_photos", 1, {*EVALUATE, "baselines"}),
    ],
)
def test_a_knob_makes_stale_what_reads_it(
    knob: str, value: object, stages: set[str], stale: Stale, project: "Project"
) -> None:
    *path, name = ("profiles", "demo", *knob.split("."))

    def turn(params: dict[str, Any]) -> None:
        for key in path:
            params = params[key]
        params[name] = value

    before = (project.folder / "params.yaml").read_bytes()
    project.change_params(turn)
    assert stale() == stages
    (project.folder / "params.yaml").write_bytes(before)


def test_a_pycache_makes_nothing_stale(stale: Stale, project: "Project") -> None:
    packages = {path.parent for path in (project.folder / "src/colorizer").rglob("*.py")}
    for folder in packages:
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / "__pycache__/new.cpython-313.pyc").write_bytes(b"compiled")
    assert len(packages) > 10
    assert stale() == set()


def test_what_other_networks_left_makes_nothing_stale(stale: Stale, project: "Project") -> None:
    for folder in ("models", "evaluation"):
        (project.folder / folder / "demo/model9").mkdir()
        (project.folder / folder / "demo/model9/left").touch()
    assert stale() == set()


def test_what_is_stale_is_what_repro_would_run(stale: Stale, project: "Project") -> None:
    path = project.folder / "src/colorizer/models/model2.py"
    before = path.read_bytes()
    path.write_bytes(before + b"# edited\n")
    said = project.dvc("repro", "--dry")
    path.write_bytes(before)
    ran = {line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")}
    assert ran == {"train@model2", "evaluate@model2", "compare"}
