"""EXIF, the metadata block in a photograph's file: read and changed byte for byte.

An EXIF block is a TIFF file without a picture: a heading, then directories, whose entries hold
their values or say where they lie. What is not understood stays as it is, makers' notes and letters
beyond ASCII included, and what is damaged is passed over.

Reference: TIFF 6.0 (1992); CIPA DC-008, EXIF 3.0 (2023).
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from PIL.ExifTags import IFD, Base

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}

DESCRIPTIVE = frozenset(
    {
        Base.DocumentName,
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.PageName,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.HostComputer,
        Base.Rating,
        Base.RatingPercent,
        Base.Copyright,
        *range(Base.XPTitle, Base.XPSubject + 1),  # title, comment, author, keywords, subject
        IFD.Exif,
        IFD.GPSInfo,
    }
)
"""Of a TIFF file's first directory, the entries that are about the photograph, not the file."""

_POINTERS: dict[int, Any] = {IFD.Exif: {IFD.Interop: {}}, IFD.GPSInfo: {}}
"""Entries that say where a directory lies, each with those of that directory that do."""

Value = tuple[int, int, bytes]
"""What an entry holds: the type, how many of it, and the bytes, in the block's order."""


class Entry(NamedTuple):
    """An entry of a directory.

    Attributes:
        tag: what it is about.
        place: where its 12 bytes lie.
        value: what it holds.
    """

    tag: int
    place: int
    value: Value


class Block:
    """An EXIF block or a TIFF file.

    Args:
        data: its bytes, which may change later.

    Raises:
        ValueError: if it is neither of them, or BigTIFF.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        if len(data) < 8 or data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no EXIF block and no TIFF file")
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.start = self.number(data[4:8])

    def number(self, data: bytes | bytearray) -> int:
        """Return bytes in the block's order as a number."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def end(self, start: int) -> int:
        """Return where the entries of the directory at `start` end."""
        return start + 2 + 12 * self.number(self.data[start : start + 2])

    def entries(self, start: int) -> Iterator[Entry]:
        """Yield the entries of the directory at `start` that are whole; none if that is 0."""
        if start < 8:
            return
        left = len(self.data)  # values do not overlap, so that all together are no larger
        for place in range(start + 2, min(self.end(start), len(self.data) - 11), 12):
            tag, kind, count, begin = struct.unpack_from(self.order + "HHII", self.data, place)
            size = _SIZES.get(kind, 0) * count
            begin = place + 8 if size <= 4 else begin
            if 0 < size <= left and begin + size <= len(self.data):
                left -= size
                value = bytes(self.data[begin : begin + size])
                yield Entry(tag, place, (kind, count, value))

    def directory(self, values: Mapping[int, Value], place: int, following: int = 0) -> bytes:
        """Return a directory of values by tag; it is to lie at `place`, before that at another."""
        head, tail = struct.pack(self.order + "H", len(values)), b""
        after = place + 2 + 12 * len(values) + 4
        for tag, (kind, count, value) in sorted(values.items()):
            head += struct.pack(self.order + "HHI", tag, kind, count)
            if len(value) <= 4:
                head += value.ljust(4, b"\0")
            else:
                head += struct.pack(self.order + "I", after + len(tail))
                tail += value + bytes(len(value) % 2)
        return head + struct.pack(self.order + "I", following) + tail


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8; 0 if there is none."""
    block = _block(exif)
    if block is None:
        return 0
    said = (e.value for e in block.entries(block.start) if e.tag == Base.Orientation)
    return next((block.number(value) for _, _, value in said), 0)


def upright(exif: bytes) -> bytes:
    """Return the EXIF of a picture that has been turned upright and brought to sRGB.

    It says so, and has no thumbnail, which would show the picture as it was. All else is kept.

    Args:
        exif: a block; b"" is returned if it is none.
    """
    data = bytearray(exif)
    block = _block(data)
    if block is None:
        return b""
    for entry in block.entries(block.start):
        if entry.tag == Base.Orientation:
            struct.pack_into(block.order + "HIHH", data, entry.place + 2, SHORT, 1, 1, 0)
        elif entry.tag == IFD.Exif:
            for inner in block.entries(block.number(entry.value[2])):
                if inner.tag == Base.ColorSpace:
                    struct.pack_into(block.order + "HIHH", data, inner.place + 2, SHORT, 1, 1, 0)
    _drop_thumbnail(block, data)
    return bytes(data)


def without_orientation(exif: bytes) -> bytes:
    """Return a block without its orientation; b"" if it is none."""
    data = bytearray(exif)
    block = _block(data)
    if block is None:
        return b""
    for entry in reversed(list(block.entries(block.start))):
        if entry.tag == Base.Orientation:
            end = block.end(block.start)
            struct.pack_into(block.order + "H", data, block.start, (end - block.start) // 12 - 1)
            data[entry.place : end + 4] = data[entry.place + 12 : end + 4] + bytes(12)
    return bytes(data)


def text(exif: bytes, tag: int) -> str:
    """Return the text of an entry of a block's first directory, "" if it has none."""
    found = tiff_value(exif, tag).partition(b"\0")[0]
    return found.decode("utf-8", errors="replace").strip()


