"""The only door to image files: bytes to uint8 RGB, and back."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from colorizer.errors import ColorizerError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""File names that promise an image."""

MAX_PIXELS = 200_000_000
"""A larger image is refused: decoding it would take more than 600 MB."""

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


class ImageError(ColorizerError):
    """The bytes are no image that can be used."""


@dataclass(frozen=True)
class Photo:
    """A decoded photograph.

    Attributes:
        rgb: uint8 (H, W, 3), 0..255, upright.
        single_channel: whether the file holds lightness alone.
    """

    rgb: NDArray[np.uint8]
    single_channel: bool


def decode(data: bytes) -> Photo:
    """Decode an image file as it is shown: upright, on a white ground if it is transparent.

    Args:
        data: the file's bytes; any format that Pillow reads. Of several frames the first counts.

    Raises:
        ImageError: if the bytes are no image, are cut short, or hold over `MAX_PIXELS` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF, and of bombs before we do
            with Image.open(io.BytesIO(data)) as image:
                _check_size(image)
                upright = ImageOps.exif_transpose(image)
                return Photo(np.asarray(_to_rgb(upright)), image.mode in GREY_MODES)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"image too large: {error}") from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"no readable image: {reason}") from error


def resize(rgb: NDArray[np.uint8], *, size: int, resample: str) -> NDArray[np.uint8]:
    """Resize a whole picture to a square, whatever its proportions.

    Args:
        rgb: uint8 (H, W, 3).
        size: the square's side in pixels.
        resample: a filter of Pillow's by name, such as "bicubic"; all but "nearest" antialias.

    Returns:
        uint8 (size, size, 3).
    """
    image = Image.fromarray(rgb).resize((size, size), Image.Resampling[resample.upper()])
    return np.asarray(image)


def encode_png(rgb: NDArray[np.uint8]) -> bytes:
    """Encode a uint8 (H, W, 3) sRGB picture as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "png")
    return buffer.getvalue()


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"image too large: {image.width} x {image.height} pixels; "
            f"at most {MAX_PIXELS // 1_000_000} megapixels are decoded"
        )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # 16 and 32 bits: to 8, by the full range
        wide = np.asarray(image, dtype=np.float64)
        top = 65535.0 if wide.max(initial=0) > 255 else 255.0
        return Image.fromarray((wide / top * 255).clip(0, 255).round().astype(np.uint8)).convert(
            "RGB"
        )
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image.convert("RGB")
