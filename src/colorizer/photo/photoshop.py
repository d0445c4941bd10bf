"""Photoshop's image resources: captions, rights, paths and more, beside EXIF and XMP.

Reference: Adobe Photoshop File Formats Specification (2019), "Image Resources Section".
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

IPTC = 0x0404
THUMBNAIL = 0x040C

STALE = frozenset(
    {
        IPTC,  # kept apart from the others
        0x0409,  # a thumbnail of Photoshop 4
        THUMBNAIL,
        0x0400,  # layers, in this and two more
        0x0402,
        0x0406,  # how Photoshop compressed the JPEG
        0x040F,  # ICC profile
        0x0422,  # copies of EXIF, in this and the next, and of XMP
        0x0423,
        0x0424,
    }
)
"""Resources that are not carried over as they are."""

HEADER = b"Photoshop 3.0\0"
"""What a JPEG file's segments of resources begin with."""

SEGMENT = 65_000
"""Bytes; no segment of a JPEG file holds much more."""


class Resource(NamedTuple):
    """A resource.

    Attributes:
        number: what it is about.
        name: mostly b"".
        data: what it holds.
    """

    number: int
    name: bytes
    data: bytes


def parse(block: bytes) -> list[Resource]:
    """Return a block's resources, up to where it is damaged."""
    found, place = [], 0
    while block[place : place + 4] in (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"):
        head = block[place + 4 : place + 7]
        if len(head) < 3:
            break
        number, length = struct.unpack(">HB", head)
        name = block[place + 7 : place + 7 + length]
        begin = place + 7 + length + (length + 1) % 2 + 4
        size = int.from_bytes(block[begin - 4 : begin], "big")
        if begin + size > len(block):
            break
        found.append(Resource(number, name, block[begin : begin + size]))
        place = begin + size + size % 2
    return found


def join(resources: Iterable[Resource]) -> bytes:
    """Return resources as a block."""
    return b"".join(
        struct.pack(">4sHB", b"8BIM", number, len(name))
        + name
        + bytes((len(name) + 1) % 2)
        + struct.pack(">I", len(data))
        + data
        + bytes(len(data) % 2)
        for number, name, data in resources
    )


def of_segments(segments: Iterable[tuple[str, bytes]]) -> list[Resource]:
    """Return the resources in a JPEG file's segments, each a name such as "APP13" and its bytes."""
    ours = (data for name, data in segments if name == "APP13" and data.startswith(HEADER))
    return parse(b"".join(data.removeprefix(HEADER) for data in ours))


def to_segments(resources: Iterable[Resource]) -> bytes:
    """Return a JPEG file's segments that hold resources; a long one goes on in the next."""
    block = join(resources)
    parts = (block[place : place + SEGMENT] for place in range(0, len(block), SEGMENT))
    return b"".join(
        b"\xff\xed" + struct.pack(">H", 2 + len(HEADER) + len(part)) + HEADER + part
        for part in parts
    )


def thumbnail(jpeg: bytes, width: int, height: int) -> Resource:
    """Return the resource of a thumbnail, a JPEG file of a size in pixels."""
    row = (24 * width + 31) // 32 * 4
    head = struct.pack(">6I2H", 1, width, height, row, row * height, len(jpeg), 24, 1)
    return Resource(THUMBNAIL, b"", head + jpeg)
