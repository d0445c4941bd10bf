"""The learning rate over a training."""

import math
from typing import Literal

from torch.optim import Optimizer

WARM_UP = 0.05  # share of a training in which a cosine schedule's learning rate rises


def set_lr(
    optimizer: Optimizer, lr: float, schedule: Literal["constant", "cosine"], progress: float
) -> None:
    """Set an optimizer's learning rate; a constant one stays as it is.

    Args:
        optimizer: with any number of parameter groups.
        lr: the highest learning rate.
        schedule: "constant" or "cosine".
        progress: the share of the training that is done, 0..1.
    """
    if schedule == "cosine":
        for group in optimizer.param_groups:
            group["lr"] = lr * cosine(progress)


def cosine(progress: float) -> float:
    """Return the share of the learning rate at a share of the training, both 0..1.

    It rises from 0 within `WARM_UP` and falls to 0 as half a cosine.
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2
