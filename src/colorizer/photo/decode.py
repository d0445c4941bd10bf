"""The only way from image files to pixels: sRGB, upright, with their depth and opacity."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from colorizer.errors import ImageError as ImageError
from colorizer.errors import is_out_of_memory, one_line
from colorizer.photo.deep_formats import deep_samples
from colorizer.photo.depth import DeepFile, to_16_bits
from colorizer.photo.jpeg_scans import MAX_SCANS, count_scans
from colorizer.photo.opening import count_pages, open_image, open_pages, size_before_decoding
from colorizer.photo.orientation import read_orientation, turn_upright
from colorizer.photo.pixels import GRAY_MODES, gray_to_rgb, on_white, read_pixels, to_8_bits

MAX_PIXELS = 178_956_970
"""A larger image is refused, as Pillow does: decoding it would take more than 500 MB."""

ONE_PICTURE = frozenset({"MPO", "PSD", "HEIF"})
"""Formats whose further pictures are views, layers or variants of the first."""

ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
"""Formats whose further pictures follow the first in time."""

warnings.filterwarnings("ignore", module="PIL")  # of odd EXIF, and of sizes below the limit


@dataclass(frozen=True)
class Photo:
    """A decoded photograph: sRGB, upright.

    Attributes:
        levels: uint8 (H, W, 3), 0..255, also the colors that opacity hides; of a picture of over 8
            bits uint16, 0..65535: (H, W, 3), or (H, W) if it is gray.
        alpha: uint8 or uint16 (H, W), 255 or 65535 where the picture is opaque; None if the file
            has no such channel.
        single_channel: whether the file holds lightness alone.
    """

    levels: NDArray[Any]
    alpha: NDArray[Any] | None
    single_channel: bool

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """The photograph as it is shown, uint8 (H, W, 3): on white where it is transparent."""
        rgb = to_8_bits(self.levels)
        rgb = gray_to_rgb(rgb) if rgb.ndim == 2 else rgb
        return rgb if self.alpha is None else on_white(rgb, self.alpha)


def decode(data: bytes) -> Photo:
    """Decode an image file.

    A color profile, the orientation in EXIF or XMP, depth, opacity and CMYK are honored; a profile
    that is damaged or another mode's is passed over.

    Args:
        data: the file's bytes, of one of `signatures.SUFFIXES`' formats, with a single picture.

    Raises:
        ImageError: if the bytes are no image, are cut short, hold several pictures, or one of over
            `MAX_PIXELS` pixels.
    """
    with open_picture(data) as image:
        return read_photo(image, data)


def split_pages(data: bytes) -> Iterator[bytes]:
    """Yield a file for each page of a TIFF or PDF file; of any other kind the file itself.

    Raises:
        ImageError: if the pages cannot be found.
    """
    with readable():
        yield from open_pages(data)


def decode_strokes(data: bytes) -> NDArray[np.uint8]:
    """Decode an image file with its opacity, as `decode`.

    Returns:
        uint8 (H, W, 4), sRGB and opacity.

    Raises:
        ImageError: as `decode`.
    """
    photo = decode(data)
    opaque = np.full(photo.levels.shape[:2], 255, np.uint8)
    rgb = to_8_bits(photo.levels) if photo.levels.ndim == 3 else photo.rgb
    return np.dstack([rgb, opaque if photo.alpha is None else to_8_bits(photo.alpha)])


@contextlib.contextmanager
def open_picture(data: bytes) -> Iterator[Image.Image]:
    """Open an image file's only picture; whatever fails with it is an `ImageError`.

    Raises:
        ImageError: as `decode`.
    """
    with readable(), open_image(data) as image:
        _check_size(image)
        _check_scans(image, data)
        _check_single(image, data)
        yield image


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Turn whatever fails with a file into an `ImageError`."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise ImageError("no readable image: of no format that is known") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"image too large: {error}") from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        if is_out_of_memory(error):  # as libraries say it; the file may be whole
            raise MemoryError(one_line(error)) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"no readable image: {reason}") from error


def read_photo(image: Image.Image, data: bytes = b"") -> Photo:
    """Return the photograph that Pillow has opened.

    Args:
        image: any picture; of several frames the current one.
        data: its file, if there is one: a common JPEG is decoded faster from it.
    """
    samples = deep_samples(image, data)
    if samples is not None:
        return _upright(Photo(*to_16_bits(samples), samples.space == "gray"), image)
    decoded = _decode_jpeg(data, image)
    if decoded is None:
        image.load()
    single_channel = image.mode in GRAY_MODES
    levels, alpha = read_pixels(image, decoded)
    return _upright(Photo(levels, alpha, single_channel), image)


def count_pixels(data: bytes) -> int:
    """Return how many pixels an image file says it holds.

    Returns:
        0 if it is no image; over `MAX_PIXELS` if it is one too large to be opened.
    """
    try:
        width, height = size_before_decoding(data)
        return width * height
    except Image.DecompressionBombError:
        return MAX_PIXELS + 1
    except Exception:  # whoever decodes it says why
        return 0


def _upright(photo: Photo, image: Image.Image) -> Photo:
    deep = image if isinstance(image, DeepFile) else None
    orientation = deep.orientation if deep else read_orientation(image)
    alpha = None if photo.alpha is None else turn_upright(photo.alpha, orientation)
    return Photo(turn_upright(photo.levels, orientation), alpha, photo.single_channel)


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"image too large: {image.width} x {image.height} pixels; "
            f"at most {MAX_PIXELS // 1_000_000} megapixels are decoded"
        )


def _check_scans(image: Image.Image, data: bytes) -> None:
    if image.info.get("progressive") and (scans := count_scans(data)) > MAX_SCANS:
        raise ImageError(
            f"a JPEG of {scans:,} scans; at most {MAX_SCANS} are decoded: save it anew"
        )


def _check_single(image: Image.Image, data: bytes) -> None:
    pictures = count_pages(image, data)
    if pictures > 1 and image.format not in ONE_PICTURE:
        what = f"{pictures} pictures in one {image.format} file"
        if image.format in ANIMATED:
            what = f"an animation of {pictures} pictures, whose colors would flicker"
        raise ImageError(f"{what}: save each as a file of its own")


def _decode_jpeg(data: bytes, image: Image.Image) -> NDArray[np.uint8] | None:
    """Decode a common JPEG, to the bit as Pillow does but faster; None if Pillow has to decide."""
    if not data or image.format not in ("JPEG", "MPO") or image.mode not in ("RGB", "L"):
        return None
    try:
        rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError:  # something is odd or damaged
        return None
    return rgb
