"""Pictures of a result for people to judge it by: before and after, and how sure the network is."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.methods.probabilities import confidence
from colorizer.photo.encode import encode
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.pixels import on_white, shrink, to_8_bits

SHEET_HEIGHT = 1000  # pixels of a sheet that compares


def draw_sheet(photo: PhotoFile, colored: NDArray[Any]) -> bytes:
    """Return a JPEG file of a photograph before and after, no higher than `SHEET_HEIGHT`."""
    after = colored if colored.dtype == np.uint8 else to_8_bits(colored)
    if photo.alpha is not None:
        after = on_white(after, photo.alpha)
    pictures = [shrink(picture, SHEET_HEIGHT / len(after)) for picture in (photo.rgb, after)]
    return encode(np.concatenate(pictures, axis=1), format="jpeg")


def draw_confidence(probabilities: NDArray[np.float32], size: tuple[int, int]) -> bytes:
    """Draw how sure a network is: a gray PNG file, white where it is.

    Args:
        probabilities: (Q, h, w), of its classes.
        size: the photograph's height and width, which the picture gets.
    """
    levels = np.round(255 * confidence(probabilities)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).resize(size[::-1], Image.Resampling.BILINEAR).save(buffer, "png")
    return buffer.getvalue()
