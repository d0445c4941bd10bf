"""The networks: lightness in, color out, each made by name."""

from colorizer.models.registry import create_model, list_models, load_pretrained

__all__ = ["create_model", "list_models", "load_pretrained"]
