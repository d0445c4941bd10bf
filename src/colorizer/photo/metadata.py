"""A photograph's metadata, carried from one format to another."""

import logging
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from colorizer.photo import exif as exif_blocks
from colorizer.photo.icc import PROFILE
from colorizer.photo.marking import Mark
from colorizer.photo.orientation import (
    XMP_ORIENTATION,
    exif_block,
    info_bytes,
    read_orientation,
)

logger = logging.getLogger(__name__)

JPEG_SEGMENT = 65_000
"""Bytes; no segment of a JPEG file holds much more."""

PHOTOSHOP_IPTC = 0x0404  # of Photoshop's resources in a JPEG file


@dataclass(frozen=True)
class Metadata:
    """The metadata that is kept of a file, valid for the upright picture.

    Attributes:
        exif: a block, without the word "Exif" before it; or b"".
        xmp: a packet, or b"".
        iptc: a record, or b"".
        comment: a JPEG's, or b"".
        text: a PNG's, by keyword.
        dpi: pixels an inch, along a row and down, if the file says so.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    comment: bytes = b""
    text: Mapping[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    @classmethod
    def read(cls, image: Image.Image, data: bytes) -> "Metadata":
        """Read what a file says; what is damaged is passed over.

        Args:
            image: as Pillow opened and loaded it.
            data: the file.
        """
        tiff = image.format == "TIFF"
        exif = exif_blocks.of_tiff(data) if tiff else exif_block(image)
        xmp = exif_blocks.tiff_value(data, Base.XMLPacket) if tiff else info_bytes(image, "xmp")
        return cls(
            exif=exif_blocks.upright(exif),
            xmp=XMP_ORIENTATION.sub(rb"\g<1>1", xmp),
            iptc=exif_blocks.tiff_value(data, Base.IPTCNAA) if tiff else _iptc(image),
            comment=info_bytes(image, "comment"),
            text=_text(image),
            dpi=_dpi(image, swapped=read_orientation(image) >= 5),
        )

    def marked(self, mark: Mark) -> "Metadata":
        """Return the same with a result's mark in XMP, and its software in EXIF."""
        software = exif_blocks.text(self.exif, Base.Software)
        return replace(
            self,
            exif=exif_blocks.with_text(self.exif, Base.Software, mark.software),
            xmp=mark.write(self.xmp, software),
        )

    def tiff_blocks(self) -> dict[int, bytes]:
        """Return what a TIFF file is to hold besides EXIF, by tag."""
        return {
            Base.XMLPacket: self.xmp,
            Base.IPTCNAA: self.iptc,
            Base.InterColorProfile: PROFILE,
        }

    def pillow_options(self, format: str) -> dict[str, Any]:
        """Return the options with which Pillow writes all metadata that a format can hold."""
        said: dict[str, Any] = {"exif": self.exif, "xmp": self.xmp, "dpi": self.dpi}
        if format == "JPEG":
            said |= {
                "exif": self.exif and b"Exif\0\0" + self.exif,
                "comment": self.comment,
                "extra": _photoshop_segment(self.iptc),
            }
            for name in ("exif", "xmp", "comment", "extra"):
                if len(said[name]) > JPEG_SEGMENT:
                    logger.warning("%s left out: too long for a JPEG file", name)
                    said[name] = b""
        elif format == "PNG":
            said["pnginfo"] = _png_text(self.xmp, self.text)
        elif format == "AVIF":  # that Pillow does not write EXIF anew, with "?" for umlauts
            said["exif"] = exif_blocks.without_orientation(self.exif)
        return {"icc_profile": PROFILE, **{name: value for name, value in said.items() if value}}


def _iptc(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    iptc = resources.get(PHOTOSHOP_IPTC) if isinstance(resources, dict) else b""
    return iptc if isinstance(iptc, bytes) else b""


def _photoshop_segment(iptc: bytes) -> bytes:
    """Return a JPEG's segment that holds an IPTC record, b"" for none."""
    if not iptc:
        return b""
    resource = struct.pack(">4sHHI", b"8BIM", PHOTOSHOP_IPTC, 0, len(iptc)) + iptc
    payload = b"Photoshop 3.0\0" + resource + bytes(len(iptc) % 2)
    return b"\xff\xed" + struct.pack(">H", 2 + len(payload)) + payload


def _text(image: Image.Image) -> dict[str, str]:
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return {}
    kept = {}
    for keyword, text in image.text.items():
        if keyword != "XML:com.adobe.xmp" and not keyword.startswith("Raw profile type "):
            kept[keyword] = text
    return kept


def _png_text(xmp: bytes, text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        info.add_text(keyword, value)
    if xmp:
        info.add(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp)  # no compression, no language
    return info


def _dpi(image: Image.Image, *, swapped: bool) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (1 <= x < 65536 and 1 <= y < 65536):
        return None
    return (y, x) if swapped else (x, y)
