"""Knobs that are right alone and wrong together: refused before any work starts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colorizer.params import Params, Profile


def refuse_recipe(model: str, params: "Params") -> None:
    """Refuse a recipe that the photographs of the active profile cannot follow.

    How many photographs `split.train_only` adds is not known.

    Args:
        model: one that is trained.
        params: all of them.

    Raises:
        ValueError: naming the knob, and the one that it does not agree with.
    """
    recipe, split = params.active.models[model].recipe, params.active.split
    preprocess = params.active.preprocess
    knob = f"profiles.{params.profile}.models.{model}.recipe"
    if recipe.select == "validation" and not split.validation:
        raise ValueError(
            f"{knob}.select is validation, but split.validation is 0: raise it, or select by train"
        )
    if recipe.calibrate >= split.train and not split.train_only:
        raise ValueError(
            f"{knob}.calibrate is {recipe.calibrate}, but split.train is {split.train}: leave "
            "photographs to learn from"
        )
    largest = max((size for size, _ in recipe.sizes), default=0)
    if largest > preprocess.side:
        side = "image_size" if preprocess.geometry == "square" else "short_side"
        raise ValueError(
            f"{knob}.sizes reaches {largest}, but preprocess.{side} is {preprocess.side}: raise it"
        )


def refuse_shares(model: str, profile: "Profile", devices: int) -> None:
    """Refuse a batch size that leaves a device of this machine without a photograph.

    Args:
        model: one that is trained.
        profile: the active one.
        devices: `engine.devices`.

    Raises:
        ValueError: naming the knob.
    """
    batch_size = profile.train.batch_size
    photos = profile.split.train - profile.models[model].recipe.calibrate
    smallest = min(batch_size, photos % batch_size or batch_size)
    if smallest < devices and not profile.split.train_only:
        raise ValueError(
            f"engine.devices is {devices}, but of {model}'s {photos} photographs train.batch_size "
            f"{batch_size} leaves a batch of {smallest}: choose another batch size"
        )
