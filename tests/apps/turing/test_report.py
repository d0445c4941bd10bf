import logging
from datetime import date
from pathlib import Path
from random import Random

import mlflow
import pytest

from colorizer.apps.turing.database import Database
from colorizer.apps.turing.report import describe, publish, read_results
from colorizer.apps.turing.trials import Layout, Protocol, Side

PROTOCOL = Protocol(seconds=1.0, practice=2, pairs=20, photos="c" * 64)
PHOTOS = [f"photo-{number}.jpg" for number in range(22)]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    created = Database.create(tmp_path / "turing.db", PROTOCOL)
    created.add_method("vivid", "a" * 64)
    return created


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> mlflow.MlflowClient:
    """A client of a store that these tests share: to make one takes seconds."""
    return mlflow.MlflowClient(f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}")


@pytest.fixture
def store(
    client: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> mlflow.MlflowClient:
    """The shared store, seen from a folder that is no project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
    return client


def take_part(
    database: Database,
    *,
    seed: int,
    fooled: int,
    method: int = 1,
    missed: int = 0,
    stop: int = 22,
    layout: Layout = "beside",
) -> None:
    """Answer as someone who is fooled in so many test pairs and misses so many vigilance pairs."""
    today = date(2026, 3, 14)
    person = database.add_person([method], PHOTOS, today=today, chance=Random(seed))
    mistakes = {"practice": 0, "test": fooled, "vigilance": missed}
    other: dict[Side, Side] = {"left": "right", "right": "left"}
    for number in range(1, stop + 1):
        trial = database.trial(person, number)
        assert trial is not None
        wrong = mistakes[trial.kind] > 0
        mistakes[trial.kind] -= 1
        side = other[trial.fake] if wrong else trial.fake
        assert database.answer(person, number, side=side, layout=layout, seconds=1.25)


def row(text: str, model: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {model} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def tell(database: Database) -> None:
    publish(read_results(database), database.id, database.protocol)


def runs(
    store: mlflow.MlflowClient, database: Database, experiment: str = "colorizer"
) -> list[mlflow.entities.Run]:
    """Return what an experiment holds of a study."""
    if (found := store.get_experiment_by_name(experiment)) is None:
        return []
    return list(store.search_runs([found.experiment_id], f"tags.study = '{database.id}'"))


def test_the_table_has_each_model_s_scores(database: Database) -> None:
    database.add_method("dull", "b" * 64)
    take_part(database, seed=1, fooled=6)
    take_part(database, seed=2, fooled=9, missed=1)
    take_part(database, seed=3, fooled=9, stop=7)
    take_part(database, seed=4, fooled=0, method=2)
    text = describe(read_results(database), PROTOCOL)
    people, pairs, rate, interval, vigilance, seconds = row(text, "vivid")
    assert (people, pairs, rate, vigilance, seconds) == ("2", "36", "41.7%", "75.0%", "1.25")
    low, high = (float(end.strip("%")) for end in interval.split(" to "))
    assert 20 < low < 41.7 < high < 65
    assert row(text, "dull") == ["1", "18", "0.0%", "", "100.0%", "1.25"]
    assert "left out of vivid: 1 who began and did not finish" in text
    assert "needs two people" in text
    assert "87%" in text
    assert "50%" in text


def test_a_study_that_nobody_finished_has_an_empty_row(database: Database) -> None:
    take_part(database, seed=1, fooled=3, stop=21)
    text = describe(read_results(database), PROTOCOL)
    assert row(text, "vivid") == ["0", "0", "", "", "", ""]
    assert "left out of vivid: 1 who began" in text


def test_weights_that_changed_are_told_apart(database: Database) -> None:
    database.add_method("vivid", "b" * 64)
    take_part(database, seed=1, fooled=3)
    take_part(database, seed=2, fooled=12, method=2)
    text = describe(read_results(database), PROTOCOL)
    assert row(text, "vivid (aaaaaaaa)")[2] == "16.7%"
    assert row(text, "vivid (bbbbbbbb)")[2] == "66.7%"


def test_the_notes_say_what_an_interval_lacks(database: Database) -> None:
    def notes() -> str:
        return describe(read_results(database), PROTOCOL)

    take_part(database, seed=1, fooled=0)
    assert "no interval: it needs two people or more, and answers of both kinds" in notes()
    take_part(database, seed=2, fooled=0)
    assert "no interval" in notes()
    for seed in range(3, 10):
        take_part(database, seed=seed, fooled=seed)
    assert "of fewer than 10 people who differ, the interval is too narrow" in notes()
    assert "no interval" not in notes()
    take_part(database, seed=10, fooled=5)
    assert "too narrow" not in notes()


def test_pairs_in_narrow_windows_are_told(database: Database) -> None:
    take_part(database, seed=1, fooled=6)
    assert "in turn" not in describe(read_results(database), PROTOCOL)
    take_part(database, seed=2, fooled=6, layout="in turn")
    assert "vivid: 18 pairs were shown in turn" in describe(read_results(database), PROTOCOL)


def test_mlflow_holds_the_same_and_is_told_once(
    database: Database, store: mlflow.MlflowClient
) -> None:
    take_part(database, seed=1, fooled=6)
    take_part(database, seed=2, fooled=9, missed=1)
    tell(database)
    tell(database)
    (run,) = runs(store, database)
    scores = read_results(database)[0].scores
    assert scores is not None and scores.interval is not None
    assert run.data.metrics == {
        "turing/people": 2,
        "turing/pairs": 36,
        "turing/fooling_rate": 15 / 36,
        "turing/fooling_rate_low": scores.interval[0],
        "turing/fooling_rate_high": scores.interval[1],
        "turing/vigilance": 0.75,
        "turing/seconds": 1.25,
    }
    assert run.info.run_name == "turing vivid"
    assert run.info.status == "FINISHED"
    assert run.data.tags["model"] == "vivid"
    assert run.data.tags["weights"] == "a" * 64
    assert run.data.params == {
        "seconds": "1.0",
        "practice": "2",
        "pairs": "20",
        "photos": "c" * 64,
    }
    assert not store.list_artifacts(run.info.run_id)  # each one's answers stay on this machine
    assert len(store.get_metric_history(run.info.run_id, "turing/fooling_rate")) == 1


def test_more_answers_are_a_new_step_of_the_same_run(
    database: Database, store: mlflow.MlflowClient
) -> None:
    take_part(database, seed=1, fooled=6)
    tell(database)
    assert "turing/fooling_rate_low" not in runs(store, database)[0].data.metrics
    take_part(database, seed=2, fooled=9)
    tell(database)
    (run,) = runs(store, database)
    history = store.get_metric_history(run.info.run_id, "turing/fooling_rate")
    assert [(metric.step, metric.value) for metric in history] == [(1, 6 / 18), (2, 15 / 36)]
    assert "turing/fooling_rate_low" in run.data.metrics


def test_the_experiment_is_the_project_s(
    database: Database, store: mlflow.MlflowClient, root: Path, tmp_path: Path
) -> None:
    params = (root / "params.yaml").read_text()
    project = tmp_path / "params.yaml"
    take_part(database, seed=1, fooled=6)
    project.write_text(params.replace("experiment: colorizer", "experiment: attic"))
    tell(database)
    assert len(runs(store, database, "attic")) == 1
    assert not runs(store, database)


def test_where_tracking_is_off_mlflow_is_told_nothing(
    database: Database, store: mlflow.MlflowClient, root: Path, tmp_path: Path
) -> None:
    params = (root / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("enabled: true", "enabled: false"))
    take_part(database, seed=1, fooled=6)
    tell(database)
    assert not runs(store, database)


def test_a_server_that_is_down_costs_one_warning(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.chdir(database.path.parent)
    take_part(database, seed=1, fooled=6)
    with caplog.at_level(logging.WARNING, "colorizer"):
        tell(database)
    (warning,) = [record for record in caplog.records if record.name.startswith("colorizer")]
    assert warning.message.startswith("warning: not logged to MLflow: MLflow at http://127.0.0.1:9")
