"""XMP of over 64 kB in JPEG files, most of which lies in segments of its own.

Reference: XMP Specification Part 3 (2020), 1.1.3.1, "Extended XMP in JPEG".
"""

import hashlib
from collections.abc import Iterable

from colorizer.photo.xmp import NOTE, Packet, XmpError

HEADER = b"http://ns.adobe.com/xmp/extension/\0"
GUID = 32  # bytes, then 4 for the whole length and 4 for where a part begins

HAS_EXTENDED = f"{NOTE}HasExtendedXMP"

PART = 65_000
"""Bytes of the extended packet in a segment."""

NOTED = 200
"""Bytes that the main packet takes to say that there is more."""


def join(xmp: bytes, segments: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a JPEG file's whole XMP packet; what is damaged is passed over.

    Args:
        xmp: its main packet.
        segments: its segments, each a name such as "APP1" and its bytes.
    """
    if b"HasExtendedXMP" not in xmp:
        return xmp
    try:
        main = Packet(xmp)
        ours = HEADER + main.get(HAS_EXTENDED).encode()
        parts = sorted(data[len(ours) + 4 :] for _, data in segments if data.startswith(ours))
        main.remove(HAS_EXTENDED)
        main.merge(Packet(b"".join(part[4:] for part in parts)))  # behind where it begins
        return main.to_bytes()
    except XmpError:
        return xmp


def split(xmp: bytes, most: int) -> tuple[bytes, bytes]:
    """Return XMP as a JPEG file holds it: a packet of at most so many bytes, and more segments.

    The largest properties go to the segments.

    Args:
        xmp: a packet of any length.
        most: bytes.

    Raises:
        XmpError: if it is damaged, or one of its simple properties is too long.
    """
    if len(xmp) <= most:
        return xmp, b""
    main = Packet(xmp)
    if len(whole := main.to_bytes()) <= most:  # without what it is padded with
        return whole, b""
    extended = main.take_largest(most - NOTED)
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    main.replace(HAS_EXTENDED, guid)
    head = HEADER + guid.encode() + len(extended).to_bytes(4, "big")
    segments = b""
    for place in range(0, len(extended), PART):
        content = head + place.to_bytes(4, "big") + extended[place : place + PART]
        segments += b"\xff\xe1" + (2 + len(content)).to_bytes(2, "big") + content
    return main.to_bytes(), segments
