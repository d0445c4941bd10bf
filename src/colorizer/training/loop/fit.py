"""One visible loop: a network, photographs and a recipe in; weights and a history of losses out."""

import contextlib
import logging
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from colorizer.data.dataset import LabDataset, Resident
from colorizer.errors import ColorizerError
from colorizer.params import Train
from colorizer.params.recipe import Recipe
from colorizer.training.loop.checkpoint import Checkpoint
from colorizer.training.loop.epoch import mean_loss, train_epoch
from colorizer.training.loop.losses import Objective
from colorizer.training.loop.pace import Pace, require_finite
from colorizer.training.loop.state import Best, TrainingState
from colorizer.training.run_record import HISTORY, Epoch, write_history

logger = logging.getLogger(__name__)

OnEpochEnd = Callable[[nn.Module, list[Epoch]], None]


@dataclass(frozen=True)
class Fit:
    """What training leaves.

    Attributes:
        best: the epoch with the lowest loss on the photographs that `recipe.select` names, and its
            weights, or their moving average then.
        others: the same of the other photographs, by their name, "train" or "validation".
        history: every epoch.
    """

    best: Best
    others: dict[str, Best]
    history: list[Epoch]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights that are kept, on the CPU."""
        return self.best.weights

    @property
    def best_epoch(self) -> int:
        """The epoch that they are of."""
        return self.best.epoch


def fit(
    objective: Objective,
    train: LabDataset,
    test: LabDataset,
    *,
    validation: LabDataset | None = None,
    params: Train,
    recipe: Recipe,
    fabric: Fabric,
    folder: Path,
    on_epoch_end: OnEpochEnd,
    resident: Resident = "auto",
    compiled: bool = False,
) -> Fit:
    """Train a network, or resume its training if `folder` holds a checkpoint.

    A checkpoint is written after every epoch, and within long ones. All that is random depends on
    (seed, epoch, step) alone: a killed training resumes and ends with the weights of an
    uninterrupted one. Fabric's processes share each batch; with any number of them, a batch holds
    the same photographs and a step follows the mean gradient over the whole batch.

    Args:
        objective: the loss of a network from `create_model`, freshly initialized.
        train: the photographs to learn from.
        test: the photographs whose loss is recorded and never used to choose.
        validation: the photographs to choose by, if there are any.
        params: those that all models share.
        recipe: the model's own.
        fabric: from `make_fabric`, launched.
        folder: for checkpoints and history.csv; of this training alone, and visible to all of its
            processes.
        on_epoch_end: called by the first process, with the network and the history so far, before
            the checkpoint.
        resident: whether the photographs are copied to a GPU once.
        compiled: whether `torch.compile` compiles the training's steps.

    Raises:
        ColorizerError: if the loss is no longer finite (the last checkpoint stays), if the GPU's
            memory does not suffice, or if an epoch's last batch is too small to be shared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _require_shares(len(train), params.batch_size, fabric.world_size)
    with Checkpoint(folder, enabled=fabric.is_global_zero) as checkpoint, _explained():
        train, test = (_share(photos, fabric, resident) for photos in (train, test))
        validation = validation and _share(validation, fabric, resident)
        objective.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        state = TrainingState(objective.network, lr=params.lr, recipe=recipe)
        _resume(state, checkpoint, params.epochs)
        steps: Any = torch.compile(objective, dynamic=False) if compiled else objective
        stepped, optimizer = fabric.setup(steps, state.optimizer)
        for epoch in range(len(state.history) + 1, params.epochs + 1):
            pace = Pace(state, checkpoint, epoch, photos=len(train), params=params, fabric=fabric)
            loss = train_epoch(
                *(stepped, optimizer, train, epoch, params, recipe, fabric),
                begun=state.begun,
                after_step=pace.after_step,
            )
            speed = pace.images_per_second()
            kept = objective.of(state.kept)
            test_loss = mean_loss(kept, test, params.batch_size, fabric)
            other = mean_loss(kept, validation, params.batch_size, fabric) if validation else None
            now = int(time.time() * 1000)
            for value in (loss, test_loss, other or 0.0):  # the last step can spoil the weights
                require_finite(value, epoch, folder)
            state.add(Epoch(epoch, loss, test_loss, speed, now, other))
            if fabric.is_global_zero:
                write_history(folder / HISTORY, state.history)
                on_epoch_end(state.kept, state.history)
            checkpoint.save(state.to_checkpoint())
        best = dict(state.best)
        return Fit(best.pop(recipe.select), best, state.history)


def _share(photos: LabDataset, fabric: Fabric, resident: Resident) -> LabDataset:
    """Return a process's share of photographs, on its device if they are to lie there."""
    return photos.shard(fabric.global_rank, fabric.world_size).to(fabric.device, resident)


def _resume(state: TrainingState, checkpoint: Checkpoint, epochs: int) -> None:
    """Bring a training to its last checkpoint, if there is one."""
    if saved := checkpoint.load():
        state.resume(saved)
        within = f", {state.begun.steps} steps into the next" if state.begun.steps else ""
        logger.info("resuming after epoch %d of %d%s", len(state.history), epochs, within)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ColorizerError(
            f"the GPU's memory does not suffice: lower train.batch_size in params.yaml, or set "
            f"engine.precision to bf16-mixed ({_first_words(error)})"
        ) from error
    except TorchDynamoException as error:
        raise ColorizerError(
            "torch.compile failed: set engine.compile in params.yaml to never "
            f"({_first_words(error)})"
        ) from error


def _first_words(error: Exception) -> str:
    return textwrap.shorten(str(error), 120, placeholder=" ...")


def _require_shares(photos: int, batch_size: int, processes: int) -> None:
    smallest = min(batch_size, photos % batch_size or batch_size)
    if smallest < processes:
        raise ColorizerError(
            f"{processes} devices cannot share a batch of {smallest}: of {photos} photographs, "
            f"train.batch_size {batch_size} leaves one of that size; choose another in params.yaml"
        )
