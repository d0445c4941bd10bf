"""The networks: lightness in, color out, each made by name."""

from colorizer.models.registry import create_model, list_models

__all__ = ["create_model", "list_models"]
