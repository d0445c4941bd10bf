"""What MLflow is told of trainings and models: once, the same now or later."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersion

from colorizer.params import Register, Tracking
from colorizer.paths import Paths
from colorizer.scores.table import by_group, by_name
from colorizer.tracking.descriptions import describe_version
from colorizer.tracking.live_logging import follow, log_model
from colorizer.tracking.names import TRIAL
from colorizer.tracking.published import Published
from colorizer.tracking.registration import publish, publish_comparison
from colorizer.tracking.registry import find_logged_model, read_scores
from colorizer.tracking.store import Store

TRACKING = Tracking(experiment="test")
REGISTER = Register(metric="l2", champion=True)
HOUR = 3_600_000  # milliseconds
START = 1_700_000_000_000
TEST_DATA = ("paper-test", "b" * 32)
SCORES = {"photographs": 16, "l2": 0.5, "psnr": 20.0, "chroma_ratio": 0.58}

Make = Callable[..., Published]


def run_of(store: Store, fingerprint: str) -> Any:
    run_id = store.find_run(fingerprint)
    assert run_id is not None
    return store.client.get_run(run_id)


def version_of(store: Store, name: str, alias: str = "champion") -> ModelVersion:
    return store.client.get_model_version_by_alias(name, alias)


def snapshot(store: Store, fingerprint: str, name: str) -> dict[str, Any]:
    """Everything of a run and its registered model but the ids that MLflow gives."""
    client, run = store.client, run_of(store, fingerprint)
    run_id = run.info.run_id
    version = version_of(store, name)
    model = find_logged_model(client, version)
    assert model is not None and model.source_run_id == run_id
    tags = {k: v for k, v in model.tags.items() if not k.startswith("mlflow.")}
    metrics = [
        (m.key, m.value, m.step, m.timestamp, m.dataset_name, m.dataset_digest)
        for m in model.metrics
    ]
    return {
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": {k: v for k, v in run.data.tags.items() if k != "mlflow.runName"},
        "times": (run.info.start_time, run.info.end_time, run.info.status),
        "data": [
            (i.dataset.name, i.dataset.digest, i.tags[0].value) for i in run.inputs.dataset_inputs
        ],
        "outputs": [output.step for output in run.outputs.model_outputs],
        "losses": [
            (m.step, m.value, m.timestamp) for m in client.get_metric_history(run_id, "loss/train")
        ],
        "images": sorted(
            re.sub("[0-9a-f-]{36}", "", f.path) for f in client.list_artifacts(run_id, "images")
        ),
        "artifacts": sorted(f.path for f in client.list_artifacts(run_id)),
        "model": (model.name, model.params, tags, sorted(metrics)),
        "registered": client.get_registered_model(name).description,
        "versions": [
            (v.version, dict(v.tags), sorted(v.aliases), v.description)
            for v in client.search_model_versions(f"name = '{name}'")
        ],
    }


@pytest.fixture
def other_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Store]]:
    """Return a function that opens an empty store, as on another machine."""

    def open_other() -> Store:
        monkeypatch.setenv("DVC_ROOT", str(tmp_path))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return Store("test")

    yield open_other
    mlflow.set_tracking_uri(store.client.tracking_uri)


def test_a_finished_training_is_told_with_its_own_times_and_data(
    store: Store, publishable: Make
) -> None:
    publish(store, publishable("told", "model2"), REGISTER)
    told = snapshot(store, "told", "colorizer-model2")
    assert told["times"] == (START, START + HOUR, "FINISHED")
    assert told["losses"] == [(1, 1.0, START + 1000), (2, 0.5, START + 2000)]
    assert len(told["images"]) == 2  # the grid and its thumbnail
    assert told["params"]["train.lr"] == "0.001"
    assert told["tags"]["mlflow.source.git.commit"] == "c0ffee"
    assert told["tags"]["dvc.stage"] == "train@model2"
    assert told["data"] == [("paper-train", "a" * 32, "train"), (*TEST_DATA, "test")]


def test_scores_are_metrics_of_the_run_and_of_the_logged_model(
    store: Store, publishable: Make
) -> None:
    publish(store, publishable("scored", "scored"), REGISTER)
    scored = snapshot(store, "scored", "colorizer-scored")
    said = {k: v for k, v in scored["metrics"].items() if k.startswith("validation/")}
    assert said == {f"validation/{name}": value for name, value in SCORES.items()}
    assert scored["metrics"]["test/l2"] == 0.9
    name, params, tags, metrics = scored["model"]
    assert (name, params["train.lr"], params["model.widths"]) == ("scored", "0.001", "[4, 4]")
    assert tags == {"fingerprint": "scored", "profile": "paper", "weights": tags["weights"]}
    assert {m for m in metrics if m[0].startswith("validation/")} == {
        (f"validation/{name}", value, 0, START + HOUR, None, None) for name, value in SCORES.items()
    }
    assert ("test/l2", 0.9, 0, START + HOUR, *TEST_DATA) in metrics
    assert scored["outputs"] == [2]  # the epoch of its weights


def test_logged_models_sort_by_their_scores(store: Store, publishable: Make) -> None:
    for fingerprint, l2 in (("middle", 0.2), ("first", 0.1), ("last", 0.3)):
        publish(store, publishable(fingerprint, "sorted", l2=l2), REGISTER)
    found = store.client.search_logged_models(
        [store.experiment_id],
        filter_string="name = 'sorted'",
        order_by=[{"field_name": "metrics.validation/l2", "ascending": True}],
    )
    assert [model.tags["fingerprint"] for model in found] == ["first", "middle", "last"]


def test_a_version_has_few_tags_and_says_the_rest_in_its_description(
    store: Store, publishable: Make
) -> None:
    publish(store, publishable("few", "model1"), REGISTER)
    version = version_of(store, "colorizer-model1")
    assert version.tags == {"data.train": "a" * 64, "data.scored": "v" * 32, "l2": "0.5"}
    assert version.description is not None
    for said in (
        "`model1` of the profile `paper`.",
        "The study's baseline",
        "80 photographs at 16×16 pixels (data set `paper-train`), to minimize the L2",
        "epoch 2 of 2, seed 7",
        "commit `c0ffee`",
        "Scores on 16 validation photographs, by which models are chosen",
        "- `psnr` **20**: signal-to-noise ratio",
        "Scores on 20 test photographs\n",
        "- `psnr` **10**\n",
        "have 58% of the originals' chroma",
        "a guess, not a document",
        'Colorizer.load("colorizer-model1/1")',
        "mlflow models serve -m models:/colorizer-model1/1 ",
    ):
        assert said in version.description
    registered = store.client.get_registered_model("colorizer-model1").description
    assert "The study's baseline" in registered
    assert "models:/colorizer-model1@champion" in registered


def test_a_description_fits_mlflow_s_tables(publishable: Make) -> None:
    scores = {"photographs": 1000} | dict.fromkeys(by_name(), -123.456)
    metrics = {"validation": scores, "test": scores}
    record = publishable("long", "flagship").record
    text = describe_version(record, metrics, uri="colorizer/999", trial=True, original="x" * 100)
    assert all(f"`{s.name}`" in text for group in by_group().values() for s in group)
    assert len(text) < 5000


def test_what_a_person_wrote_of_a_registered_model_stays(store: Store, publishable: Make) -> None:
    published = publishable("written", "written")
    publish(store, published, REGISTER)
    store.client.update_registered_model("colorizer-written", "Ours.")
    publish(store, published, REGISTER)
    assert store.client.get_registered_model("colorizer-written").description == "Ours."


def test_telling_twice_changes_nothing(store: Store, publishable: Make) -> None:
    published = publishable("twice", "twice")
    publish(store, published, REGISTER)
    before = snapshot(store, "twice", "colorizer-twice")
    publish(store, published, REGISTER)
    assert snapshot(store, "twice", "colorizer-twice") == before


def test_what_is_restored_looks_as_if_it_had_been_followed(
    store: Store, publishable: Make, other_store: Callable[[], Store]
) -> None:
    published = publishable("live", "live")
    with follow(TRACKING, published.record) as live:
        live.add(published.history, published.run)
        live.finish(published.run)
    log_model(TRACKING, published, REGISTER)
    followed = snapshot(store, "live", "colorizer-live")
    followed["metrics"] = {k: v for k, v in followed["metrics"].items() if "system/" not in k}
    restored = other_store()
    publish(restored, published, REGISTER)
    assert snapshot(restored, "live", "colorizer-live") == followed


def test_a_new_evaluation_is_the_next_step_of_the_same_metrics(
    store: Store, publishable: Make
) -> None:
    published = publishable("again", "again")
    publish(store, published, REGISTER)
    metrics = published.metrics
    changed = metrics | {"validation": SCORES | {"l2": 0.4}}
    published.write_metrics(changed, dict.fromkeys(changed, "v" * 32))
    for _ in range(2):
        publish(store, published, REGISTER)
    run = run_of(store, "again")
    steps = store.client.get_metric_history(run.info.run_id, "validation/l2")
    assert [(m.step, m.value) for m in steps] == [(0, 0.5), (1, 0.4)]
    (version,) = store.client.search_model_versions("name = 'colorizer-again'")
    assert version.tags["l2"] == "0.4"
    assert read_scores(store.client, version) == SCORES | {"l2": 0.4}
    assert "- `l2` **0.4**:" in (version.description or "")


def test_a_version_that_an_earlier_release_registered_is_told_the_rest(
    store: Store, publishable: Make
) -> None:
    published = publishable("before", "before")
    record, name = published.record, "colorizer-before"
    model = store.client.create_logged_model(
        store.experiment_id, "model", source_run_id=store.open_run(record)
    )
    store.client.create_registered_model(name)
    old = {**published.identity, "profile": "paper", "commit": "c0ffee", "data.test": "b" * 64}
    scores = {key: str(value) for key, value in SCORES.items()}
    source = f"models:/{model.model_id}"
    store.client.create_model_version(
        name, source, model.source_run_id, tags={**old, **scores, "mine": "stays"}
    )
    publish(store, published, REGISTER)
    (version,) = store.client.search_model_versions(f"name = '{name}'")
    assert set(version.tags) == {"data.train", "data.scored", "l2", "mine"}
    assert read_scores(store.client, version) == SCORES
    assert version.description
    publish(store, published, REGISTER)
    assert len(store.client.search_model_versions(f"name = '{name}'")) == 1


def test_the_better_of_two_models_is_champion(store: Store, publishable: Make) -> None:
    for fingerprint, l2 in (("good", 0.2), ("worse", 0.3)):
        publish(store, publishable(fingerprint, "rivals", l2=l2), REGISTER)
    assert version_of(store, "colorizer-rivals").tags["l2"] == "0.2"
    assert version_of(store, "colorizer-rivals", "paper").tags["l2"] == "0.3"


@pytest.mark.parametrize("trial", [True, False])
def test_a_trial_s_model_says_so(store: Store, publishable: Make, trial: bool) -> None:
    name = f"tried-{trial}"
    publish(store, publishable(name, name), Register(metric="l2", champion=not trial))
    version = version_of(store, f"colorizer-{name}")
    assert (TRIAL in version.tags) == trial
    assert ("not for use" in (version.description or "")) == trial


def test_a_comparison_makes_the_best_model_the_champion_of_all(
    store: Store, publishable: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [publishable("fair", "fair", l2=0.4), publishable("best", "best", l2=0.1)]
    for published in runs:
        publish(store, published, REGISTER)
    monkeypatch.chdir(tmp_path)
    paths = Paths("paper")
    summary = {
        "fingerprint": "comparison",
        "profile": "paper",
        "best": "best",
        "photographs": {"kept": 96},
    }
    times = {"started_at": START, "finished_at": START + 5000}
    for path, content in (
        (paths.report / "comparison.json", summary),
        (paths.timing("compare"), times),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    for _ in range(2):
        publish_comparison(store, paths, runs, REGISTER)
    (champion,) = store.client.search_model_versions("name = 'colorizer'")
    assert champion.version == version_of(store, "colorizer").version
    assert champion.tags == {"data.train": "a" * 64, "data.scored": "v" * 32, "l2": "0.1"}
    assert "a copy of `colorizer-best/1`" in (champion.description or "")
    assert 'Colorizer.load("colorizer/1")' in (champion.description or "")
    assert store.client.get_registered_model("colorizer").description.startswith("The best of all")
    run = run_of(store, "comparison")
    assert run.data.params["photographs.kept"] == "96"
    assert (run.info.start_time, run.info.end_time) == (START, START + 5000)
