"""All that a training carries from step to step, as its checkpoints keep it."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from colorizer.params.recipe import Recipe
from colorizer.training.loop.checkpoint import snapshot
from colorizer.training.loop.optimizer import make_optimizer
from colorizer.training.run_record import Epoch


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest loss so far.

    Attributes:
        epoch: 0 before the first.
        loss: its own.
        weights: what was kept then, on the CPU.
    """

    epoch: int
    loss: float
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class Begun:
    """An epoch that has begun.

    Attributes:
        steps: how many it has taken.
        total: float32 scalar, the sum of the losses of the photographs so far; None before them.
    """

    steps: int = 0
    total: Tensor | None = None


AT_ITS_START = Begun()


class TrainingState:
    """A network in training, its optimizer, its best weights so far and its history.

    Args:
        network: on the training device.
        lr: the highest learning rate.
        recipe: the model's own.

    Attributes:
        kept: the network whose weights are kept: the trained one, or its moving average.
        best: by the photographs ("train", "validation") whose loss says what is best.
        history: every epoch so far.
        begun: how far the epoch after them has come.
    """

    def __init__(self, network: nn.Module, *, lr: float, recipe: Recipe) -> None:
        self.network = network
        self.optimizer = make_optimizer(network, lr, recipe)
        self._averaged = _averaged(network, recipe.average) if recipe.average else None
        self.kept: nn.Module = network if self._averaged is None else self._averaged.module
        self.best: dict[str, Best] = {}
        self.history: list[Epoch] = []
        self.begun = AT_ITS_START

    def after_step(self, begun: Begun) -> None:
        """Record a step, and update the moving average, if there is one."""
        self.begun = begun
        if self._averaged is not None:
            self._averaged.update_parameters(self.network)

    def add(self, epoch: Epoch) -> None:
        """Record a finished epoch, and keep its weights where its loss is the lowest."""
        losses = {"train": epoch.train_loss, "validation": epoch.validation_loss}
        weights: dict[str, Tensor] = {}
        for subset, loss in losses.items():
            lowest = self.best[subset].loss if subset in self.best else math.inf
            if loss is not None and loss < lowest:
                weights = weights or snapshot(self.kept.state_dict())
                self.best[subset] = Best(epoch.epoch, loss, weights)
        self.history.append(epoch)
        self.begun = AT_ITS_START

    def to_checkpoint(self) -> dict[str, Any]:
        """Return what `resume` needs: tensors, numbers, lists and dicts."""
        return {
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaged": self._averaged.state_dict() if self._averaged is not None else {},
            "best": {subset: vars(best) for subset, best in self.best.items()},
            "history": [asdict(row) for row in self.history],
            "begun": vars(self.begun),
        }

    def resume(self, saved: dict[str, Any]) -> None:
        """Go back to the state that `to_checkpoint` returned."""
        self.network.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self._averaged is not None:
            self._averaged.load_state_dict(saved["averaged"])
        self.best = {subset: Best(**best) for subset, best in saved["best"].items()}
        self.history = [Epoch(**row) for row in saved["history"]]
        self.begun = Begun(**saved["begun"])


def _averaged(network: nn.Module, decay: float) -> AveragedModel:
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)
