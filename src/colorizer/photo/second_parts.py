"""What of a file no result holds: gain maps, videos, further views, text, lower bits."""

import re
from collections.abc import Iterator

from PIL import Image

from colorizer.photo.boxes import boxes
from colorizer.photo.xmp import Packet, XmpError

GAIN_MAP = "gain map"
VIDEO = "motion photo's video"
DEPTH_MAP = "depth map"
TEXT = "text layer"

_VIDEO = re.compile(rb"\0\0\0.ftyp(?:isom|iso[2-9]|mp4[12]|avc1|hvc1|qt  |3gp\d)", re.DOTALL)
"""Where a video begins; Google, Samsung, Apple and others append it to the picture."""

_GAIN_MAPS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",  # Ultra HDR
    b"urn:iso:std:iso:ts:21496:-1\0",  # ISO 21496-1
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
    b'Semantic="GainMap"',
)
"""What a JPEG file with a gain map says in its segments or in those of the map."""

GOOGLE = "{http://ns.google.com/photos/1.0/camera/}"
CLAIMS = (
    "{http://ns.google.com/photos/1.0/container/}Directory",
    "{http://ns.adobe.com/hdr-gain-map/1.0/}Version",
    *(f"{GOOGLE}MotionPhoto{name}" for name in ("", "Version", "PresentationTimestampUs")),
    *(f"{GOOGLE}MicroVideo{name}" for name in ("", "Version", "Offset", "PresentationTimestampUs")),
)
"""What XMP says of second parts that are gone."""

MP_ENTRIES, PREVIEW = 0xB002, "Large Thumbnail"
"""Of a multi-picture file, its list of pictures, and what it calls smaller copies of the first."""


def find_second_parts(image: Image.Image, data: bytes) -> Iterator[str]:
    """Yield what a file holds beside its picture, in words that follow "its".

    Args:
        image: as `open_image` returns it.
        data: its file.
    """
    if image.format in ("JPEG", "MPO", "HEIF") and _VIDEO.search(data, 16):
        yield VIDEO
    if image.format in ("JPEG", "MPO"):
        yield from _parts_of_jpeg(image, data)
    elif image.format == "HEIF":
        yield from _parts_of_heif(image)
    elif image.format == "AVIF":
        yield from _parts_of_avif(data)
    elif image.format == "JXL" and any(name == b"jhgm" for name, _ in boxes(data)):
        yield GAIN_MAP
    elif image.format == "PDF" and image.info["has_text"]:
        yield TEXT


def without_claims(xmp: bytes) -> bytes:
    """Return an XMP packet that no longer says that the file holds second parts."""
    if b"ns.google.com/photos" not in xmp and b"hdr-gain-map" not in xmp:
        return xmp
    try:
        packet = Packet(xmp)
        for name in CLAIMS:
            packet.remove(name)
        return packet.to_bytes()
    except XmpError:
        return xmp


def _parts_of_jpeg(image: Image.Image, data: bytes) -> Iterator[str]:
    index = getattr(image, "mpinfo", None) or {}
    views = [view["Attribute"]["MPType"] for view in index.get(MP_ENTRIES, ())]
    if any(sign in data for sign in _GAIN_MAPS):
        yield GAIN_MAP
    elif further := sum(not view.startswith(PREVIEW) for view in views[1:]):
        yield f"{further} further pictures" if further > 1 else "second picture"


def _parts_of_heif(image: Image.Image) -> Iterator[str]:
    if any("gainmap" in kind for kind in image.info.get("aux", ())):
        yield GAIN_MAP
    if image.info.get("depth_images"):
        yield DEPTH_MAP
    if (bits := image.info.get("bit_depth", 8)) > 8:
        yield f"{bits} bits"
    if (further := getattr(image, "n_frames", 1) - 1) > 0:
        yield f"{further} further pictures" if further > 1 else "second picture"


def _parts_of_avif(data: bytes) -> Iterator[str]:
    if b"tmap" in data[:64]:  # among the brands
        yield GAIN_MAP
    place = data.find(b"av1C")
    if place >= 0 and (bits := data[place + 6]) & 0x40:
        yield f"{12 if bits & 0x20 else 10} bits"
