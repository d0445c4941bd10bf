"""A network's complexity: parameters, and multiply-adds for one picture."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from colorizer.models.registry import create_model, list_models


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(model: nn.Module, size: int) -> int:
    """Return the multiply-adds of the convolutions for one picture of size x size pixels."""
    model = copy.deepcopy(model).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 1, size, size))
    return int(counter.get_total_flops()) // 2  # PyTorch counts a multiply-add as two operations


def complexity_table(size: int, arguments: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table of every network.

    Args:
        size: side of the picture in pixels.
        arguments: by model, what `create_model` is given; defaults where a model is missing.
    """
    lines = [f"| model | parameters | multiply-adds per {size}x{size} image |", "|---|--:|--:|"]
    for name in list_models():
        model = create_model(name, **arguments.get(name, {}))
        cost = count_multiply_adds(model, size) / 1e9
        lines.append(f"| {name} | {count_parameters(model):,} | {cost:.2f} G |")
    return "\n".join(lines)
