"""Weights that describe themselves: model, arguments and colour convention in one safetensors."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from colorizer.color import convention
from colorizer.errors import ColorizerError
from colorizer.models import create_model

FORMAT = "colorizer/1"
KEY = "colorizer"  # of the metadata


@dataclass(frozen=True)
class ModelCard:
    """What is needed besides the weights to rebuild a model and to use it.

    Attributes:
        model: a name in `list_models()`.
        arguments: what `create_model` was given.
        size: side in pixels of the square pictures that it was trained on.
        resample: the filter that brought them to this size.
    """

    model: str
    arguments: dict[str, Any]
    size: int
    resample: str = "bicubic"


def save_weights(path: Path, card: ModelCard, weights: dict[str, Tensor]) -> None:
    """Write weights and their card; the file appears under its name only when it is whole."""
    described = {"format": FORMAT, "color": convention(), **asdict(card)}
    metadata = {KEY: json.dumps(described, sort_keys=True)}  # one key: safetensors shuffles several
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(save(contiguous, metadata=metadata))
    temporary.replace(path)


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """Rebuild a model from its weights file, on the CPU and ready for use (`eval`).

    Raises:
        ColorizerError: if the file is missing, is no weights file of this project, or was made
            under another colour convention.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(KEY, "{}"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ColorizerError(f"{path} is no readable weights file: {error}") from None
    _check(path, described)
    card = ModelCard(**{field.name: described[field.name] for field in fields(ModelCard)})
    model = create_model(card.model, **card.arguments)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ColorizerError(f"{path}: the weights do not fit {card.model}: {reason}") from None
    return model.eval(), card


def _check(path: Path, described: dict[str, Any]) -> None:
    if described.get("format") != FORMAT:
        raise ColorizerError(
            f"{path}: format is {described.get('format')!r}; expected {FORMAT!r}: "
            "it was not written by this version of colorizer"
        )
    if described["color"] != convention():
        raise ColorizerError(
            f"{path}: trained with colour as {described['color']}, but this version uses "
            f"{convention()}"
        )
