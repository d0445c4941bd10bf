"""Following a training within a budget: validation losses, scores and the best weights."""

import time
from dataclasses import dataclass, field
from functools import partial

import pandas as pd
from torch import Tensor, nn

from colorizer.data.archive import decode_photo
from colorizer.data.dataset import LabDataset
from colorizer.data.references import References
from colorizer.evaluation.evaluate import evaluate, summable
from colorizer.evaluation.predictions import by_network
from colorizer.evaluation.scoring.bootstrap import intervals
from colorizer.evaluation.scoring.measure import scores_of
from colorizer.inference.torch_network import TorchNetwork
from colorizer.paths import Paths
from colorizer.training.loop.checkpoint import snapshot
from colorizer.training.run_record import Epoch
from colorizer.training.trainer import Trainer

DRAWS = 2000  # of the bootstrap, five times fewer than elsewhere: the clock runs


class OutOfTimeError(Exception):
    """The budget holds no further epoch."""


@dataclass(frozen=True)
class Budget:
    """Seconds for everything."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.seconds - (time.monotonic() - self.began)


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest loss so far, and its weights."""

    epoch: int
    loss: float
    weights: dict[str, Tensor]


class Watch:
    """Follows a training: validation losses, scores now and then, the best weights, the budget.

    Args:
        trainer: the training.
        validation: photographs that it does not learn from.
        every: epochs between two scorings.
        budget: for everything.
        reserve: seconds of it that have to be left after the training.
    """

    def __init__(
        self, trainer: Trainer, validation: LabDataset, every: int, budget: Budget, reserve: float
    ) -> None:
        self.trainer = trainer
        self.validation = validation.to(trainer.fabric.device)
        self.every, self.budget, self.reserve = every, budget, reserve
        self.best: dict[str, Best] = {}
        self.losses: list[dict[str, float]] = []
        self.scores: list[dict[str, float]] = []
        self.began = time.monotonic()

    def __call__(self, network: nn.Module, history: list[Epoch]) -> None:
        """Take note of an epoch.

        Raises:
            OutOfTimeError: if the budget holds no further one.
        """
        last, epochs = history[-1], self.trainer.params.active.train.epochs
        loss = self.trainer.loss_of(network, self.validation)
        self.losses.append({"epoch": last.epoch, "validation_loss": loss})
        for kind, value in (("train", last.train_loss), ("validation", loss)):
            if kind not in self.best or value < self.best[kind].loss:
                self.best[kind] = Best(last.epoch, value, snapshot(network.state_dict()))
        if last.epoch in (1, epochs) or last.epoch % self.every == 0:
            found = score(network, self.trainer, "validation")
            self.scores.append({"epoch": last.epoch, **with_intervals(found)})
        an_epoch = (time.monotonic() - self.began) / len(self.losses)
        if last.epoch < epochs and self.budget.left() < self.reserve + 2 * an_epoch:
            raise OutOfTimeError


def score(network: nn.Module, trainer: Trainer, subset: str) -> pd.DataFrame:
    """Return `evaluate`'s table of a network on a subset, predicted on the training device."""
    paths, device = Paths(trainer.params.profile), str(trainer.fabric.device)
    photos = References.open(paths.references, subset)
    learned = TorchNetwork(network, trainer.metadata, device=device, precision="float32")
    return evaluate(by_network(learned, photos, partial(decode_photo, paths.archives)), photos)


def with_intervals(table: pd.DataFrame) -> dict[str, float]:
    """Return the scores of `evaluate`'s table: of each its value, and its 95% interval's ends."""
    found = intervals(summable(table), scores_of, draws=DRAWS)
    ends = {"": found["value"], "_low": found["low"], "_high": found["high"]}
    return {f"{name}{end}": row[name] for name in found.index for end, row in ends.items()}
