"""What models registered before import of decoding."""

from colorizer.photo.decode import ImageError

__all__ = ["ImageError"]
