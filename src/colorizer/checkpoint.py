"""Weights that describe themselves: model, arguments and colour convention in one safetensors."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from colorizer.card import ModelCard
from colorizer.errors import ColorizerError
from colorizer.models import create_model


def save_weights(path: Path, card: ModelCard, weights: dict[str, Tensor]) -> None:
    """Write weights and their card; the file appears under its name only when it is whole."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(save(contiguous, metadata=card.to_metadata()))
    temporary.replace(path)


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """Rebuild a model from its weights file, on the CPU and ready for use (`eval`).

    Raises:
        ColorizerError: if the file is missing, is no weights file of this project, or was made
            under another colour convention.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ColorizerError(f"{path} is no readable weights file: {error}") from None
    card = ModelCard.from_metadata(path, metadata)
    model = create_model(card.model, **card.arguments)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ColorizerError(f"{path}: the weights do not fit {card.model}: {reason}") from None
    return model.eval(), card
