"""Pictures of over 8 bits in formats that Pillow reads to 8 bits: PNG, JPEG 2000, PNM, JPEG XL."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from colorizer.errors import ImageError
from colorizer.photo.depth import DeepFile, Samples


def deep_samples(image: Image.Image, data: bytes) -> Samples | None:
    """Return the samples of a picture of over 8 bits, None if Pillow has all that there is.

    Args:
        image: as `open_image` returns it.
        data: its file.

    Raises:
        ImageError: if nothing says how far its levels go.
    """
    if isinstance(image, DeepFile):
        return image.samples()
    reader = _DEEP.get(str(image.format))
    levels = reader(image, data) if reader and data else None
    if levels is not None:
        pixels, white = levels
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        gray, clear = pixels.shape[2] < 3, pixels.shape[2] % 2 == 0
        profile = image.info.get("icc_profile", b"")
        return Samples(
            pixels,
            "gray" if gray else "rgb",
            f"integers of {white.bit_length()} bits",
            white=white,
            opacity="apart" if clear else "none",
            profile=profile if isinstance(profile, bytes) else b"",
        )
    if data and (image.mode == "F" or (image.mode == "I" and image.format != "PPM")):
        kind = "integers" if image.mode == "I" else "floats"
        raise ImageError(
            f"{kind} of 32 bits in a {image.format} file, which does not say which level is white: "
            "save it as PNG or TIFF of 16 bits"
        )
    return None


Deep = tuple[NDArray[Any], int]
"""Levels, (H, W) or (H, W, C), and that of white."""


def _deep_png(image: Image.Image, data: bytes) -> Deep | None:
    if data[24:25] != b"\x10":  # bits a channel
        return None
    import imagecodecs

    image.load()  # reads the metadata that lie behind the pixels

    return imagecodecs.png_decode(data), 65535


def _deep_jpeg2000(_: Image.Image, data: bytes) -> Deep | None:
    bits = data[data.index(b"\xff\x4f\xff\x51") + 42] + 1  # a sign counts as 128 more
    if bits <= 8:
        return None
    if bits > 16:
        raise ImageError(f"a JPEG 2000 of {bits % 128} bits or with a sign: at most 16 are read")
    import imagecodecs

    return imagecodecs.jpeg2k_decode(data), (1 << bits) - 1


def _deep_pnm(image: Image.Image, data: bytes) -> Deep | None:
    """Read a binary PGM or PPM of two bytes a level, which Pillow reads to 8 bits in color."""
    if data[1:2] not in b"56":
        return None
    tile = cast(ImageFile.ImageFile, image).tile[0]
    white = tile.args[-1] if isinstance(tile.args, tuple) else 65535 * (tile.args == "I;16B")
    if not isinstance(white, int) or white <= 255:
        return None
    channels = 3 if data[1:2] == b"6" else 1
    shape = image.height, image.width, channels
    return np.frombuffer(data, ">u2", int(np.prod(shape)), tile.offset).reshape(shape), white


def _deep_jxl(_: Image.Image, data: bytes) -> Deep | None:
    import imagecodecs

    levels = imagecodecs.jpegxl_decode(data)
    if levels.ndim > 3:
        raise ImageError(f"{len(levels)} pictures in one JXL file: save each as a file of its own")
    if levels.dtype == np.uint8:
        return None
    if levels.dtype != np.uint16:
        raise ImageError(f"a JPEG XL of {levels.dtype}: save it with 16-bit integers")
    return levels, 65535


_DEEP: dict[str, Callable[[Image.Image, bytes], Deep | None]] = {
    "PNG": _deep_png,
    "JPEG2000": _deep_jpeg2000,
    "PPM": _deep_pnm,
    "JXL": _deep_jxl,
}
