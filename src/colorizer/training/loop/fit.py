"""One visible loop: a network, photographs and a recipe in; weights and a history of losses out."""

import contextlib
import copy
import logging
import math
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from colorizer.data.dataset import LabDataset, Resident, permutation
from colorizer.errors import ColorizerError
from colorizer.params import Recipe, Train
from colorizer.training.checkpoint import Checkpoint, snapshot
from colorizer.training.loop.augmentation import augment, draw_choices
from colorizer.training.loop.losses import Objective
from colorizer.training.run_record import HISTORY, Epoch, write_history

logger = logging.getLogger(__name__)

WARM_UP = 0.05  # share of a training in which a cosine schedule's learning rate rises

LONG = 30 * 60  # seconds of training on a CPU that are worth a warning

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
    """Train a network, or go on training it if `folder` holds a checkpoint.

    The order of the photographs depends on (seed, epoch) alone and a checkpoint is written after
    every epoch, so a training that was killed ends with the weights of one that was not. The batch
    is shared by as many processes as Fabric has started; with any number, each epoch's batches hold
    the same photographs and a step follows the mean gradient over the whole batch.

    Args:
        objective: the loss of a network from `create_model`, freshly initialized.
        train: the photographs to learn from.
        test: the photographs whose loss is followed, never used to choose.
        params: what holds for all models.
        recipe: the model's own.
        fabric: from `make_fabric`, launched.
        folder: where checkpoints and history.csv are kept; it must belong to this training alone,
            and all its processes must see it.
        on_epoch_end: called with the network and the history so far, before the checkpoint; of
            several processes only the first calls it.
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
        network = objective.network
        averaged = _averaged(network, recipe.average)
        kept = network if averaged is None else averaged.module
        adam = torch.optim.Adam(network.parameters(), lr=params.lr, fused=True)

        def follow() -> None:
            if averaged is not None:
                averaged.update_parameters(network)

        best: dict[str, Any] = {"epoch": 0, "loss": math.inf, "weights": {}}
        history: list[Epoch] = []
        if state := checkpoint.load():
            network.load_state_dict(state["model"])
            adam.load_state_dict(state["optimizer"])
            if averaged is not None:
                averaged.load_state_dict(state["averaged"])
            best, history = state["best"], [Epoch(**row) for row in state["history"]]
            logger.info("resuming after epoch %d of %d", len(history), params.epochs)
        steps: Any = torch.compile(objective, dynamic=False) if compiled else objective
        stepped, optimizer = fabric.setup(steps, adam)
        for epoch in _progress(history, params, fabric, train):
            started = time.perf_counter()
            train_loss = train_epoch(
                stepped, optimizer, train, epoch, params, recipe, fabric, follow
            )
            seconds = time.perf_counter() - started
            test_loss = mean_loss(objective.of(kept), test, params.batch_size, fabric)
            _require_finite(train_loss, epoch, folder)
            _require_finite(test_loss, epoch, folder)  # the last step alone can spoil the weights
            if train_loss < best["loss"]:
                weights = snapshot(kept.state_dict())
                best = {"epoch": epoch, "loss": train_loss, "weights": weights}
            speed = round(len(train) / seconds, 2)
            history.append(Epoch(epoch, train_loss, test_loss, speed, int(time.time() * 1000)))
            if fabric.is_global_zero:
                write_history(folder / HISTORY, history)
                on_epoch_end(kept, history)
            checkpoint.save(
                {
                    "model": network.state_dict(),
                    "optimizer": adam.state_dict(),
                    "averaged": averaged.state_dict() if averaged is not None else {},
                    "best": best,
                    "history": [asdict(row) for row in history],
                }
            )
        return Fit(best["weights"], best["epoch"], history)


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
    batches = train.batches(params.batch_size, device=fabric.device, order=order)
    choices = draw_choices(len(train), seed=params.seed, epoch=epoch)
    total = torch.zeros((), device=fabric.device)  # stays on the device: no waiting inside an epoch
    for batch, (part, (lightness, ab)) in enumerate(zip(parts, batches, strict=True)):
        if recipe.schedule == "cosine":
            pace = cosine((epoch - 1 + batch / len(parts)) / params.epochs)
            for group in optimizer.param_groups:
                group["lr"] = params.lr * pace
        share = len(lightness) / len(part)  # of the batch: 1 on one device
        own = choices[part[part % train.world == train.rank]]
        lightness, ab = augment(lightness, ab, own, flip=recipe.flip, crop=recipe.crop)
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


def cosine(progress: float) -> float:
    """Return the share of the learning rate at a share of the training, both 0..1.

    It rises from 0 within `WARM_UP` and falls to 0 as half a cosine.
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def _averaged(network: nn.Module, decay: float) -> AveragedModel | None:
    if not decay:
        return None
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=follow, use_buffers=True)


def _sum(total: Tensor, fabric: Fabric) -> float:
    return float(fabric.all_reduce(total, reduce_op="sum"))  # type: ignore[arg-type]


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


def warn_if_long(
    name: str, objective: Objective, train: LabDataset, params: Train, fabric: Fabric
) -> None:
    """Say before a long training on a CPU how long it will take, and what else could be done."""
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


def duration(seconds: float) -> str:
    """Say a time span as a person would.

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


def _progress(history: list[Epoch], params: Train, fabric: Fabric, train: LabDataset) -> Any:
    """Yield the epochs that are left; show a bar, or a line an epoch where there is no terminal."""
    photos, first = len(train), len(history) + 1
    with tqdm(
        total=photos * params.epochs,
        initial=photos * len(history),
        unit="img",
        disable=None if fabric.is_global_zero else True,
    ) as bar:
        for epoch in range(first, params.epochs + 1):
            started = time.perf_counter()
            yield epoch
            last = history[-1]
            bar.set_postfix(epoch=epoch, loss=f"{last.train_loss:.5f}")
            bar.update(photos)
            if bar.disable and fabric.is_global_zero:
                logger.info(
                    "epoch %d/%d: train loss %.5f, test loss %.5f, %.0f images/s",
                    epoch,
                    params.epochs,
                    last.train_loss,
                    last.test_loss,
                    last.images_per_second,
                )
            if epoch == first and epoch < params.epochs:
                left = (time.perf_counter() - started) * (params.epochs - epoch)
                logger.info("about %s to go", duration(left))


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
