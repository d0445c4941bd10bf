"""The real pipeline, shrunken: `dvc repro` on bundled photographs, and what people do around it."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).parents[1]
MODELS = ("model1", "model2", "model3")
SHRUNKEN: dict[str, Any] = {
    "split": {"seed": 7, "train": 6, "test": 3},
    "preprocess": {"image_size": 32, "resample": "bicubic"},
    "models": {
        "model1": {"widths": [4, 8]},
        "model2": {"widths": [4, 8, 8]},
        "model3": {"widths": [4, 8, 8, 8, 8, 8]},
    },
}


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_", "GIT_"))}
    return kept | {
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "VIRTUAL_ENV": sys.prefix,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "tester",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "tester@example.org",
        **extra,
    }


def run(
    command: list[str], folder: Path, *, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=env or environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def dvc(folder: Path, *arguments: str) -> str:
    done = run([str(Path(sys.executable).parent / "dvc"), *arguments], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def change_params(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    change(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def shrink(params: dict[str, Any]) -> None:
    params["profile"] = "demo"
    demo = params["profiles"]["demo"]
    demo |= SHRUNKEN
    demo["train"] |= {"epochs": 2, "batch_size": 4, "grid_every": 1, "grid_photos": 2}
    demo["evaluate"]["grid_photos"] = 2


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return database.execute(sql).fetchall()


def copy_project(folder: Path) -> Path:
    listed = run(["git", "ls-files", "-co", "--exclude-standard", "-z"], ROOT, env=os.environ)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    change_params(folder, shrink)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "shrunken"]):
        done = run(["git", *command], folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which `dvc repro` has run once."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    dvc(folder, "repro")
    return folder


def test_repro_makes_every_promised_file(project: Path) -> None:
    assert len(pd.read_csv(project / "data/demo/color.csv")) == 106
    assert pd.read_csv(project / "data/demo/split.csv")["subset"].tolist() == (
        ["train"] * 6 + ["test"] * 3
    )
    for model in MODELS:
        assert len(pd.read_csv(project / "models/demo" / model / "history.csv")) == 2
        assert len(list((project / "models/demo" / model / "grids").glob("*.png"))) == 2
        scores = json.loads((project / "evaluation/demo" / model / "metrics.json").read_text())
        assert scores["photographs"] == len(
            pd.read_csv(project / "evaluation/demo" / model / "per_image.csv")
        )
    table = pd.read_csv(project / "reports/demo/metrics.csv").set_index("model")
    assert list(table.index) == [*MODELS, "gray", "mean", "random", "truth"]
    assert table["chroma_ratio"]["gray"] == 0
    assert table["auc"]["truth"] == 1
    assert {path.name for path in (project / "reports/demo").iterdir()} >= {
        "differences.csv",
        "comparison.json",
        "metrics.csv",
        "figure2_architectures.png",
        "figure3_pairs.png",
        "figure4_learning_curves.png",
        "figure8_comparison.png",
        "metrics.md",
        "report.html",
        "strata.csv",
    }


def test_repro_again_does_nothing(project: Path) -> None:
    assert "Data and pipelines are up to date" in dvc(project, "repro")


def test_metrics_and_plots_are_dvcs_too(project: Path) -> None:
    shown = json.loads(dvc(project, "metrics", "show", "--json"))
    files = set(next(iter(shown.values()))["data"])
    assert {f"evaluation/demo/{model}/metrics.json" for model in MODELS} <= files
    dvc(project, "plots", "show", "--out", "plots")
    page = (project / "plots/index.html").read_text()
    assert "figure8_comparison" in page
    assert "history.csv" in page


def test_runs_and_registered_models_are_in_mlflow(project: Path) -> None:
    runs = query(project, "select name, status from runs order by start_time")
    assert runs == [(name, "FINISHED") for name in (*MODELS, "comparison")]
    aliases = query(project, "select name, alias from registered_model_aliases")
    names = [f"colorizer-{model}" for model in MODELS] + ["colorizer"]
    assert {name for name, alias in aliases if alias == "champion"} == set(names)


PULL = """
import io, pathlib, sys
import mlflow, pandas as pd
from PIL import Image
model = mlflow.pyfunc.load_model("models:/colorizer-model3@champion")
photo = pathlib.Path(sys.argv[1]).read_bytes()
asked = pd.DataFrame({"image": [photo]})
answer = model.predict(asked)["image"][0]
print(Image.open(io.BytesIO(answer)).format, Image.open(io.BytesIO(answer)).size)
"""


def test_a_model_pulled_by_name_works_elsewhere(
    project: Path, tmp_path: Path, sample_photos: Mapping[str, bytes]
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(sample_photos["mirflickr/im2.jpg"])
    env = environment(MLFLOW_TRACKING_URI=f"sqlite:///{project / 'mlflow.db'}")
    env.pop("PYTHONPATH", None)
    done = run([sys.executable, "-W", "ignore", "-c", PULL, str(photo)], tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    with Image.open(photo) as image:
        size = image.size
    assert done.stdout.strip() == f"PNG {size}"


def test_an_experiment_keeps_its_run_and_the_first_result_comes_back(project: Path) -> None:
    before = query(project, "select count(*) from runs")[0][0]
    weights = (project / "models/demo/model1/weights.safetensors").read_bytes()
    dvc(project, "exp", "run", "--temp", "-S", "profiles.demo.train.lr=0.0005", "train@model1")
    assert (project / "models/demo/model1/weights.safetensors").read_bytes() == weights
    runs = query(
        project,
        "select r.name, p.value from runs r join params p on p.run_uuid = r.run_uuid "
        "where p.key = 'train.lr' and p.value = '0.0005'",
    )
    assert runs == [("model1", "0.0005")]
    assert query(project, "select count(*) from runs")[0][0] == before + 1
    assert "0.0005" in dvc(project, "exp", "show", "--csv")


def test_a_clone_pulls_the_results_and_tells_a_new_store_everything_once(
    project: Path, tmp_path: Path
) -> None:
    told = query(project, "select name, start_time, end_time from runs where name != 'model1'")
    dvc(project, "remote", "add", "--force", "--default", "local", str(tmp_path / "remote"))
    dvc(project, "push")
    for command in (["add", "-A"], ["commit", "-qm", "results"]):
        assert run(["git", *command], project).returncode == 0
    clone = tmp_path / "clone"
    assert run(["git", "clone", "-q", str(project), str(clone)], tmp_path).returncode == 0
    dvc(clone, "pull")
    assert "up to date" in dvc(clone, "status")
    for _ in range(2):
        done = run([sys.executable, "-m", "colorizer.apps.cli", "sync"], clone)
        assert done.returncode == 0, done.stderr
    again = query(clone, "select name, start_time, end_time from runs where name != 'model1'")
    assert sorted(again) == sorted(told)
    steps = query(clone, "select count(*) from metrics where key = 'loss/train'")
    assert steps == [(2 * len(MODELS),)]
    versions = query(clone, "select name, version from model_versions order by name")
    assert versions == [("colorizer", 1), *((f"colorizer-{model}", 1) for model in MODELS)]


def start_training(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["stages/run", "train", "model1"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_epoch(folder: Path, epoch: int, training: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and training.poll() is None:
        for history in (folder / ".checkpoints").glob("*/history.csv"):
            if len(history.read_text().splitlines()) > epoch:
                return
        time.sleep(0.02)
    raise AssertionError(f"no epoch {epoch}: {training.communicate()[1]}")


@pytest.fixture
def trainable(project: Path, tmp_path: Path) -> Path:
    """A copy of the project whose training takes long enough to be interrupted."""
    folder = tmp_path / "project"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("cache"))
    shutil.rmtree(folder / "models")

    def lengthen(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["train"] |= {"epochs": 40, "grid_every": 20}

    change_params(folder, lengthen)
    return folder


def test_a_killed_training_ends_as_one_never_interrupted(trainable: Path) -> None:
    weights = trainable / "models/demo/model1/weights.safetensors"
    first = start_training(trainable)
    wait_for_epoch(trainable, 3, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not weights.exists()
    resumed = run(["stages/run", "train", "model1"], trainable)
    assert "resuming after epoch" in resumed.stderr
    interrupted = load_file(weights)
    record = json.loads((trainable / "models/demo/model1/run.json").read_text())
    steps = query(
        trainable,
        "select m.step from metrics m join tags t on t.run_uuid = m.run_uuid "
        f"where m.key = 'loss/train' and t.value = '{record['fingerprint']}'",
    )
    assert sorted(step for (step,) in steps) == list(range(1, 41))
    assert not [path for path in (trainable / ".checkpoints").iterdir() if path.is_dir()]

    shutil.rmtree(trainable / "models")
    assert run(["stages/run", "train", "model1"], trainable).returncode == 0
    whole = load_file(weights)
    assert all((interrupted[name] == whole[name]).all() for name in whole)


def test_a_terminated_training_is_told_as_killed(trainable: Path) -> None:
    training = start_training(trainable)
    wait_for_epoch(trainable, 2, training)
    training.terminate()
    _, stderr = training.communicate(timeout=60)
    assert training.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr
    assert ("model1", "KILLED") in query(trainable, "select name, status from runs")


def test_other_widths_of_one_model_concern_that_model_alone(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder, symlinks=True)

    def widen(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["models"]["model2"]["widths"] = [4, 8, 16]

    change_params(folder, widen)
    assert set(json.loads(dvc(folder, "status", "--json"))) == {"train@model2"}
    assert "widths" in dvc(folder, "params", "diff")
    assert "train@model2" in dvc(folder, "dag")


def test_a_wrong_interpreter_is_told_in_one_line(project: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for program in ("sh", "dirname"):
        found = shutil.which(program)
        assert found
        (bare / program).symlink_to(found)
    env = environment(PATH=str(bare), VIRTUAL_ENV=str(tmp_path))
    done = run(["stages/run", "split"], project, env=env)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "make setup" in done.stderr


def test_too_few_photographs_are_told_in_one_line(trainable: Path) -> None:
    def ask_for_more(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["split"] |= {"train": 8000, "test": 1000}

    change_params(trainable, ask_for_more)
    done = run(["stages/run", "split"], trainable)
    assert done.returncode == 1
    assert "8,904 are missing" in done.stderr
    assert len(done.stderr.splitlines()) == 1
