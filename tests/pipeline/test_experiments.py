"""Experiments, clones and the cache: what people do around a finished run."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow


def test_an_experiment_keeps_its_run_and_the_first_result_comes_back(project: "Project") -> None:
    before = project.query("select count(*) from runs")[0][0]
    path = project.folder / "models/demo/model1/weights.safetensors"
    weights = path.read_bytes()
    project.dvc("exp", "run", "--temp", "-S", "profiles.demo.train.lr=0.0005", "train@model1")
    assert path.read_bytes() == weights
    runs = project.query(
        "select r.name, p.value from runs r join params p on p.run_uuid = r.run_uuid "
        "where p.key = 'train.lr' and p.value = '0.0005'"
    )
    assert runs == [("model1", "0.0005")]
    assert project.query("select count(*) from runs")[0][0] == before + 1
    assert "0.0005" in project.dvc("exp", "show", "--csv")


def test_a_clone_pulls_the_results_and_tells_a_new_store_everything_once(
    project: "Project", tmp_path: Path
) -> None:
    told = project.query("select name, start_time, end_time from runs where name != 'model1'")
    project.dvc("remote", "add", "--force", "--default", "local", str(tmp_path / "remote"))
    project.dvc("push")
    project.git("add", "-A")
    project.git("commit", "-qm", "results")
    clone = project.clone(tmp_path / "clone")
    clone.dvc("pull")
    assert "up to date" in clone.dvc("status")
    for _ in range(2):
        status, said = clone.run(sys.executable, "-m", "colorizer.apps.cli", "sync")
        assert status == 0, said
    again = clone.query("select name, start_time, end_time from runs where name != 'model1'")
    assert sorted(again) == sorted(told)
    steps = clone.query("select count(*) from metrics where key = 'loss/train'")
    assert steps == [(2 * len(project.models),)]
    versions = clone.query("select name, version from model_versions order by name")
    assert versions == [
        ("colorizer", 1),
        *((f"colorizer-{model}", 1) for model in project.models),
    ]


def test_what_other_networks_left_gives_a_clone_nothing_to_do(
    finished: "Project", tmp_path: Path
) -> None:
    ours = finished.copy(tmp_path / "ours")  # with model2's training, scores and digests
    ours.change_params(lambda params: params.update(models=["model1"]))
    assert set(json.loads(ours.dvc("status", "--json"))) == {"compare"}
    ours.dvc("repro")
    ours.dvc("remote", "add", "--default", "local", str(tmp_path / "remote"))
    ours.dvc("push", "--run-cache")
    ours.git("add", "-A")
    ours.git("commit", "-qm", "one network")
    clone = ours.clone(tmp_path / "clone")
    clone.dvc("pull", "--run-cache")
    assert not (clone.folder / "models/demo/model2").exists()
    assert "Data and pipelines are up to date" in clone.dvc("repro")
    for left in ("models/demo/model2/weights.safetensors", "evaluation/demo/model2/metrics.json"):
        (clone.folder / left).parent.mkdir()
        (clone.folder / left).write_text("another network's")
    assert "Data and pipelines are up to date" in clone.dvc("repro")
    assert "Data and pipelines are up to date" in ours.dvc("repro")
    ours.change_params(lambda params: params.update(models=list(finished.models)))
    assert "Running stage" not in ours.dvc("repro")  # all of it comes from the cache


def test_other_widths_of_one_model_concern_that_model_alone(project: "Project") -> None:
    def widen(params: dict[str, Any]) -> None:
        params["profiles"]["demo"]["models"]["model2"]["widths"] = [4, 8, 16]

    project.change_params(widen)
    assert set(json.loads(project.dvc("status", "--json"))) == {"train@model2"}
    assert "widths" in project.dvc("params", "diff")
    assert "train@model2" in project.dvc("dag")


def test_methods_are_fitted_and_compared_with_networks(project: "Project") -> None:
    assert "evaluate_method@" not in project.dvc("dag")
    chosen = [
        "-S",
        "methods=[reinhard2001,cheng2015,similar]",
        "-S",
        "profiles.demo.methods.photos=2",
    ]
    project.dvc("exp", "run", *chosen)
    report = project.folder / "reports/demo"
    table = pd.read_csv(report / "test/metrics.csv", index_col="model")
    assert {"model1", "reinhard2001", "cheng2015", "similar", "gray"} <= set(table.index)
    assert set(table["photographs"]) == {2}
    whole = json.loads((project.folder / "evaluation/demo/model1/metrics.json").read_text())
    assert whole["test"]["photographs"] == 3
    assert "cheng2015, ΔE" in (report / "report.html").read_text(encoding="utf-8")
    scored = project.query(
        "select r.name from runs r join latest_metrics m on m.run_uuid = r.run_uuid "
        "where m.key = 'test/hue_hit' and r.name in ('reinhard2001', 'cheng2015') order by r.name"
    )
    assert scored == [("cheng2015",), ("reinhard2001",)]
    said = project.run(sys.executable, "-m", "colorizer.apps.cli", "sync")
    assert said[0] == 0, said[1]
    assert project.query("select count(*) from runs where name = 'cheng2015'") == [(1,)]
    Image.linear_gradient("L").save(project.folder / "old.png")
    auto = ("colorizer.apps.colorize", "old.png", "--like", "auto", "-o", "new.png")
    said = project.run(sys.executable, "-m", *auto)
    assert said[0] == 0, said[1]
    assert (project.folder / "new.png").exists()
