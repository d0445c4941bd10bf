"""One visible loop: a network, photographs and a recipe in; weights and a history of losses out."""

import contextlib
import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from colorizer.dataset import LabDataset, permutation
from colorizer.errors import ColorizerError
from colorizer.losses import l2
from colorizer.params import Train
from colorizer.runs import HISTORY, Epoch, write_history

logger = logging.getLogger(__name__)

STATE = "state.pt"
LONG = 30 * 60  # seconds of training on a CPU that are worth a warning

OnEpochEnd = Callable[[nn.Module, list[Epoch]], None]


@dataclass(frozen=True)
class Fit:
    """What training leaves.

    Attributes:
        weights: those of the epoch with the lowest training loss, on the CPU.
        best_epoch: that epoch.
        history: every epoch.
    """

    weights: dict[str, Tensor]
    best_epoch: int
    history: list[Epoch]


def fit(
    model: nn.Module,
    train: LabDataset,
    test: LabDataset,
    *,
    params: Train,
    fabric: Fabric,
    folder: Path,
    on_epoch_end: OnEpochEnd,
) -> Fit:
    """Train a network, or go on training it if `folder` holds a checkpoint.

    The order of the photographs depends on (seed, epoch) alone and a checkpoint is written after
    every epoch, so a training that was killed ends with the weights of one that was not.

    Args:
        model: a network from `create_model`, freshly initialized.
        train: the photographs to learn from.
        test: the photographs whose loss is followed, never used to choose.
        params: the recipe.
        fabric: from `make_fabric`.
        folder: where checkpoints and history.csv are kept; it must belong to this training alone.
        on_epoch_end: called with the network and the history so far, before the checkpoint.

    Raises:
        ColorizerError: if the loss is no longer finite (the last checkpoint stays), or if the GPU's
            memory does not suffice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _explained_memory():
        train, test = train.to(fabric.device), test.to(fabric.device)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(model.parameters(), lr=params.lr)
        model, optimizer = fabric.setup(model, optimizer)
        state: dict[str, Any] = {
            "model": model,
            "optimizer": optimizer,
            "best": {"epoch": 0, "loss": math.inf, "weights": {}},
            "history": [],
        }
        if (folder / STATE).exists():
            fabric.load(folder / STATE, state)
            logger.info("resuming after epoch %d of %d", len(state["history"]), params.epochs)
        history = [Epoch(**row) for row in state["history"]]
        for epoch in _progress(history, params, fabric, train):
            started = time.perf_counter()
            order = permutation(len(train), seed=params.seed, epoch=epoch)
            train_loss = _train_epoch(model, optimizer, train, order, params.batch_size, fabric)
            seconds = time.perf_counter() - started
            test_loss = mean_loss(model, test, params.batch_size, fabric)
            _require_finite(train_loss, epoch, folder)
            _require_finite(test_loss, epoch, folder)  # the last step alone can spoil the weights
            if train_loss < state["best"]["loss"]:
                weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
                state["best"] = {"epoch": epoch, "loss": train_loss, "weights": weights}
            speed = round(len(train) / seconds, 2)
            history.append(Epoch(epoch, train_loss, test_loss, speed, int(time.time() * 1000)))
            write_history(folder / HISTORY, history)
            on_epoch_end(model, history)
            state["history"] = [asdict(row) for row in history]
            _save(state, folder / STATE, fabric)
        return Fit(state["best"]["weights"], state["best"]["epoch"], history)


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: LabDataset,
    order: Tensor,
    batch_size: int,
    fabric: Fabric,
) -> float:
    model.train()
    total = torch.zeros((), device=fabric.device)  # stays on the device: no waiting inside an epoch
    for lightness, ab in train.batches(batch_size, device=fabric.device, order=order):
        loss = l2(model(lightness), ab)
        fabric.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.detach() * len(lightness)
    return total.item() / len(train)


@torch.no_grad()
def mean_loss(model: nn.Module, photos: LabDataset, batch_size: int, fabric: Fabric) -> float:
    """Return the mean loss over photographs under a network's present weights."""
    model.eval()
    total = torch.zeros((), device=fabric.device)
    for lightness, ab in photos.batches(batch_size, device=fabric.device):
        total += l2(model(lightness), ab) * len(lightness)
    return total.item() / len(photos)


def estimate_seconds(
    model: nn.Module, train: LabDataset, params: Train, *, fabric: Fabric
) -> float:
    """Estimate how long a training will take, from two steps on a copy of the network."""
    model = copy.deepcopy(model).to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    sample = torch.arange(min(8, len(train)))
    durations = []
    for _ in range(2):  # the first one warms up
        started = time.perf_counter()
        for lightness, ab in train.batches(len(sample), device=fabric.device, order=sample):
            with fabric.autocast():
                loss = l2(model(lightness), ab)
            loss.backward()  # type: ignore[no-untyped-call]
        durations.append(time.perf_counter() - started)
    return durations[-1] / len(sample) * len(train) * params.epochs


def warn_if_long(
    name: str, model: nn.Module, train: LabDataset, params: Train, fabric: Fabric
) -> None:
    """Say before a long training on a CPU how long it will take, and what else could be done."""
    if fabric.device.type != "cpu":
        return
    seconds = estimate_seconds(model, train, params, fabric=fabric)
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
def only_process(folder: Path) -> Iterator[None]:
    """Keep other processes out of a training's folder, such as one that outlived its `dvc repro`.

    Raises:
        ColorizerError: if another process is training there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            yield
    except Timeout:
        raise ColorizerError(
            f"another process is training in {folder}: wait for it, or end it (`ps` shows it)"
        ) from None


@contextlib.contextmanager
def _explained_memory() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ColorizerError(
            f"the GPU's memory does not suffice: lower train.batch_size in params.yaml, or set "
            f"engine.precision to bf16-mixed ({' '.join(str(error).split())[:120]})"
        ) from error


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


def _require_finite(loss: float, epoch: int, folder: Path) -> None:
    if not math.isfinite(loss):
        raise ColorizerError(
            f"the loss became {loss} in epoch {epoch}: lower train.lr or set the model's "
            f"norm in params.yaml; the checkpoint of epoch {epoch - 1} is kept in {folder}"
        )


def _save(state: dict[str, Any], path: Path, fabric: Fabric) -> None:
    temporary = path.with_suffix(".tmp")
    fabric.save(temporary, state)
    temporary.replace(path)
