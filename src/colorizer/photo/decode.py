"""The only door to image files: bytes to uint8 RGB, and back."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from colorizer.errors import ColorizerError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""File names that promise an image."""

Format = Literal["png", "jpeg"]

JPEG_QUALITY = 95
PNG_LEVEL = 3  # of zlib: 2.5 times as fast as Pillow's 6 on photographs, for 1% more bytes

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

GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


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
    with _opened(data) as image:
        gray, turn = image.mode in GRAY_MODES, _turn(image)
        rgb = _decode_jpeg(data, image)
        if rgb is None:
            rgb = np.array(to_rgb(image))
        return Photo(rgb if turn is None else _turned(rgb, turn), gray)


def decode_strokes(data: bytes) -> NDArray[np.uint8]:
    """Decode an image file with its opacity, upright.

    Args:
        data: the file's bytes; any format that Pillow reads.

    Returns:
        uint8 (H, W, 4), sRGB and opacity.

    Raises:
        ImageError: as `decode`.
    """
    with _opened(data) as image:
        turn = _turn(image)
        rgba = np.array(image if image.mode == "RGBA" else image.convert("RGBA"))
        return rgba if turn is None else _turned(rgba, turn)


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image file; whatever fails with it is an `ImageError`."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            check_size(image)
            yield image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("no readable image: of no format that is known") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"image too large: {error}") from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"no readable image: {reason}") from error


def count_pixels(data: bytes) -> int:
    """Return how many pixels an image file says it holds, or 0 if it is none."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.width * image.height
    except Exception:  # whoever decodes it says why
        return 0


def encode(rgb: NDArray[np.uint8], *, format: Format = "png") -> bytes:
    """Encode a picture.

    Args:
        rgb: uint8 (H, W, 3), sRGB.
        format: "png", without loss, or "jpeg", at quality 95 with full resolution of color.
    """
    if format == "jpeg":
        whole = np.ascontiguousarray(rgb)
        return bytes(simplejpeg.encode_jpeg(whole, JPEG_QUALITY, colorsubsampling="444"))
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "png", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def check_size(image: Image.Image) -> None:
    """Refuse an image of over `MAX_PIXELS` pixels, by its header alone.

    Raises:
        ImageError: if it is larger.
    """
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"image too large: {image.width} x {image.height} pixels; "
            f"at most {MAX_PIXELS // 1_000_000} megapixels are decoded"
        )


def _decode_jpeg(data: bytes, image: Image.Image) -> NDArray[np.uint8] | None:
    """Decode a common JPEG, to the bit as Pillow does but faster; None if Pillow has to decide."""
    if image.format not in ("JPEG", "MPO") or image.mode not in ("RGB", "L"):
        return None
    try:
        rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError:  # something is odd or damaged
        return None
    return rgb


def _turn(image: Image.Image) -> Image.Transpose | None:
    # not ImageOps.exif_transpose, which rewrites the EXIF and fails on photographs where it is odd
    return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))


def _turned(rgb: NDArray[np.uint8], turn: Image.Transpose) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(rgb).transpose(turn))


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a picture of any mode as RGB: what is transparent on white, 16 bits brought to 8."""
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
