"""All that a training carries from epoch to epoch, as its checkpoints keep it."""

import math
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from colorizer.training.loop.checkpoint import snapshot
from colorizer.training.run_record import Epoch


class TrainingState:
    """A network in training, its optimizer, its best weights so far and its history.

    Args:
        network: on the training device.
        lr: Adam's learning rate.
        average: decay of the weights' moving average; 0 keeps the weights themselves.

    Attributes:
        kept: the network whose weights are kept: the trained one, or its moving average.
        best_epoch: the epoch with the lowest training loss.
        best_weights: what was kept then, on the CPU.
        history: every epoch so far.
    """

    def __init__(self, network: nn.Module, *, lr: float, average: float) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
        self._averaged = _averaged(network, average) if average else None
        self.kept: nn.Module = network if self._averaged is None else self._averaged.module
        self.best_epoch = 0
        self.best_loss = math.inf
        self.best_weights: dict[str, Tensor] = {}
        self.history: list[Epoch] = []

    def after_step(self) -> None:
        """Update the moving average, if there is one."""
        if self._averaged is not None:
            self._averaged.update_parameters(self.network)

    def add(self, epoch: Epoch) -> None:
        """Record a finished epoch, and keep its weights if its training loss is the lowest."""
        if epoch.train_loss < self.best_loss:
            self.best_epoch, self.best_loss = epoch.epoch, epoch.train_loss
            self.best_weights = snapshot(self.kept.state_dict())
        self.history.append(epoch)

    def to_checkpoint(self) -> dict[str, Any]:
        """Return what `resume` needs: tensors, numbers, lists and dicts."""
        return {
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaged": self._averaged.state_dict() if self._averaged is not None else {},
            "best": {
                "epoch": self.best_epoch,
                "loss": self.best_loss,
                "weights": self.best_weights,
            },
            "history": [asdict(row) for row in self.history],
        }

    def resume(self, saved: dict[str, Any]) -> None:
        """Go back to the state that `to_checkpoint` returned."""
        self.network.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self._averaged is not None:
            self._averaged.load_state_dict(saved["averaged"])
        best = saved["best"]
        self.best_epoch, self.best_loss = best["epoch"], best["loss"]
        self.best_weights = best["weights"]
        self.history = [Epoch(**row) for row in saved["history"]]


def _averaged(network: nn.Module, decay: float) -> AveragedModel:
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)
