"""What a recipe needs before a training starts: weights to start from, photographs that suffice."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.models.weights import load_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params.recipe import Recipe

FindWeights = Callable[[str], Path]
"""From what `recipe.start` says to a weights file."""


def load_start(
    recipe: Recipe, wanted: WeightsMetadata, find: FindWeights
) -> dict[str, Tensor] | None:
    """Return the weights that a training starts from, if its recipe names some, single precision.

    How a network makes colors of its classes, and the size at which it sees photographs, may differ
    from what the training asks for.

    Args:
        recipe: names them, and their digest: it is a param, on which the stage and its checkpoints
            depend.
        wanted: the network to be trained.
        find: gets the weights file.

    Raises:
        ColorizerError: if the file is not the one that the digest is of, or of another network.
    """
    if not recipe.start:
        return None
    path = find(recipe.start)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != recipe.start_sha256:
        raise ColorizerError(
            f"recipe.start_sha256 of {wanted.model} is {recipe.start_sha256!r}, but {path} has "
            f"{digest}: set it to that if these are the weights to start from"
        )
    network, found = load_model(path)
    weights = network.float().state_dict()
    expected = create_model(wanted.model, **wanted.arguments).state_dict()
    if {n: w.shape for n, w in weights.items()} != {n: w.shape for n, w in expected.items()}:
        raise ColorizerError(
            f"recipe.start of {wanted.model}: {path} is a {found.model} with {found.arguments}, of "
            f"other layers than the one to train, with {wanted.arguments}: name weights of the same"
        )
    return weights


def check_recipe(recipe: Recipe, model: str, photos: LabDataset, *, chosen_by: bool) -> None:
    """Refuse what a recipe cannot have of these photographs now, not after hours of training.

    Args:
        recipe: a model's own.
        model: its name.
        photos: all training photographs.
        chosen_by: whether there are validation photographs.

    Raises:
        ColorizerError: naming the knob.
    """
    if recipe.select == "validation" and not chosen_by:
        raise ColorizerError(
            f"recipe.select of {model} is validation, but there are no validation photographs: set "
            "split.validation in params.yaml, or select by train"
        )
    largest = max((size for size, _ in recipe.sizes), default=0)
    if largest > photos.size:
        raise ColorizerError(
            f"recipe.sizes of {model} reaches {largest}, but the photographs' short side is "
            f"{photos.size}: raise preprocess.short_side (or image_size) in params.yaml"
        )
