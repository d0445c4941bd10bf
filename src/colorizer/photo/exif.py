"""EXIF, the metadata block in a photograph's file: read byte for byte.

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
_BIG_SIZES = {16: 8, 17: 8, 18: 8}  # BigTIFF's, in which pointers are of such types

MORE_DESCRIPTIVE = (
    0x800D,  # image ID
    *(0x830E, 0x8482, 0x85D8, 0x87AF, 0x87B0, 0x87B1),  # where on earth each pixel lies: GeoTIFF
    *(0x9003, 0x9211, 0x9212, 0x9213, 0x9216),  # of TIFF/EP: date, number, history and more
    0xC44F,  # annotations
)

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
        Base.PageNumber,
        Base.TargetPrinter,
        Base.PrintImageMatching,
        *range(Base.XPTitle, Base.XPSubject + 1),  # title, comment, author, keywords, subject
        *MORE_DESCRIPTIVE,
        IFD.Exif,
        IFD.GPSInfo,
    }
)
"""Of a TIFF file's first directory, the entries that are about the photograph, not the file."""

NOTES_WITHIN = 32_000
"""Bytes; a maker's notes that lie further down a TIFF file move; what they point to may be lost."""

NOTHING: Mapping[int, int] = {}

_POINTERS: dict[int, Any] = {IFD.Exif: {IFD.Interop: {}}, IFD.GPSInfo: {}}
"""Entries that say where a directory lies, each with those of that directory that do."""

Value = tuple[int, int, bytes]
"""What an entry holds: the type, how many of it, and the bytes, in the block's order."""


class Entry(NamedTuple):
    """An entry of a directory.

    Attributes:
        tag: what it is about.
        place: where it lies itself.
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

    magic: tuple[bytes, ...] = (b"II*\0", b"MM\0*")
    place, count, entry = (4, 8), 2, "HHII"
    """Where the first directory's place is, and the shape of directories."""
    sizes = _SIZES

    def __init__(self, data: bytes | bytearray) -> None:
        first, last = self.place
        if len(data) < last or data[:4] not in self.magic:
            raise ValueError("no EXIF block and no TIFF file")
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.start = self.number(data[first:last])

    def number(self, data: bytes | bytearray) -> int:
        """Return bytes in the block's order as a number."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def end(self, start: int) -> int:
        """Return where the entries of the directory at `start` end."""
        first = start + self.count
        entries = self.number(self.data[start:first])
        return first + struct.calcsize("=" + self.entry) * entries

    def entries(self, start: int) -> Iterator[Entry]:
        """Yield the entries of the directory at `start` that are whole; none if that is 0."""
        if start < 8:
            return
        left = len(self.data)  # values do not overlap, so that all together are no larger
        step = struct.calcsize("=" + self.entry)
        within = (step - 4) // 2  # bytes that lie in the entry itself
        for place in range(start + self.count, min(self.end(start), left - step + 1), step):
            tag, kind, count, begin = struct.unpack_from(self.order + self.entry, self.data, place)
            size = self.sizes.get(kind, 0) * count
            begin = place + step - within if size <= within else begin
            if 0 < size <= left and begin + size <= len(self.data):
                left -= size
                value = bytes(self.data[begin : begin + size])
                yield Entry(tag, place, (kind, count, value))

    def directory(
        self, values: Mapping[int, Value], place: int, pinned: Mapping[int, int] = NOTHING
    ) -> bytes:
        """Return a directory of values by tag; it is to lie at `place`.

        Args:
            values: what it holds.
            place: where it is to lie.
            pinned: where values by tag lie already.
        """
        head, tail = struct.pack(self.order + "H", len(values)), b""
        after = place + 2 + 12 * len(values) + 4
        for tag, (kind, count, value) in sorted(values.items()):
            head += struct.pack(self.order + "HHI", tag, kind, count)
            if len(value) <= 4:
                head += value.ljust(4, b"\0")
            elif tag in pinned:
                head += struct.pack(self.order + "I", pinned[tag])
            else:
                head += struct.pack(self.order + "I", after + len(tail))
                tail += value + bytes(len(value) % 2)
        return head + bytes(4) + tail


class BigTiff(Block):
    """A BigTIFF file, whose places have 8 bytes; its directories are read alone."""

    magic = (b"II+\0", b"MM\0+")
    place, count, entry = (8, 16), 8, "HHQQ"
    sizes = _SIZES | _BIG_SIZES


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8; 0 if there is none."""
    block = find_block(exif)
    if block is None:
        return 0
    said = (e.value for e in block.entries(block.start) if e.tag == Base.Orientation)
    return next((block.number(value) for _, _, value in said), 0)


def of_tiff(tiff: bytes) -> bytes:
    """Return a TIFF file's metadata as an EXIF block; b"" if it is no TIFF file."""
    source = find_tiff(tiff)
    if source is None:
        return b""
    block = bytearray(b"II*\0" if source.order == "<" else b"MM\0*") + bytes(4)
    place, size = (0, 0) if isinstance(source, BigTiff) else _notes(source)
    pinned = {}
    if len(block) < place and place + size <= NOTES_WITHIN:  # they may name places in the file
        block += bytes(place - 8) + tiff[place : place + size]
        block += bytes(len(block) % 2)
        pinned = {int(Base.MakerNote): place}
    values = _copied(source, block, source.start, _POINTERS, DESCRIPTIVE, pinned)
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
    pinned: Mapping[int, int] = NOTHING,
) -> dict[int, Value]:
    """Return the entries of the directory at `start`, all or those of `tags`."""
    values = {}
    for tag, _, (kind, count, value) in source.entries(start):
        if tag in pointers:
            inner = _copied(source, out, source.number(value), pointers[tag])
            values[tag] = (LONG, 1, struct.pack(source.order + "I", len(out)))
            out += source.directory(inner, len(out), pinned)
        elif kind not in _BIG_SIZES and (tags is None or tag in tags):
            values[tag] = (kind, count, value)
    return values


def _notes(block: Block) -> tuple[int, int]:
    """Return the place and the size of a maker's notes; both 0 if there are none."""
    outer = (e.value[2] for e in block.entries(block.start) if e.tag == IFD.Exif)
    for entry in block.entries(block.number(next(outer, b""))):
        if entry.tag == Base.MakerNote and entry.value[1] > 4:
            return block.number(block.data[entry.place + 8 : entry.place + 12]), entry.value[1]
    return 0, 0


def tiff_value(tiff: bytes, tag: int) -> bytes:
    """Return the bytes of an entry of a TIFF file's first directory, b"" if it has none."""
    block = find_tiff(tiff)
    entries = block.entries(block.start) if block else ()
    return next((entry.value[2] for entry in entries if entry.tag == tag), b"")


def find_tiff(data: bytes) -> Block | None:
    """Return a TIFF file, BigTIFF included, as a block; None if it is none."""
    return BigTiff(data) if data[:4] in BigTiff.magic and len(data) >= 16 else find_block(data)


def find_block(data: bytes | bytearray) -> Block | None:
    """Return bytes as a block, None if they are none."""
    try:
        return Block(data)
    except ValueError:
        return None
