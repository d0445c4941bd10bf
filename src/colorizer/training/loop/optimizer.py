"""Who learns how fast: Adam or AdamW, with a rate of its own for an encoder trained elsewhere."""

from collections import defaultdict
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from colorizer.params.recipe import Recipe


def make_optimizer(network: nn.Module, lr: float, recipe: Recipe) -> Optimizer:
    """Return a recipe's optimizer of a network.

    Norms and biases do not decay. An encoder that starts from weights made elsewhere, known by its
    method `load_pretrained`, learns at `recipe.encoder_lr` of the rate. Parameters that are treated
    alike share a group.

    Args:
        network: on the training device.
        lr: the highest learning rate.
        recipe: the model's own.
    """
    trained_elsewhere = {
        id(parameter)
        for module in network.modules()
        if hasattr(module, "load_pretrained")
        for parameter in module.parameters()
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for parameter in network.parameters():
        share = recipe.encoder_lr if id(parameter) in trained_elsewhere else 1.0
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups[share, decay].append(parameter)
    asked: list[dict[str, Any]] = [
        {"params": parameters, "lr": lr * share, "share": share, "weight_decay": decay}
        for (share, decay), parameters in groups.items()
    ]
    adam = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return adam(asked, lr=lr, fused=True)
