"""A photograph's metadata, carried from one format to another."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from colorizer.photo import exif as exif_blocks
from colorizer.photo import exif_changes, photoshop
from colorizer.photo.encode import encode, png_info
from colorizer.photo.icc import PROFILE
from colorizer.photo.marking import Mark
from colorizer.photo.orientation import (
    XMP_ORIENTATION,
    exif_block,
    info_bytes,
    raw_profile,
    read_orientation,
)
from colorizer.photo.photoshop import Resource
from colorizer.photo.pixels import shrink, to_8_bits

logger = logging.getLogger(__name__)

JPEG_SEGMENT = 65_000
"""Bytes; no segment of a JPEG file holds much more."""

THUMBNAIL = 160
"""Pixels of a thumbnail's longer side, as cameras make it."""


@dataclass(frozen=True)
class Metadata:
    """The metadata that is kept of a file, valid for the upright picture.

    Attributes:
        exif: a block, without the word "Exif" before it; or b"".
        xmp: a packet, or b"".
        iptc: a record, or b"".
        photoshop: resources of Photoshop's besides.
        comment: a JPEG's, or b"".
        text: a PNG's, by keyword.
        dpi: pixels an inch, along a row and down, if the file says so.
        thumbnails: whether EXIF, and Photoshop's resources, held a thumbnail.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    photoshop: tuple[Resource, ...] = ()
    comment: bytes = b""
    text: Mapping[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    thumbnails: tuple[bool, bool] = False, False

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
        resources = _photoshop(image, data)
        numbers = {one.number: one.data for one in resources}
        iptc = numbers.get(photoshop.IPTC, b"")
        thumbnails = exif_changes.has_thumbnail(exif), photoshop.THUMBNAIL in numbers
        return cls(
            exif=exif_changes.upright(exif),
            xmp=XMP_ORIENTATION.sub(rb"\g<1>1", xmp),
            iptc=(exif_blocks.tiff_value(data, Base.IPTCNAA) if tiff else b"") or iptc,
            photoshop=tuple(one for one in resources if one.number not in photoshop.STALE),
            comment=info_bytes(image, "comment"),
            text=_text(image),
            dpi=_dpi(image, swapped=read_orientation(image) >= 5),
            thumbnails=thumbnails,
        )

    def marked(self, mark: Mark) -> "Metadata":
        """Return the same with a result's mark in XMP, and its software in EXIF."""
        software = exif_changes.text(self.exif, Base.Software)
        return replace(
            self,
            exif=exif_changes.with_text(self.exif, Base.Software, mark.software),
            xmp=mark.write(self.xmp, software),
        )

    def with_thumbnails(self, rgb: NDArray[Any], *, exif: bool = True) -> "Metadata":
        """Return the same with thumbnails of a picture where there were some.

        Args:
            rgb: uint8 or uint16 (H, W, 3), sRGB.
            exif: also in EXIF, if a JPEG file could hold it.
        """
        in_exif, in_photoshop = self.thumbnails
        if not ((in_exif and exif) or in_photoshop):
            return self
        coarse = rgb[:: (step := max(1, max(rgb.shape) // (8 * THUMBNAIL))), ::step]
        picture = coarse if coarse.dtype == np.uint8 else to_8_bits(coarse)
        small = shrink(picture, THUMBNAIL / max(picture.shape))
        jpeg = encode(small, format="jpeg")
        in_exif = in_exif and exif and len(self.exif) + len(jpeg) < JPEG_SEGMENT - 200
        resource = photoshop.thumbnail(jpeg, small.shape[1], small.shape[0])
        return replace(
            self,
            exif=exif_changes.with_thumbnail(self.exif, jpeg) if in_exif else self.exif,
            photoshop=(*self.photoshop, resource) if in_photoshop else self.photoshop,
        )

    def tiff_blocks(self) -> dict[int, bytes]:
        """Return what a TIFF file is to hold besides EXIF, by tag."""
        return {
            Base.XMLPacket: self.xmp,
            Base.IPTCNAA: self.iptc,
            Base.ImageResources: photoshop.join(self.photoshop),
            Base.InterColorProfile: PROFILE,
        }

    def pillow_options(self, format: str) -> dict[str, Any]:
        """Return the options with which Pillow writes all metadata that a format can hold."""
        said: dict[str, Any] = {"exif": self.exif, "xmp": self.xmp, "dpi": self.dpi}
        resources = list(self.photoshop)
        if self.iptc:
            resources.insert(0, Resource(photoshop.IPTC, b"", self.iptc))
        if format == "JPEG":
            said |= {
                "exif": self.exif and b"Exif\0\0" + self.exif,
                "comment": self.comment,
                "extra": photoshop.to_segments(resources),
            }
            for name in ("exif", "xmp", "comment"):
                if len(said[name]) > JPEG_SEGMENT:
                    logger.warning("%s left out: too long for a JPEG file", name)
                    said[name] = b""
        elif format == "PNG":
            said["pnginfo"] = _png_text(self.xmp, self.text, photoshop.join(resources))
        elif format == "AVIF":  # that Pillow does not write EXIF anew, with "?" for umlauts
            said["exif"] = exif_changes.without_orientation(self.exif)
        return {"icc_profile": PROFILE, **{name: value for name, value in said.items() if value}}


def _photoshop(image: Image.Image, data: bytes) -> list[Resource]:
    if image.format == "TIFF":
        return photoshop.parse(exif_blocks.tiff_value(data, Base.ImageResources))
    return photoshop.of_segments(getattr(image, "applist", ())) or photoshop.parse(
        raw_profile(image, "iptc")
    )


def _text(image: Image.Image) -> dict[str, str]:
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return {}
    kept = {}
    for keyword, text in image.text.items():
        if keyword != "XML:com.adobe.xmp" and not keyword.startswith("Raw profile type "):
            kept[keyword] = text
    return kept


def _png_text(xmp: bytes, text: Mapping[str, str], resources: bytes) -> PngImagePlugin.PngInfo:
    info = png_info(xmp)
    for keyword, value in text.items():
        info.add_text(keyword, value)
    if resources:  # where ImageMagick and exiftool look for them
        digits = f"\niptc\n{len(resources):8d}\n{resources.hex(chr(10), 36)}\n"
        info.add_text("Raw profile type iptc", digits, zip=True)
    return info


def _dpi(image: Image.Image, *, swapped: bool) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (1 <= x < 65536 and 1 <= y < 65536):
        return None
    return (y, x) if swapped else (x, y)