def with_text(exif: bytes, tag: int, value: str) -> bytes:
    """Return a block whose first directory gives an entry a text.

    The directory is written anew behind all else, which stays where it is.

    Args:
        exif: a block; b"" makes a new one.
        tag: of the entry.
        value: letters beyond ASCII become "?".
    """
    data = bytearray(exif or b"II*\0" + bytes(4))
    block = Block(data)
    said = value.encode("ascii", errors="replace") + b"\0"
    values = {entry.tag: entry.value for entry in block.entries(block.start)}
    values[tag] = (ASCII, len(said), said)
    end = block.end(block.start) if block.start else 0
    data += bytes(len(data) % 2)
    place = len(data)
    following = block.number(data[end : end + 4]) if end else 0
    data += block.directory(values, place, following)
    struct.pack_into(block.order + "I", data, 4, place)
    return bytes(data)


def of_tiff(tiff: bytes) -> bytes:
    """Return a TIFF file's metadata as an EXIF block; b"" if it is BigTIFF."""
    source = _block(tiff)
    if source is None:
        return b""
    block = bytearray(tiff[:8])
    values = described(source, block)
    struct.pack_into(source.order + "I", block, 4, len(block))
    block += source.directory(values, len(block))
    return bytes(block)


def described(source: Block, out: bytearray) -> dict[int, Value]:
    """Return a block's descriptive entries; the directories that they name are added to `out`."""
    return _copied(source, out, source.start, _POINTERS, DESCRIPTIVE)


def _copied(
    source: Block,
    out: bytearray,
    start: int,
    pointers: Mapping[int, Any],
    tags: frozenset[int] | None = None,
) -> dict[int, Value]:
    """Return the entries of the directory at `start`, all or those of `tags`."""
    values = {}
    for tag, _, (kind, count, value) in source.entries(start):
        if tag in pointers:
            inner = _copied(source, out, source.number(value), pointers[tag])
            values[tag] = (LONG, 1, struct.pack(source.order + "I", len(out)))
            out += source.directory(inner, len(out))
        elif tags is None or tag in tags:
            values[tag] = (kind, count, value)
    return values


def tiff_value(tiff: bytes, tag: int) -> bytes:
    """Return the bytes of an entry of a TIFF file's first directory, b"" if it has none."""
    block = _block(tiff)
    entries = block.entries(block.start) if block else ()
    return next((entry.value[2] for entry in entries if entry.tag == tag), b"")


def _block(data: bytes | bytearray) -> Block | None:
    try:
        return Block(data)
    except ValueError:
        return None


def _drop_thumbnail(block: Block, data: bytearray) -> None:
    """Cut the link to the second directory, and the JPEG file that it is there for."""
    end = block.end(block.start)
    second = block.number(data[end : end + 4])
    said = {entry.tag: block.number(entry.value[2]) for entry in block.entries(second)}
    data[end : end + 4] = bytes(len(data[end : end + 4]))
    begin, size = said.get(Base.JpegIFOffset, 0), said.get(Base.JpegIFByteCount, 0)
    if begin > end:
        after = data[begin + size :]
        data[begin:] = bytes(size) + after if any(after) else b""
