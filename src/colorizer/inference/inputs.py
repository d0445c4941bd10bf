"""Arrays, paths, bytes and Pillow's images to the sRGB pixels that a network sees."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.photo.decode import decode, read_photo
from colorizer.photo.pixels import gray_to_rgb, on_white, to_8_bits

PhotoLike = str | Path | bytes | Image.Image | NDArray[Any]
"""An image file's path or bytes, a picture of Pillow's, or an array."""

EXPECTED = "uint8, uint16, bool, or floats in 0..1"


def to_rgb(photo: PhotoLike) -> NDArray[np.uint8]:
    """Return a photograph as it is shown, uint8 (H, W, 3), sRGB.

    Args:
        photo: an image file's path or bytes, as `decode` takes them; a picture of Pillow's, of
            which profile and orientation are honored too; or an array of sRGB levels, (H, W),
            (H, W, 1), (H, W, 3) or (H, W, 4) with opacity: uint8, uint16, bool, or floats in 0..1.

    Raises:
        FileNotFoundError: if there is no such file.
        ImageError: if the file is no image, or holds several pictures.
        TypeError: if it is nothing of these.
        ValueError: if an array has another shape, or floats outside of 0..1.
    """
    if isinstance(photo, np.ndarray):
        return array_to_rgb(photo)
    if isinstance(photo, Image.Image):
        return read_photo(photo).rgb
    if isinstance(photo, str | Path):
        return decode(Path(photo).read_bytes()).rgb
    if isinstance(photo, bytes):
        return decode(photo).rgb
    raise TypeError(
        f"a photograph of type {type(photo).__name__}; expected a path, an image file's bytes, a "
        "Pillow image, a NumPy array, or a list of these"
    )


def array_to_rgb(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an array of sRGB levels as uint8 (H, W, 3), as `to_rgb`."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not fits or not array.size:
        batch = "; give a batch as a list" if array.ndim == 4 else ""
        raise ValueError(
            f"an array of shape {array.shape}; expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
            f"{batch}"
        )
    levels = _to_8_bits(array)
    if levels.ndim == 2:
        return gray_to_rgb(levels)
    if levels.shape[2] == 3:
        return levels
    return on_white(np.ascontiguousarray(levels[..., :3]), np.ascontiguousarray(levels[..., 3]))


def _to_8_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return to_8_bits(array)
    if array.dtype == bool:
        return array * np.uint8(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(
            f"an array of {array.dtype}; expected {EXPECTED}: "
            "if its levels are 0..255, give array.astype(numpy.uint8)"
        )
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # so that NaN is refused too
        raise ValueError(
            f"an array of {array.dtype} with values from {low:g} to {high:g}; expected {EXPECTED}: "
            "if its levels are 0..255, divide it by 255"
        )
    levels: NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return levels
