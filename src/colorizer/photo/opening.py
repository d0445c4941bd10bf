"""Opens a picture's file by whatever reads its kind; what is rarely needed is loaded then."""

import contextlib
import io
import struct
from collections.abc import Callable, Iterator
from functools import cache

import simplejpeg
from PIL import Image, PsdImagePlugin

from colorizer.errors import ImageError, MissingExtraError
from colorizer.photo.identify import HEAD, identify
from colorizer.photo.tiff_pages import REDUCED, find_pages, split_tiff

EXTRA = "formats"

PSD_RESOLUTION, PSD_EXIF, PSD_XMP = 1005, 1058, 1060
"""Of a Photoshop file's resources."""


def open_image(data: bytes) -> Image.Image:
    """Open a picture's file; of several pictures in it, the first.

    Raises:
        ImageError: if what reads it is not installed.
        Exception: of any kind, if it cannot be read.
    """
    kind = identify(data[:HEAD])
    opener = _OPENERS.get(kind.format or "", _open_by_pillow)
    with naming_what_lacks(kind.name):
        return opener(data)


def size_before_decoding(data: bytes) -> tuple[int, int]:
    """Return the width and height that a picture's file says it has.

    Raises:
        ImageError: as `open_image`.
        Exception: of any kind, if it cannot be read.
    """
    kind = identify(data[:HEAD])
    if kind.format == "JPEG":  # faster than to open it
        with contextlib.suppress(ValueError):
            height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
            return width, height
    with naming_what_lacks(kind.name):
        if kind.format == "JXL":  # to open it is to decode it
            from colorizer.photo.jxl import read_size

            return read_size(data)
        if kind.format == "PDF":
            from colorizer.photo.pdf import measure_page

            return measure_page(data)
    with open_image(data) as image:
        return image.size


def open_pages(data: bytes) -> Iterator[bytes]:
    """Yield a file for each page of a TIFF or PDF file; of any other kind the file itself.

    Raises:
        ImageError: as `open_image`.
    """
    kind = identify(data[:HEAD])
    if kind.format == "TIFF":
        yield from split_tiff(data)
    elif kind.format == "PDF":
        with naming_what_lacks(kind.name):
            from colorizer.photo.pdf import split_pdf
        yield from split_pdf(data)
    else:
        yield data


def count_pages(image: Image.Image, data: bytes) -> int:
    """Return how many pictures a file holds.

    Args:
        image: as `open_image` returns it.
        data: its file.

    Raises:
        ImageError: if it holds only a smaller copy of a picture.
    """
    if image.format == "PDF":
        from colorizer.photo import pdf

        return pdf.count_pages(data)
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1)
    pages = find_pages(data)
    if next(iter(pages.values()), 0) & REDUCED:
        raise ImageError("a preview alone, as in a camera's raw file: export that as TIFF or JPEG")
    return len(pages)


@contextlib.contextmanager
def naming_what_lacks(kind: str) -> Iterator[None]:
    """Say of a kind of file what reads it and is not installed, and how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (library := _LIBRARIES.get(str(error.name))) is None:
            raise
        raise ImageError(str(MissingExtraError(kind, library, EXTRA))) from None


def _open_by_pillow(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def _open_tiff(data: bytes) -> Image.Image:
    from colorizer.photo.deep_tiff import open_deep_tiff

    return open_deep_tiff(data) or _open_by_pillow(data)


def _open_psd(data: bytes) -> Image.Image:
    bits = int.from_bytes(data[22:24], "big")
    if bits > 8:
        raise ImageError(f"a Photoshop file of {bits} bits a channel: save it as TIFF of {bits}")
    image = _open_by_pillow(data)
    if isinstance(image, PsdImagePlugin.PsdImageFile):
        said = {code: value for code, _, value in image.resources}
        image.info |= {"exif": said.get(PSD_EXIF, b""), "xmp": said.get(PSD_XMP, b"")}
        if len(resolution := said.get(PSD_RESOLUTION, b"")) == 16:
            across, down = struct.unpack(">I4xI4x", resolution)
            image.info["dpi"] = (across / 65536, down / 65536)
    return image


@cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)


@cache
def _register_jxl() -> None:
    import pillow_jxl  # noqa: F401


def _open_heif(data: bytes) -> Image.Image:
    _register_heif()
    return _open_by_pillow(data)


def _open_jxl(data: bytes) -> Image.Image:
    from colorizer.photo.jxl import read_size

    _register_jxl()
    width, height = read_size(data)
    if width * height > 2 * (Image.MAX_IMAGE_PIXELS or 0):
        raise Image.DecompressionBombError(f"{width} x {height} pixels")
    return _open_by_pillow(data)


def _open_raw(data: bytes) -> Image.Image:
    from colorizer.photo.raw import RawFile

    return RawFile(io.BytesIO(data))


def _open_pdf(data: bytes) -> Image.Image:
    from colorizer.photo.pdf import open_page

    return open_page(data)


_OPENERS: dict[str, Callable[[bytes], Image.Image]] = {
    "TIFF": _open_tiff,
    "PSD": _open_psd,
    "HEIF": _open_heif,
    "JXL": _open_jxl,
    "RAW": _open_raw,
    "PDF": _open_pdf,
}
"""What opens a kind of file, if it is not Pillow alone."""

_LIBRARIES = {
    "pillow_heif": "pillow-heif",
    "pillow_jxl": "pillow-jxl-plugin",
    "rawpy": "rawpy",
    "pypdfium2": "pypdfium2",
}
"""What `EXTRA` installs, by what is imported."""
