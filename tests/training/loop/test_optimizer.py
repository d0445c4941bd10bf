"""Which parameters learn how."""

import pytest
import torch
from torch import nn

from colorizer.models import create_model
from colorizer.params.recipe import Recipe
from colorizer.training.loop.optimizer import make_optimizer


def small() -> nn.Module:
    return create_model("flagship", encoder="lite0", widths=[8, 8, 8])


def test_by_default_all_parameters_are_adam_s_alike_and_in_order() -> None:
    network = create_model("model2", widths=[4, 8, 8])
    optimizer = make_optimizer(network, 0.01, Recipe())
    assert type(optimizer) is torch.optim.Adam
    [group] = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.01, 0)
    assert all(a is b for a, b in zip(group["params"], network.parameters(), strict=True))


def test_the_encoder_learns_slower_and_norms_do_not_decay() -> None:
    network = small()
    recipe = Recipe(optimizer="adamw", weight_decay=0.02, encoder_lr=0.3)
    optimizer = make_optimizer(network, 0.002, recipe)
    assert type(optimizer) is torch.optim.AdamW
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    seen = set()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            seen.add(name)
            slow, decays = ".encoder." in name, parameter.ndim > 1
            assert group["lr"] == pytest.approx(0.0006 if slow else 0.002)
            assert group["weight_decay"] == (0.02 if decays else 0)
    assert seen == set(names.values())
    assert len(optimizer.param_groups) == 4
