"""The only door to image files: bytes to uint8 RGB, and back."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from colorizer.errors import ColorizerError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""File names that promise an image."""

MAX_PIXELS = 178_956_970
"""A larger image is refused, as Pillow does: decoding it would take more than 500 MB."""

warnings.filterwarnings("ignore", module="PIL")  # of odd EXIF, and of sizes below the limit

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by its EXIF orientation."""

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
        with Image.open(io.BytesIO(data)) as image:
            _check_size(image)
            return Photo(np.asarray(_to_rgb(_upright(image))), image.mode in GREY_MODES)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("no readable image: of no format that is known") from None
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


def _upright(image: Image.Image) -> Image.Image:
    # not ImageOps.exif_transpose, which rewrites the EXIF and fails on photographs where it is odd
    turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # 16 and 32 bits: to 8, by the full range
        wide = np.asarray(image, dtype=np.float64)
        top = 65535 if image.mode.startswith("I;16") or wide.max(initial=0) > 255 else 255
        return Image.fromarray((wide / top * 255).clip(0, 255).round().astype(np.uint8)).convert(
            "RGB"
        )
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image.convert("RGB")
