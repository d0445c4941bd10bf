"""What models registered before import to colorize."""

from colorizer.inference.colorizer import Colorizer

__all__ = ["Colorizer"]
