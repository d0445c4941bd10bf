"""What `dvc repro` leaves: every promised file, in DVC and in MLflow, and nothing to do again."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

PULL = """
import io, pathlib, sys
import mlflow, pandas as pd
from PIL import Image
model = mlflow.pyfunc.load_model("models:/colorizer-model2@champion")
photo = pathlib.Path(sys.argv[1]).read_bytes()
asked = pd.DataFrame({"image": [photo]})
answer = model.predict(asked)["image"][0]
print(Image.open(io.BytesIO(answer)).format, Image.open(io.BytesIO(answer)).size)
"""


def test_repro_makes_every_promised_file(finished: "Project") -> None:
    folder = finished.folder
    assert len(pd.read_csv(folder / "data/demo/color.csv")) == 106
    assert pd.read_csv(folder / "data/demo/split.csv")["subset"].tolist() == (
        ["train"] * 6 + ["test"] * 3 + ["validation"] * 2
    )
    for model in finished.models:
        assert len(pd.read_csv(folder / "models/demo" / model / "history.csv")) == 2
        assert len(list((folder / "models/demo" / model / "grids").glob("*.png"))) == 2
        scores = json.loads((folder / "evaluation/demo" / model / "metrics.json").read_text())
        assert {subset: found["photographs"] for subset, found in scores.items()} == {
            "validation": 2,
            "test": 3,
        }
        for subset, found in scores.items():
            table = folder / "evaluation/demo" / model / "scores" / subset / "per_image.csv"
            assert len(pd.read_csv(table)) == found["photographs"]
    for subset in ("validation", "test"):
        report = folder / "reports/demo" / subset
        table = pd.read_csv(report / "metrics.csv").set_index("model")
        assert list(table.index) == [*finished.models, "gray", "mean", "random", "truth"]
        assert table["chroma_ratio"]["gray"] < 0.001
        assert table["auc"]["truth"] == pytest.approx(1, abs=1e-4)
        assert {path.name for path in report.iterdir()} == {
            *("differences.csv", "metrics.csv", "metrics.md", "strata.csv"),
        }
    assert {path.name for path in (folder / "reports/demo").iterdir()} == {
        "validation",
        "test",
        "comparison.json",
        "figure2_architectures.png",
        "figure3_pairs.png",
        "figure4_learning_curves.png",
        "figure8_comparison.png",
        "report.html",
    }


def test_runs_and_registered_models_are_in_mlflow(finished: "Project") -> None:
    runs = finished.query("select name, status from runs order by start_time")
    assert runs == [(name, "FINISHED") for name in (*finished.models, "comparison")]
    aliases = finished.query("select name, alias from registered_model_aliases")
    names = [f"colorizer-{model}" for model in finished.models] + ["colorizer"]
    assert {name for name, alias in aliases if alias == "champion"} == set(names)


def test_a_model_pulled_by_name_works_elsewhere(
    finished: "Project", tmp_path: Path, sample_photos: Mapping[str, bytes]
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(sample_photos["mirflickr/im2.jpg"])
    uri = f"sqlite:///{finished.folder / 'mlflow.db'}"
    env = finished.environment(MLFLOW_TRACKING_URI=uri)
    env.pop("PYTHONPATH", None)
    command = sys.executable, "-W", "ignore", "-c", PULL, str(photo)
    status, said = finished.run(*command, env=env, folder=tmp_path)
    with Image.open(photo) as image:
        size = image.size
    assert (status, said.strip()) == (0, f"PNG {size}")


def test_repro_again_does_nothing(project: "Project") -> None:
    assert "Data and pipelines are up to date" in project.dvc("repro")


def test_metrics_and_plots_are_dvcs_too(project: "Project") -> None:
    shown = json.loads(project.dvc("metrics", "show", "--json"))
    files = set(next(iter(shown.values()))["data"])
    assert {f"evaluation/demo/{model}/metrics.json" for model in project.models} <= files
    project.dvc("plots", "show", "--out", "plots")
    page = (project.folder / "plots/index.html").read_text()
    assert "figure8_comparison" in page
    assert "history.csv" in page
