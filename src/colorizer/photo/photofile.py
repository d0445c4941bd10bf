"""The file of a photograph as a person keeps it: read, and written again with nothing lost."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base

from colorizer.photo import exif
from colorizer.photo.decode import (
    GRAY_MODES,
    JPEG_QUALITY,
    PNG_LEVEL,
    UPRIGHT,
    ImageError,
    check_size,
)
from colorizer.photo.icc import read_pixels, to_8_bits
from colorizer.photo.metadata import Metadata
from colorizer.photo.png16 import encode_png_16
from colorizer.photo.tiff import encode_tiff

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".avif": "AVIF",
}
"""The formats that are read and written, by file suffix; of several the first is the usual one."""

OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": JPEG_QUALITY, "subsampling": "4:4:4"},
    "PNG": {"compress_level": PNG_LEVEL},
    "WEBP": {"quality": 95, "exact": True},  # exact: also the colors that alpha hides
    "AVIF": {"quality": 90, "subsampling": "4:4:4", "speed": 8},
    "BMP": {},
}
"""Of Pillow, for writing."""

REDUCED = 1
"""Of a TIFF's pictures, that one is another, smaller."""


@dataclass(frozen=True)
class PhotoFile:
    """A photograph, and what its file says of it.

    Attributes:
        rgb: uint8 (H, W, 3), 0..255, sRGB, upright; also the colors that alpha hides.
        gray16: uint16 (H, W), 0..65535, sRGB's levels of a gray picture of over 8 bits; else None.
        alpha: uint8 (H, W), 255 where the picture is opaque; None if the file has no such channel.
        single_channel: whether the file holds lightness alone.
        format: the file's, one of `FORMATS`' values.
        metadata: what else the file says.
    """

    rgb: NDArray[np.uint8]
    gray16: NDArray[np.uint16] | None
    alpha: NDArray[np.uint8] | None
    single_channel: bool
    format: str
    metadata: Metadata

    @classmethod
    def parse(cls, data: bytes) -> "PhotoFile":
        """Read a file.

        Args:
            data: the file's bytes, in one of `FORMATS`.

        Raises:
            ImageError: if they are no such file, are cut short, or hold several pictures, or one
                of over `images.MAX_PIXELS` pixels.
        """
        with _one_line():
            image = _open(data)
            metadata = Metadata.read(image, data)
            # a negative, which Pillow does not see if it is of 16 bits
            negative = set(exif.tiff_value(data, Base.PhotometricInterpretation)) == {0}
            single_channel, format = image.mode in GRAY_MODES, _format(image)
            image = _turned(image, metadata.orientation)
            rgb, gray16, alpha = read_pixels(image, white_is_zero=negative)
            return cls(rgb, gray16, alpha, single_channel, format, metadata)

    @property
    def on_white(self) -> NDArray[np.uint8]:
        """The photograph as it is shown, uint8 (H, W, 3): on white where it is transparent."""
        return self.rgb if self.alpha is None else np.asarray(self._picture(self.rgb, "JPEG"))

    @property
    def levels(self) -> NDArray[Any]:
        """The photograph at its full depth, as `color.recolor` takes it: `gray16`, or `rgb`."""
        return self.rgb if self.gray16 is None else self.gray16

    def encode(self, rgb: NDArray[Any], format: str | None = None) -> bytes:
        """Write the photograph in other colors, with all else as it was.

        What the format cannot hold is brought to what it can: 16 bits to 8, and what is transparent
        onto white. The file says that its colors are sRGB.

        Args:
            rgb: uint8 or uint16 (H, W, 3), sRGB, upright.
            format: one of `FORMATS`' values, by default the file's own.

        Raises:
            ImageError: if the format cannot hold a picture of this size.
            TypeError: if `rgb` is of another type.
            ValueError: if `rgb` is of another size than the photograph, or `format` is unknown.
        """
        format = format or self.format
        if rgb.dtype not in (np.uint8, np.uint16):
            raise TypeError(f"rgb is {rgb.dtype}; expected uint8 or uint16")
        if rgb.shape != self.rgb.shape:
            raise ValueError(f"rgb has shape {rgb.shape}; the photograph's is {self.rgb.shape}")
        if format not in FORMATS.values():
            raise ValueError(f"no format {format}; known are {', '.join(_known())}")
        said = self.metadata
        if format == "TIFF":
            blocks = said.tiff_blocks()
            return encode_tiff(rgb, self.alpha, exif=said.exif, blocks=blocks, dpi=said.dpi)
        options = OPTIONS[format] | said.pillow_options(format)
        if rgb.dtype == np.uint16:
            if format == "PNG":
                return encode_png_16(rgb, self.alpha, **options)
            rgb = to_8_bits(rgb)
        picture, buffer = self._picture(rgb, format), io.BytesIO()
        try:
            picture.save(buffer, format, **options)
        except (OSError, ValueError) as error:
            size = f"{picture.width} x {picture.height}"
            raise ImageError(f"{size} pixels cannot be written as {format}: {error}") from error
        return buffer.getvalue()

    def _picture(self, rgb: NDArray[np.uint8], format: str) -> Image.Image:
        picture = Image.fromarray(rgb)
        if self.alpha is None:
            return picture
        mask = Image.fromarray(self.alpha)
        if format in ("JPEG", "BMP"):
            ground = Image.new("RGB", picture.size, "white")
            ground.paste(picture, mask=mask)
            return ground
        picture.putalpha(mask)
        return picture


@contextmanager
def _one_line() -> Iterator[None]:
    """Make one clear line of whatever a file that cannot be read raises."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise ImageError("no readable image: of no format that is known") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"image too large: {error}") from None
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"no readable image: {reason}") from error


def _open(data: bytes) -> Image.Image:
    """Return a file's picture, decoded."""
    image = Image.open(io.BytesIO(data))
    check_size(image)
    pictures = _count_pictures(image, data)
    if pictures > 1:
        raise ImageError(
            f"{pictures} pictures in one {image.format} file: save each as a file of its own"
        )
    if _format(image) not in FORMATS.values():
        raise ImageError(f"a file of format {image.format}: save it as {', '.join(_known())}")
    image.load()
    return image


def _count_pictures(image: Image.Image, data: bytes) -> int:
    """Count a file's pictures, without the smaller copies of them that a TIFF may hold."""
    if image.format == "MPO":  # views of one scene, of which the first is the photograph
        return 1
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1)
    pages = TiffImagePlugin.TiffImageFile(io.BytesIO(data))  # going to a page leaves marks on it
    whole = []
    for page in range(pages.n_frames):
        pages.seek(page)
        whole.append(not pages.tag_v2.get(Base.NewSubfileType, 0) & REDUCED)
    if not whole[0]:
        raise ImageError("a preview alone, as in a camera's raw file: export that as TIFF or JPEG")
    return sum(whole)


def _format(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)


def _known() -> list[str]:
    return sorted(set(FORMATS.values()))


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return a picture upright; the one given cannot be used any more."""
    if orientation not in UPRIGHT:
        return image
    upright = image.transpose(UPRIGHT[orientation])
    image.close()  # frees its pixels
    return upright
