"""A photograph's file: read, and written again with nothing lost."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.photo.decode import ImageError, Photo, open_picture, read_photo, split_pages
from colorizer.photo.encode import JPEG_QUALITY, PNG_LEVEL
from colorizer.photo.marking import Mark
from colorizer.photo.metadata import HOLDS, Metadata
from colorizer.photo.opening import naming_what_lacks
from colorizer.photo.pixels import on_white, to_8_bits
from colorizer.photo.png16 import encode_png_16, interleaved
from colorizer.photo.tiff import TiffPage, encode_tiff

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".avif": "AVIF",
    ".jxl": "JXL",
    ".pdf": "PDF",
}
"""The formats that are written, by file suffix; of several the first is the usual one."""

OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": JPEG_QUALITY, "subsampling": "4:4:4"},
    "PNG": {"compress_level": PNG_LEVEL},
    "WEBP": {"quality": 95, "exact": True},  # exact: also the colors that alpha hides
    "AVIF": {"quality": 90, "subsampling": "4:4:4", "speed": 8},
    "BMP": {},
}
"""Of Pillow, for writing."""

NEAREST = {"HEIF": "JPEG", "RAW": "TIFF", "PSD": "TIFF"}
"""The formats in which others are written; what is not named here is written as PNG."""

PAGED = frozenset({"TIFF", "PDF"})
"""Of the formats, those that hold several pictures."""

PDF_DPI = 300
"""Of a photograph that does not say how large it is."""

NO_METADATA = frozenset(format for format, held in HOLDS.items() if not held)
"""Of the formats, those that hold pixels alone."""


def format_written(format: str) -> str:
    """Return the format, one of `FORMATS`' values, in which files of a format are written anew."""
    return format if format in FORMATS.values() else NEAREST.get(format, "PNG")


@dataclass(frozen=True)
class PhotoFile(Photo):
    """A photograph and its file's metadata.

    Attributes:
        format: the file's; a JPEG of several views is a JPEG.
        metadata: what else the file says.
    """

    format: str
    metadata: Metadata

    @classmethod
    def parse(cls, data: bytes) -> "PhotoFile":
        """Read a file, as `decode` does, with its metadata.

        Raises:
            ImageError: as `decode`.
        """
        with open_picture(data) as image:
            photo = read_photo(image, data)
            format = "JPEG" if image.format == "MPO" else str(image.format)
            metadata = Metadata.read(image, data)
            return cls(photo.levels, photo.alpha, photo.single_channel, format, metadata)

    @classmethod
    def pages(cls, data: bytes) -> Iterator["PhotoFile"]:
        """Read a file's pictures one after the other: pages of TIFF or PDF, of others the one.

        Raises:
            ImageError: as `decode`.
        """
        for number, page in enumerate(split_pages(data), 1):
            try:
                yield cls.parse(page)
            except ImageError as error:
                raise ImageError(f"page {number}: {error}" if number > 1 else str(error)) from error

    @property
    def format_written(self) -> str:
        """The format that `encode` writes by default: the nearest to the file's own."""
        return format_written(self.format)

    def marked(self, mark: Mark | None) -> Self:
        """Return the same photograph, of which `encode` says that its colors are invented.

        Args:
            mark: how they are made; None leaves the photograph as it is. The formats of
                `NO_METADATA` cannot hold it.
        """
        return replace(self, metadata=self.metadata.marked(mark)) if mark else self

    def losses(self, format: str | None = None) -> tuple[str, ...]:
        """Return what the file holds and `encode` does not write, in words that follow "its"."""
        return self.metadata.fitting(format or self.format_written).lost

    def encode(self, rgb: NDArray[Any], format: str | None = None) -> bytes:
        """Write the photograph in other colors, with all else as it was.

        What the format cannot hold is brought to what it can: 16 bits to 8, and what is transparent
        onto white. The file says that its colors are sRGB.

        Args:
            rgb: uint8 or uint16 (H, W, 3), sRGB, upright.
            format: one of `FORMATS`' values, by default `format_written`.

        Raises:
            ImageError: if the format cannot hold a picture of this size.
            TypeError: if `rgb` is of another type.
            ValueError: if `rgb` is of another size than the photograph, or `format` is unknown.
        """
        format = format or self.format_written
        if rgb.dtype not in (np.uint8, np.uint16):
            raise TypeError(f"rgb is {rgb.dtype}; expected uint8 or uint16")
        if rgb.shape != (shape := (*self.levels.shape[:2], 3)):
            raise ValueError(f"rgb has shape {rgb.shape}; the photograph's is {shape}")
        if format not in FORMATS.values():
            known = ", ".join(sorted(set(FORMATS.values())))
            raise ValueError(f"no format {format}; known are {known}")
        if format in PAGED:
            return encode_pages([(self, rgb)], format)
        if format == "JXL":
            return self._encode_jxl(rgb)
        options = OPTIONS[format] | self.metadata.with_thumbnails(rgb).pillow_options(format)
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

    def _encode_jxl(self, rgb: NDArray[Any]) -> bytes:
        from colorizer.photo.jxl import encode_jxl

        pixels, said = interleaved(rgb, self.alpha, slice(None)), self.metadata.with_thumbnails(rgb)
        return encode_jxl(pixels, exif=said.exif, xmp=said.xmp)

    def _pdf_page(self, rgb: NDArray[Any]) -> tuple[bytes, tuple[float, float]]:
        """Return the picture as a JPEG file, and its width and height in inches."""
        dpi = self.metadata.dpi or (PDF_DPI, PDF_DPI)
        return self.encode(rgb, "JPEG"), (rgb.shape[1] / dpi[0], rgb.shape[0] / dpi[1])

    def _tiff_page(self, rgb: NDArray[Any]) -> TiffPage:
        said = self.metadata.with_thumbnails(rgb, exif=False)  # TIFF has no place for EXIF's
        return TiffPage(rgb, self.alpha, said.exif, said.tiff_blocks(), said.dpi)

    def _picture(self, rgb: NDArray[np.uint8], format: str) -> Image.Image:
        if self.alpha is None:
            return Image.fromarray(rgb)
        if format in ("JPEG", "BMP"):
            return Image.fromarray(on_white(rgb, self.alpha))
        picture = Image.fromarray(rgb)
        picture.putalpha(Image.fromarray(to_8_bits(self.alpha)))
        return picture


def encode_pages(pages: Iterable[tuple[PhotoFile, NDArray[Any]]], format: str) -> bytes:
    """Write photographs in other colors as the pages of one file, as `PhotoFile.encode` writes one.

    Args:
        pages: photographs with their new colors, taken one after the other.
        format: one of `PAGED`.

    Raises:
        ImageError: if the format holds no pages, or not as much, or what writes it is not
            installed.
    """
    if format not in PAGED:
        raise ImageError(f"several pictures cannot be written as {format}: choose TIFF")
    if format == "PDF":
        with naming_what_lacks("a PDF document"):
            from colorizer.photo.pdf import encode_pdf
        return encode_pdf(page._pdf_page(rgb) for page, rgb in pages)
    try:
        return encode_tiff(page._tiff_page(rgb) for page, rgb in pages)
    except ValueError as error:
        raise ImageError(str(error)) from error
