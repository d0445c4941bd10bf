"""Shows a training's progress and estimates its duration."""

import copy
import logging
import time

import torch
from lightning_fabric import Fabric
from torch import nn
from tqdm import tqdm

from colorizer.data.dataset import LabDataset
from colorizer.params import Train
from colorizer.training.loop.losses import Objective
from colorizer.training.run_record import Epoch

logger = logging.getLogger(__name__)

LONG = 30 * 60  # seconds of training on a CPU that are worth a warning


class Progress:
    """A bar over a training's photographs, or a line per epoch where there is no terminal.

    Args:
        photos: training photographs in an epoch.
        epochs: how many epochs the training has.
        enabled: whether to show anything; of several processes only the first does.
    """

    def __init__(self, photos: int, epochs: int, *, enabled: bool = True) -> None:
        self.photos = photos
        self.epochs = epochs
        self.enabled = enabled
        disable = None if enabled else True
        self.bar = tqdm(total=photos * epochs, unit="img", disable=disable)
        self._began = time.perf_counter()
        self._first = True

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self, _network: nn.Module, history: list[Epoch]) -> None:
        """Show an epoch that has just ended; a callback of `fit`."""
        last = history[-1]
        if self._first:  # what an earlier process trained says nothing of this one's speed
            self.bar.initial = self.bar.n = self.photos * (last.epoch - 1)
        self.bar.set_postfix(epoch=last.epoch, loss=f"{last.train_loss:.5f}")
        self.bar.update(self.photos)
        if self.enabled and self.bar.disable:
            logger.info(
                "epoch %d/%d: train loss %.5f, test loss %.5f, %.0f images/s",
                last.epoch,
                self.epochs,
                last.train_loss,
                last.test_loss,
                last.images_per_second,
            )
        if self.enabled and self._first and last.epoch < self.epochs:
            seconds = time.perf_counter() - self._began
            logger.info("about %s to go", duration(seconds * (self.epochs - last.epoch)))
        self._first = False


def warn_if_long(
    name: str, objective: Objective, train: LabDataset, params: Train, fabric: Fabric
) -> None:
    """Warn before a long training on a CPU: how long it will take, and what would be faster."""
    if fabric.device.type != "cpu":
        return
    seconds = estimate_seconds(objective, train, params, fabric=fabric)
    if seconds > LONG:
        logger.warning(
            "warning: training %s on this CPU will take about %s; a GPU is many times "
            "faster, and `make demo` runs the same pipeline small",
            name,
            duration(seconds),
        )


def estimate_seconds(
    objective: Objective, train: LabDataset, params: Train, *, fabric: Fabric
) -> float:
    """Estimate how long a training will take, from two steps on a copy of the network."""
    objective = copy.deepcopy(objective)
    objective.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    sample = torch.arange(min(8, len(train)))
    durations = []
    for _ in range(2):  # the first one warms up
        started = time.perf_counter()
        for lightness, ab in train.batches(len(sample), device=fabric.device, order=sample):
            with fabric.autocast():
                loss = objective(lightness, ab)
            loss.backward()
        durations.append(time.perf_counter() - started)
    return durations[-1] / len(sample) * len(train) * params.epochs


def duration(seconds: float) -> str:
    """Return a time span in words.

    Example:
        >>> duration(95)
        '2 min'
        >>> duration(10_000)
        '2.8 h'
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
