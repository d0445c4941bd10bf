"""What the tests of tracking share: an empty store, and trainings to tell it of."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import mlflow
import pytest
from PIL import Image

from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.tracking.published import Published
from colorizer.tracking.store import Store
from colorizer.training.run_record import (
    GRIDS,
    WEIGHTS,
    Epoch,
    RunRecord,
    grid_path,
    write_run,
)

HOUR = 3_600_000  # milliseconds
START = 1_700_000_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty store at a project's root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("root")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Store("test")
        mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow's own doing


def make_record(fingerprint: str, model: str) -> RunRecord:
    return RunRecord(
        fingerprint=fingerprint,
        model=model,
        profile="paper",
        params={"train": {"lr": 0.001, "epochs": 2, "seed": 7}, "model": {"widths": [4, 4]}},
        data={
            "train": {"photographs": 80, "size": 16, "digest": "a" * 64},
            "test": {"photographs": 16, "size": 16, "digest": "b" * 64},
        },
        machine={"device": "cpu"},
        commit="c0ffee",
        stage=f"train@{model}",
        experiment="",
        started_at=START,
        finished_at=START + HOUR,
        best_epoch=2,
    )


def make_history(epochs: int) -> list[Epoch]:
    return [Epoch(n, 1 / n, 2 / n, 100.0, START + 1000 * n) for n in range(1, epochs + 1)]


def make_scores(l2: float, subsets: Sequence[str]) -> dict[str, dict[str, float]]:
    scores = {"photographs": 16, "l2": l2, "psnr": 20.0, "chroma_ratio": 0.58}
    test = {"photographs": 20, "l2": 0.9, "psnr": 10.0, "chroma_ratio": 0.3}
    return {subset: test if subset == "test" != subsets[0] else scores for subset in subsets}


@pytest.fixture
def history() -> Callable[[int], list[Epoch]]:
    """Return a function that makes the history of so many epochs."""
    return make_history


@pytest.fixture
def publishable(tmp_path: Path) -> Callable[..., Published]:
    """Return a function that makes the folders of a training and its scores."""

    def make(
        fingerprint: str,
        model: str,
        *,
        l2: float = 0.5,
        profile: str = "paper",
        subsets: Sequence[str] = ("validation", "test"),
    ) -> Published:
        folder = tmp_path / fingerprint
        published = Published(folder / "run", folder / "evaluation", folder / "timing.json")
        (published.run / GRIDS).mkdir(parents=True)
        published.scores("test").mkdir(parents=True)
        record = dataclasses.replace(make_record(fingerprint, model), profile=profile)
        write_run(published.run, folder / "timing.json", record, make_history(2))
        Image.new("RGB", (8, 8)).save(grid_path(published.run, 1))
        network = create_model("model1", widths=[4, 4])
        metadata = WeightsMetadata("model1", {"widths": [4, 4]}, size=16)
        save_weights(published.run / WEIGHTS, metadata, network.state_dict())
        published.write_metrics(make_scores(l2, subsets), {s: s[0] * 32 for s in subsets})
        return published

    return make
