"""Where each format keeps EXIF, XMP, IPTC and Photoshop's resources."""

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, PsdImagePlugin
from PIL.ExifTags import Base

from colorizer.photo import exif as exif_blocks
from colorizer.photo import extended_xmp, photoshop
from colorizer.photo.boxes import boxes
from colorizer.photo.orientation import exif_block, info_bytes, raw_profile
from colorizer.photo.photoshop import Resource

JP2_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
JP2_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
JP2_EXIF = b"JpgTiffExif->JP2"
"""What a JPEG 2000 file's `uuid` boxes begin with."""


RAW_TIFFS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""What TIFF files of Olympus and Panasonic begin with."""


class Embedded(NamedTuple):
    """Metadata as they lie in a file.

    Attributes:
        exif: a block, without the word "Exif" before it; or b"".
        xmp: a packet, or b"".
        resources: Photoshop's, of which one is IPTC.
    """

    exif: bytes
    xmp: bytes
    resources: list[Resource]


def read_embedded(image: Image.Image, data: bytes) -> Embedded:
    """Read a file's metadata.

    Args:
        image: as `open_image` returns it, loaded.
        data: its file.
    """
    return _READERS.get(str(image.format), _of_info)(image, data)


def _of_info(image: Image.Image, _: bytes) -> Embedded:
    """Read what Pillow finds, or in a PNG file what ImageMagick writes."""
    xmp = info_bytes(image, "xmp") or raw_profile(image, "xmp")
    return Embedded(exif_block(image), xmp, photoshop.parse(raw_profile(image, "iptc")))


def _of_raw(image: Image.Image, data: bytes) -> Embedded:
    """Read a camera's raw file, which is a TIFF file by another name, or is not read."""
    if data[:4] in RAW_TIFFS:
        data = (b"II*\0" if data[:2] == b"II" else b"MM\0*") + data[4:]
    return _of_tiff(image, data)


def _of_tiff(_: Image.Image, data: bytes) -> Embedded:
    resources = photoshop.parse(exif_blocks.tiff_value(data, Base.ImageResources))
    if iptc := exif_blocks.tiff_value(data, Base.IPTCNAA):
        resources.append(Resource(photoshop.IPTC, b"", iptc))
    xmp = exif_blocks.tiff_value(data, Base.XMLPacket)
    return Embedded(exif_blocks.of_tiff(data), xmp, resources)


def _of_jpeg(image: Image.Image, _: bytes) -> Embedded:
    segments = getattr(image, "applist", ())
    xmp = extended_xmp.join(info_bytes(image, "xmp"), segments)
    return Embedded(exif_block(image), xmp, photoshop.of_segments(segments))


def _of_psd(image: Image.Image, data: bytes) -> Embedded:
    said = image.resources if isinstance(image, PsdImagePlugin.PsdImageFile) else ()
    return _of_info(image, data)._replace(resources=[Resource(*one) for one in said])


def _of_jxl(_: Image.Image, data: bytes) -> Embedded:
    said = dict(boxes(data))
    exif = said.get(b"Exif", b"")
    if exif[:2] not in (b"II", b"MM"):  # where it begins comes first, but not by Pillow's plugin
        exif = exif[4 + int.from_bytes(exif[:4], "big") :]
    return Embedded(exif, said.get(b"xml ", b""), [])


def _of_jpeg2000(_: Image.Image, data: bytes) -> Embedded:
    said = {content[:16]: content[16:] for name, content in boxes(data) if name == b"uuid"}
    iptc = said.get(JP2_IPTC, b"")
    resources = [Resource(photoshop.IPTC, b"", iptc)] if iptc else []
    return Embedded(said.get(JP2_EXIF, b""), said.get(JP2_XMP, b""), resources)


_READERS: dict[str, Callable[[Image.Image, bytes], Embedded]] = {
    "TIFF": _of_tiff,
    "RAW": _of_raw,
    "JPEG": _of_jpeg,
    "MPO": _of_jpeg,
    "PSD": _of_psd,
    "JXL": _of_jxl,
    "JPEG2000": _of_jpeg2000,
}
