"""A photograph's metadata, carried from one format to another."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from colorizer.photo import exif as exif_blocks
from colorizer.photo import exif_changes, extended_xmp, photoshop
from colorizer.photo.embedded import read_embedded
from colorizer.photo.encode import encode, png_info
from colorizer.photo.icc import PROFILE
from colorizer.photo.marking import Mark
from colorizer.photo.orientation import XMP_ORIENTATION, info_bytes, read_orientation
from colorizer.photo.photoshop import SEGMENT, Resource
from colorizer.photo.pixels import shrink, to_8_bits
from colorizer.photo.second_parts import find_second_parts, without_claims
from colorizer.photo.xmp import XmpError

BLOCKS = {
    "exif": "EXIF",
    "xmp": "XMP",
    "iptc": "IPTC",
    "photoshop": "Photoshop resources",
    "comment": "comment",
    "text": "texts",
}
"""What `Metadata` holds, as it is called."""

HOLDS = {
    "JPEG": {"exif", "xmp", "iptc", "photoshop", "comment"},
    "PDF": {"exif", "xmp", "iptc", "photoshop", "comment"},  # whose pages are JPEG files
    "PNG": set(BLOCKS),
    "TIFF": {"exif", "xmp", "iptc", "photoshop"},
    "WEBP": {"exif", "xmp"},
    "AVIF": {"exif", "xmp"},
    "JXL": {"exif", "xmp"},
    "BMP": set(),
}
"""What of it each format can hold."""

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
        lost: what else the file holds, and no result can.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    photoshop: tuple[Resource, ...] = ()
    comment: bytes = b""
    text: Mapping[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    thumbnails: tuple[bool, bool] = False, False
    lost: tuple[str, ...] = ()

    @classmethod
    def read(cls, image: Image.Image, data: bytes) -> "Metadata":
        """Read what a file says; what is damaged is passed over.

        Args:
            image: as Pillow opened and loaded it.
            data: the file.
        """
        embedded = read_embedded(image, data)
        exif, numbers = embedded.exif, {one.number: one.data for one in embedded.resources}
        of_tiff = image.format == "TIFF"  # which Pillow turns, and not what it says of an inch
        turned = exif_blocks.orientation(data) if of_tiff else read_orientation(image)
        return cls(
            exif=exif_changes.upright(exif),
            xmp=XMP_ORIENTATION.sub(rb"\g<1>1", without_claims(embedded.xmp)),
            iptc=numbers.get(photoshop.IPTC, b""),
            photoshop=tuple(one for one in embedded.resources if one.number not in photoshop.STALE),
            comment=info_bytes(image, "comment"),
            text=_text(image),
            dpi=_dpi(image, swapped=turned >= 5),
            thumbnails=(exif_changes.has_thumbnail(exif), photoshop.THUMBNAIL in numbers),
            lost=(*find_second_parts(image, data), *_unread(image, exif)),
        )

    def marked(self, mark: Mark) -> "Metadata":
        """Return the same with a result's mark in XMP, and its software in EXIF."""
        software = exif_changes.text(self.exif, Base.Software)
        try:
            xmp, lost = mark.write(self.xmp, software), self.lost
        except XmpError:
            xmp, lost = mark.write(b"", software), (*self.lost, "damaged XMP")
        exif = exif_changes.with_text(self.exif, Base.Software, mark.software)
        return replace(self, exif=exif, xmp=xmp, lost=lost)

    def fitting(self, format: str) -> "Metadata":
        """Return what of it a format can hold; `lost` names the rest too."""
        gone = {name for name in BLOCKS if name not in HOLDS[format] and getattr(self, name)}
        if format in ("JPEG", "PDF"):
            gone |= {name for name in ("exif", "comment") if len(getattr(self, name)) > SEGMENT}
            try:
                extended_xmp.split(self.xmp, SEGMENT)
            except XmpError:
                gone |= {"xmp"}
        nothing = Metadata()
        names = [name for word, name in BLOCKS.items() if word in gone]
        return replace(
            self,
            **{name: getattr(nothing, name) for name in gone},
            lost=tuple(dict.fromkeys((*self.lost, *names))),
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
        in_exif = in_exif and exif and len(self.exif) + len(jpeg) < SEGMENT - 200
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
        kept = self.fitting(format)
        said: dict[str, Any] = {"exif": kept.exif, "xmp": kept.xmp, "dpi": kept.dpi}
        resources = list(kept.photoshop)
        if kept.iptc:
            resources.insert(0, Resource(photoshop.IPTC, b"", kept.iptc))
        if format == "JPEG":
            xmp, segments = extended_xmp.split(kept.xmp, SEGMENT)
            said |= {
                "exif": kept.exif and b"Exif\0\0" + kept.exif,
                "xmp": xmp,
                "comment": kept.comment,
                "extra": segments + photoshop.to_segments(resources),
            }
        elif format == "PNG":
            texts = {"Comment": kept.comment.decode("latin-1")} if kept.comment else {}
            said["pnginfo"] = _png_text(kept.xmp, texts | {**kept.text}, photoshop.join(resources))
        elif format == "AVIF":  # that Pillow does not write EXIF anew, with "?" for umlauts
            said["exif"] = exif_changes.without_orientation(kept.exif)
        return {"icc_profile": PROFILE, **{name: value for name, value in said.items() if value}}


def _unread(image: Image.Image, exif: bytes) -> tuple[str, ...]:
    """Return "EXIF" if that is missing of a camera's raw file: it has some, of its maker's kind."""
    return ("EXIF",) if image.format == "RAW" and not exif else ()


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
