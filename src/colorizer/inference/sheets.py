"""Pictures of a result for people to judge it by: before and after, and how sure the network is."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.inference.colorizer import Colorizer
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


def draw_confidence(rgb: NDArray[np.uint8], colorizer: Colorizer) -> bytes:
    """Draw how sure the network is: a gray PNG file of the photograph's size, white where it is.

    Raises:
        NoClassesError: if the network predicts no classes.
    """
    levels = np.round(255 * colorizer.confidence(rgb)).astype(np.uint8)
    size = rgb.shape[1], rgb.shape[0]
    buffer = io.BytesIO()
    Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR).save(buffer, "png")
    return buffer.getvalue()
