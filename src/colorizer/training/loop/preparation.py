"""What a training begins with: a network, its loss, and the photographs it learns from."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.params.recipe import Recipe
from colorizer.training.loop.ab_encoding import count_bins, rebalancing_weights
from colorizer.training.loop.calibration import find_curve
from colorizer.training.loop.losses import Objective

PRIOR_SIDE = 64  # pixels of a photograph's side that the colors' prior looks at
PRIOR_PHOTOS = 256  # at once


def prepare(
    model: str,
    arguments: Mapping[str, Any],
    photos: LabDataset,
    *,
    seed: int,
    recipe: Recipe,
    start: dict[str, Tensor] | None = None,
    resumed: bool = False,
) -> tuple[Objective, LabDataset]:
    """Build a network and its loss, and keep out the photographs that it is calibrated on.

    Args:
        model: a name in `list_models()`.
        arguments: what `create_model` is given.
        photos: all training photographs.
        seed: of the initial weights.
        recipe: the model's own.
        start: all of the weights to begin with, of the same network; by default they are random,
            but for those that `load_pretrained` gets.
        resumed: whether a checkpoint has all of the weights, so that none are needed from
            elsewhere.

    Returns:
        The loss of the network as its training begins, and the photographs to learn from.

    Raises:
        ColorizerError: if the network and the recipe do not fit, or `recipe.calibrate` leaves no
            photographs to learn from.
    """
    torch.manual_seed(seed)
    network = create_model(model, **arguments)
    if start is not None:
        network.load_state_dict(start)
    elif not resumed:
        load_pretrained(network)
    if recipe.calibrate:
        find_curve(network)  # refuse a network without one now, not after hours of training
        photos = _keep_out(photos, recipe.calibrate, model)
    weights = prior_weights(photos, recipe.uniform) if recipe.uniform < 1 else None
    if weights is not None and (take_back := getattr(network, "take_back", None)):
        take_back(weights)
    objective = Objective(
        network, recipe.loss, gradient_weight=recipe.gradient, bin_weights=weights
    )
    return objective, photos


def _keep_out(photos: LabDataset, count: int, model: str) -> LabDataset:
    """Return the photographs without the last `count`, on which the network is calibrated."""
    if count >= len(photos):
        raise ColorizerError(
            f"recipe.calibrate of {model} is {count}; expected fewer than the "
            f"{len(photos)} training photographs"
        )
    rest, _ = photos.divide(count)
    return rest


def load_pretrained(network: nn.Module) -> None:
    """Give a new network the weights from elsewhere that its training starts from, if any.

    A module of a network, such as its encoder, that starts from weights made elsewhere has a method
    `load_pretrained()`, which finds and loads them. Training alone asks for them, once, before its
    first step. A trained network's file holds all of its weights, so that loading one needs nothing
    else.

    Args:
        network: from `create_model`.
    """
    for module in network.modules():
        if load := getattr(module, "load_pretrained", None):
            load()


def prior_weights(photos: LabDataset, uniform: float) -> Tensor:
    """Return how much a pixel of each color bin counts, by how rare the bin is: float32 (Q,).

    Args:
        photos: whose colors are counted, on every few pixels.
        uniform: the share of the uniform distribution in the prior, as in `rebalancing_weights`.
    """
    step = max(1, photos.size // PRIOR_SIDE)
    rows = torch.split(torch.arange(len(photos)), PRIOR_PHOTOS)
    parts = [count_bins(photos.squares(part)[1][..., ::step, ::step].float()) for part in rows]
    return rebalancing_weights(torch.stack(parts).sum(0), uniform)
