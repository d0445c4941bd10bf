"""The networks: lightness in, colour out, each made by name."""

from colorizer.models import flagship, paper, rebalanced, unet, zhang  # noqa: F401  (register their models)
from colorizer.models.registry import create_model, list_models

__all__ = ["create_model", "list_models"]
