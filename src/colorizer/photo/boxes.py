"""The boxes that JPEG XL, JPEG 2000, HEIF and AVIF files are made of.

Reference: ISO/IEC 14496-12, ISO base media file format; ISO/IEC 18181-2, JPEG XL's container.
"""

from collections.abc import Iterator
from contextlib import suppress

import imagecodecs

COMPRESSED = b"brob"  # JPEG XL's box of another one, by Brotli

LARGEST = 1 << 24
"""Bytes of what a compressed box holds; a larger one is passed over."""


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the outer boxes of a file: names and contents, up to where it is damaged.

    A compressed box is yielded as what it holds.
    """
    place = 0
    while place + 8 <= len(data):
        size, start = int.from_bytes(data[place : place + 4], "big"), 8
        name = data[place + 4 : place + 8]
        if size == 1:  # the size has 8 bytes
            size, start = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        end = place + size if size else len(data)
        if end < place + start or end > len(data):
            return
        content = data[place + start : end]
        place = end
        if name != COMPRESSED:
            yield name, content
            continue
        with suppress(RuntimeError):  # it is damaged, or too large
            yield content[:4], bytes(imagecodecs.brotli_decode(content[4:], out=LARGEST))


def box(name: bytes, content: bytes) -> bytes:
    """Return a box."""
    return (8 + len(content)).to_bytes(4, "big") + name + content
