"""One pass over the photographs: a step for every batch, or none and only the loss."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from colorizer.color.lab import normalize_lightness
from colorizer.data.dataset import LabDataset
from colorizer.params import Train
from colorizer.params.recipe import Recipe
from colorizer.training.loop.augmentation import augment, draw_choices
from colorizer.training.loop.degradation import degrade
from colorizer.training.loop.losses import Objective
from colorizer.training.loop.order import permutation
from colorizer.training.loop.schedule import set_lr, size_at
from colorizer.training.loop.state import AT_ITS_START, Begun


def train_epoch(
    objective: nn.Module,
    optimizer: Optimizer,
    train: LabDataset,
    epoch: int,
    params: Train,
    recipe: Recipe,
    fabric: Fabric,
    *,
    begun: Begun = AT_ITS_START,
    after_step: Callable[[Begun], None] = lambda begun: None,
) -> float:
    """Take a step for every batch of an epoch.

    All that is random depends on (seed, epoch, step) alone, so that an epoch may be left after any
    step and gone on with in another process.

    Args:
        objective: an `Objective`, set up by `fabric`.
        optimizer: its network's optimizer, set up by `fabric`.
        train: the photographs, or this process's share of them.
        epoch: which; it decides the photographs' order, and how they are augmented.
        params: what holds for all models.
        recipe: the model's own.
        fabric: what set them up.
        begun: the steps that an earlier process has taken.
        after_step: called after every step.

    Returns:
        The mean loss over all photographs, each under the weights of its moment.
    """
    objective.train()
    steps = -(-len(train) // params.batch_size)
    total = torch.zeros((), device=fabric.device)  # stays on the device: no waiting inside an epoch
    if begun.total is not None:
        total += begun.total.to(fabric.device)
    batches = _batches(train, epoch, params, recipe, fabric, first=begun.steps)
    for step, (share, lightness, ab) in enumerate(batches, start=begun.steps):
        progress = (epoch - 1 + step / steps) / params.epochs
        torch.manual_seed(_seed(params, epoch, step))  # of dropout
        set_lr(optimizer, params.lr, recipe.schedule, progress, warmup=recipe.warmup)
        loss = objective(lightness, ab)
        fabric.backward(loss * share * fabric.world_size)  # gradients are averaged over processes
        if recipe.clip:
            fabric.clip_gradients(objective, optimizer, max_norm=recipe.clip)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.detach() * len(lightness)
        after_step(Begun(step + 1, total))
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


def _batches(
    train: LabDataset, epoch: int, params: Train, recipe: Recipe, fabric: Fabric, *, first: int
) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Yield an epoch's batches from a step on, augmented and aged as the recipe says.

    Yields:
        The share of the batch that is this process's, lightness (N, 1, H, W) and ab (N, 2, H, W).
    """
    order = permutation(len(train), seed=params.seed, epoch=epoch)
    choices = draw_choices(len(train), seed=params.seed, epoch=epoch)
    parts = torch.split(order, params.batch_size)
    left = order[first * params.batch_size :]
    batches = train.batches(params.batch_size, device=fabric.device, order=left, whole=True)
    for step, (lightness, ab) in enumerate(batches, start=first):
        part = parts[step]
        own = (part % train.world == train.rank).nonzero()[:, 0]
        lightness, ab = augment(
            lightness,
            ab,
            choices[part[own]],
            flip=recipe.flip,
            crop=recipe.crop,
            aspect=recipe.aspect,
            side=size_at(
                recipe.sizes,
                (epoch - 1 + step / len(parts)) / params.epochs,
                default=train.size,
            ),
            shapes=train.shapes_of(part),
        )
        if recipe.degrade:
            aged = degrade(
                50 * (lightness + 1),
                seed=_seed(params, epoch, step),
                count=len(part),
                own=own.to(fabric.device),
            )
            lightness = normalize_lightness(aged)
        yield len(own) / len(part), lightness, ab


def _seed(params: Train, epoch: int, step: int) -> int:
    """Return what seeds the random numbers of a step."""
    sequence = np.random.SeedSequence([params.seed % 2**32, epoch, 3, step])
    return int(sequence.generate_state(1, np.uint32)[0])


def _sum(total: Tensor, fabric: Fabric) -> float:
    return float(fabric.all_reduce(total, reduce_op="sum"))  # type: ignore[arg-type]
