"""The study's networks in the repository become registered models, without a training."""

import shutil
from pathlib import Path

import pytest

from colorizer.errors import ColorizerError
from colorizer.params import Params, Tracking, load_params
from colorizer.tracking import sync
from colorizer.tracking.published import Published
from colorizer.tracking.registry import read_scores
from colorizer.tracking.store import Store
from colorizer.training.run_record import HISTORY, RunRecord, read_history

ROOT = Path(__file__).parents[2]
STUDY = ROOT / sync.STUDY


@pytest.fixture(scope="module")
def params() -> Params:
    """The project's params, for the experiment of the empty store."""
    return load_params(ROOT / "params.yaml").model_copy(
        update={"tracking": Tracking(experiment="test")}
    )


@pytest.mark.parametrize("network", ["model1", "model2", "model3"])
def test_the_repository_has_the_whole_training(network: str) -> None:
    record = RunRecord.read(STUDY / network)
    history = read_history(STUDY / network / HISTORY)
    assert Published(STUDY / network, STUDY / network / sync.SCORES).complete
    assert (record.model, record.profile) == (network, "study")
    assert [epoch.epoch for epoch in history] == list(range(1, 121))
    assert min(history, key=lambda epoch: epoch.train_loss).epoch == record.best_epoch


def test_the_study_is_registered_once_with_curves_and_scores(
    store: Store, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(STUDY / "model1", tmp_path / "study" / "model1")
    monkeypatch.setattr(sync, "STUDY", tmp_path / "study")
    for _ in range(2):
        sync.sync_study(params)

    client = store.client
    assert len(client.search_model_versions("name = 'colorizer-model1'")) == 1
    version = client.get_model_version_by_alias("colorizer-model1", "study")
    assert version.run_id is not None
    curve = client.get_metric_history(version.run_id, "loss/test")
    history = read_history(STUDY / "model1" / HISTORY)
    assert [(m.step, m.value) for m in curve] == [(e.epoch, e.test_loss) for e in history]
    assert read_scores(client, version)["l2"] == pytest.approx(0.017, abs=0.001)
    assert len(client.get_metric_history(version.run_id, "test/l2")) == 1


def test_without_the_networks_it_says_where_to_run(store: Store, params: Params) -> None:
    with pytest.raises(ColorizerError, match="holds no networks: run this at the root of a clone"):
        sync.sync_study(params)
