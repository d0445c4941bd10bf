"""A training's run in MLflow: its losses, sample grids, scores and files."""

import re
from collections.abc import Mapping
from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag
from PIL import Image

from colorizer.evaluation.figures import learning_curves
from colorizer.tracking.published import Published
from colorizer.tracking.store import dataset_of
from colorizer.training.run_record import (
    HISTORY,
    RECORD,
    Epoch,
    RunRecord,
    list_grids,
)

GRID_KEY = "samples"
LOGGED_GRID = re.compile(rf"{GRID_KEY}[%+]step[%+](\d+)[%+]")
"""How `log_image` names its files: with % on a server's disk, with + on one that forbids it."""


class RunLog:
    """A training's run in MLflow: adds the epochs, grids and scores that it does not have yet."""

    def __init__(self, client: mlflow.MlflowClient, run_id: str) -> None:
        self.client = client
        self.run_id = run_id
        self._steps = {m.step for m in client.get_metric_history(run_id, "loss/train")}
        images = [image.path for image in client.list_artifacts(run_id, "images")]
        self._grids = {int(found[1]) for path in images if (found := LOGGED_GRID.search(path))}

    def add(self, history: list[Epoch], grids: Mapping[int, Path]) -> None:
        """Log what is new of a history, and the sample grids by epoch, at their own times."""
        news = [epoch for epoch in history if epoch.epoch not in self._steps]
        metrics = [metric for epoch in news for metric in _epoch_metrics(epoch)]
        for start in range(0, len(metrics), 999):  # MLflow takes 1000 at once; an epoch has 4
            self.client.log_batch(self.run_id, metrics=metrics[start : start + 999])
        self._steps |= {epoch.epoch for epoch in news}
        times = {epoch.epoch: epoch.finished_at for epoch in history}
        for epoch in sorted(set(grids) & set(times) - self._grids):
            with Image.open(grids[epoch]) as image:
                self.client.log_image(
                    self.run_id, image, key=GRID_KEY, step=epoch, timestamp=times[epoch]
                )
            self._grids.add(epoch)

    def finish(self, published: Published) -> None:
        """Complete the run from a finished training's files, unless it is complete."""
        record, history = published.record, published.history
        self.add(history, list_grids(published.run))
        if self.client.get_run(self.run_id).data.tags.get("complete") != "true":
            self._complete(published, record, history)
        self.client.set_terminated(self.run_id, end_time=record.finished_at)

    def add_scores(self, published: Published, model_id: str | None) -> None:
        """Log the scores, as metrics of the run and of its logged model; they name the data.

        A later evaluation of the same weights is the next step of the same metrics.

        Args:
            published: the training and its scores.
            model_id: of the logged model, if there is one.
        """
        client, of_subsets = self.client, published.metrics
        scores = {
            f"{s}/{name}": float(v) for s, part in of_subsets.items() for name, v in part.items()
        }
        known = client.get_run(self.run_id).data.metrics
        model = client.get_logged_model(model_id) if model_id else None
        told = {(m.key, m.value) for m in (model and model.metrics) or []}
        changed = any(known.get(name) != value for name, value in scores.items())
        if not changed and (model is None or told >= scores.items()):
            return
        steps = [m.step for m in client.get_metric_history(self.run_id, next(iter(scores)))]
        step = max(steps, default=-1) + changed
        client.log_artifacts(self.run_id, str(published.evaluation), "evaluation")
        client.log_batch(self.run_id, metrics=_score_metrics(published, scores, step, model_id))

    def _complete(self, published: Published, record: RunRecord, history: list[Epoch]) -> None:
        best = history[record.best_epoch - 1]
        self.client.log_batch(
            self.run_id,
            params=[
                Param("best.epoch", str(best.epoch)),
                Param("best.train_loss", str(best.train_loss)),
            ],
        )
        files = [published.run / RECORD, published.run / HISTORY]
        if published.timing is not None:
            files.append(published.timing)
        for path in files:
            self.client.log_artifact(self.run_id, str(path))
        self.client.log_figure(
            self.run_id,
            learning_curves({record.model: history}, {record.model: record.loss}),
            "learning_curves.png",
        )
        self.client.log_batch(self.run_id, tags=[RunTag("complete", "true")])


def _score_metrics(
    published: Published, scores: Mapping[str, float], step: int, model_id: str | None
) -> list[Metric]:
    """Return scores, by names such as validation/psnr, as metrics of the photographs' data set."""
    record, metrics = published.record, []
    for name, value in scores.items():
        subset = name.partition("/")[0]
        data = dataset_of(record, subset) if subset in record.data else None
        of_data = (data.name, data.digest) if data else ()
        metrics.append(Metric(name, value, record.finished_at, step, model_id, *of_data))
    return metrics


def _epoch_metrics(epoch: Epoch) -> list[Metric]:
    values = {
        "loss/train": epoch.train_loss,
        "loss/test": epoch.test_loss,
        "images_per_second": epoch.images_per_second,
    }
    if epoch.validation_loss is not None:
        values["loss/validation"] = epoch.validation_loss
    return [Metric(name, value, epoch.finished_at, epoch.epoch) for name, value in values.items()]
