"""What changes over a training: the learning rate, and the size of what is learned from."""

import math
from collections.abc import Sequence
from typing import Literal

from torch.optim import Optimizer


def set_lr(
    optimizer: Optimizer,
    lr: float,
    schedule: Literal["constant", "cosine"],
    progress: float,
    *,
    warmup: float = 0.05,
) -> None:
    """Set an optimizer's learning rate; a constant one stays as it is.

    Args:
        optimizer: with any number of parameter groups; each may have a "share" of the rate.
        lr: the highest learning rate.
        schedule: "constant" or "cosine".
        progress: the share of the training that is done, 0..1.
        warmup: the share of the training in which a cosine's rate rises.
    """
    if schedule == "cosine":
        for group in optimizer.param_groups:
            group["lr"] = lr * group.get("share", 1.0) * cosine(progress, warmup)


def cosine(progress: float, warmup: float = 0.05) -> float:
    """Return the share of the learning rate at a share of the training, both 0..1.

    It rises from 0 within the warm-up and falls to 0 as half a cosine.
    """
    if progress < warmup:
        return progress / warmup
    return (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def size_at(sizes: Sequence[tuple[int, float]], progress: float, *, default: int) -> int:
    """Return the pixels of a side that a training is at.

    Args:
        sizes: one after the other, each with its share of the training.
        progress: the share of the training that is done, 0..1.
        default: if there are no sizes.

    Example:
        >>> [size_at(((128, 0.5), (192, 0.5)), at, default=64) for at in (0.0, 0.49, 0.5, 1.0)]
        [128, 128, 192, 192]
    """
    reached = default
    start = 0.0
    for size, share in sizes:
        if progress >= start:
            reached = size
        start += share
    return reached
