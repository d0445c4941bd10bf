"""One visible loop: a network, photographs and a recipe in; weights and a history of losses out."""

import contextlib
import logging
import math
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
from torch.optim import Optimizer

from colorizer.data.dataset import LabDataset, Resident, permutation
from colorizer.errors import ColorizerError
from colorizer.params import Train
from colorizer.params.recipe import Recipe
from colorizer.training.loop.augmentation import augment, draw_choices
from colorizer.training.loop.checkpoint import Checkpoint
from colorizer.training.loop.losses import Objective
from colorizer.training.loop.schedule import set_lr
from colorizer.training.loop.state import TrainingState
from colorizer.training.run_record import HISTORY, Epoch, write_history

logger = logging.getLogger(__name__)

OnEpochEnd = Callable[[nn.Module, list[Epoch]], None]


@dataclass(frozen=True)
class Fit:
    """What training leaves.

    Attributes:
        weights: those of the epoch with the lowest training loss, or their moving average then, on
            the CPU.
        best_epoch: that epoch.
        history: every epoch.
    """

    weights: dict[str, Tensor]
    best_epoch: int
    history: list[Epoch]


def fit(
    objective: Objective,
    train: LabDataset,
    test: LabDataset,
    *,
    params: Train,
    recipe: Recipe,
    fabric: Fabric,
    folder: Path,
    on_epoch_end: OnEpochEnd,
    resident: Resident = "auto",
    compiled: bool = False,
) -> Fit:
    """Train a network, or resume its training if `folder` holds a checkpoint.

    A checkpoint is written after every epoch, and the photographs' order depends on (seed, epoch)
    alone: a killed training resumes and ends with the weights of an uninterrupted one. Fabric's
    processes share each batch; with any number of them, a batch holds the same photographs and a
    step follows the mean gradient over the whole batch.

    Args:
        objective: the loss of a network from `create_model`, freshly initialized.
        train: the photographs to learn from.
        test: the photographs whose loss is recorded and never used to choose.
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
    parts = [photos.shard(fabric.global_rank, fabric.world_size) for photos in (train, test)]
    with Checkpoint(folder, enabled=fabric.is_global_zero) as checkpoint, _explained():
        train, test = (photos.to(fabric.device, resident) for photos in parts)
        objective.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        state = TrainingState(objective.network, lr=params.lr, average=recipe.average)
        if saved := checkpoint.load():
            state.resume(saved)
            logger.info("resuming after epoch %d of %d", len(state.history), params.epochs)
        steps: Any = torch.compile(objective, dynamic=False) if compiled else objective
        stepped, optimizer = fabric.setup(steps, state.optimizer)
        for epoch in range(len(state.history) + 1, params.epochs + 1):
            started = time.perf_counter()
            train_loss = train_epoch(
                stepped, optimizer, train, epoch, params, recipe, fabric, state.after_step
            )
            speed = round(len(train) / (time.perf_counter() - started), 2)
            test_loss = mean_loss(objective.of(state.kept), test, params.batch_size, fabric)
            _require_finite(train_loss, epoch, folder)
            _require_finite(test_loss, epoch, folder)  # the last step alone can spoil the weights
            state.add(Epoch(epoch, train_loss, test_loss, speed, int(time.time() * 1000)))
            if fabric.is_global_zero:
                write_history(folder / HISTORY, state.history)
                on_epoch_end(state.kept, state.history)
            checkpoint.save(state.to_checkpoint())
        return Fit(state.best_weights, state.best_epoch, state.history)


def train_epoch(
    objective: nn.Module,
    optimizer: Optimizer,
    train: LabDataset,
    epoch: int,
    params: Train,
    recipe: Recipe,
    fabric: Fabric,
    after_step: Callable[[], None] = lambda: None,
) -> float:
    """Take a step for every batch of an epoch.

    Args:
        objective: an `Objective`, set up by `fabric`.
        optimizer: its network's optimizer, set up by `fabric`.
        train: the photographs, or this process's share of them.
        epoch: which; it decides the photographs' order, and how they are augmented.
        params: what holds for all models.
        recipe: the model's own.
        fabric: what set them up.
        after_step: called after every step.

    Returns:
        The mean loss over all photographs, each under the weights of its moment.
    """
    objective.train()
    order = permutation(len(train), seed=params.seed, epoch=epoch)
    parts = torch.split(order, params.batch_size)
    batches = train.batches(params.batch_size, device=fabric.device, order=order, whole=True)
    choices = draw_choices(len(train), seed=params.seed, epoch=epoch)
    total = torch.zeros((), device=fabric.device)  # stays on the device: no waiting inside an epoch
    for batch, (part, (lightness, ab)) in enumerate(zip(parts, batches, strict=True)):
        done = (epoch - 1 + batch / len(parts)) / params.epochs
        set_lr(optimizer, params.lr, recipe.schedule, done)
        share = len(lightness) / len(part)  # of the batch: 1 on one device
        own = choices[part[part % train.world == train.rank]]
        lightness, ab = augment(
            lightness,
            ab,
            own,
            flip=recipe.flip,
            crop=recipe.crop,
            side=train.size,
            shapes=train.shapes_of(part),
        )
        loss = objective(lightness, ab)
        fabric.backward(loss * share * fabric.world_size)  # gradients are averaged over processes
        optimizer.step()
        optimizer.zero_grad()
        after_step()
        total += loss.detach() * len(lightness)
    return _sum(total, fabric) / len(train)


@torch.no_grad()
def mean_loss(objective: Objective, photos: LabDataset, batch_size: int, fabric: Fabric) -> float:
    """Return the mean loss over photographs under a network's present weights."""
    objective.eval()
    total = torch.zeros((), device=fabric.device)
    for lightness, ab in photos.batches(batch_size, device=fabric.device):
        if len(lightness):  # of a batch smaller than the number of processes, some have nothing
            with fabric.autocast():
                loss = objective(lightness, ab)
            total += loss * len(lightness)
    return _sum(total, fabric) / len(photos)


def _sum(total: Tensor, fabric: Fabric) -> float:
    return float(fabric.all_reduce(total, reduce_op="sum"))  # type: ignore[arg-type]


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


def _require_finite(loss: float, epoch: int, folder: Path) -> None:
    if not math.isfinite(loss):
        raise ColorizerError(
            f"the loss became {loss} in epoch {epoch}: lower train.lr or set the model's "
            f"norm in params.yaml; the checkpoint of epoch {epoch - 1} is kept in {folder}"
        )
