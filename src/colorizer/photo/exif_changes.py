"""EXIF made to fit a picture in color; whatever else lies in the block stays where it is."""

import struct

from PIL.ExifTags import IFD, Base

from colorizer.photo.exif import ASCII, LONG, RATIONAL, SHORT, Block, Value, find_block, tiff_value

JPEG_COMPRESSION = 6

INTEROP_INDEX = 1


def upright(exif: bytes) -> bytes:
    """Return the EXIF of a picture that has been turned upright and brought to sRGB.

    It says so, and has no thumbnail, which would show the picture as it was. All else is kept.

    Args:
        exif: a block; b"" is returned if it is none.
    """
    data = bytearray(exif)
    block = find_block(data)
    if block is None:
        return b""
    for entry in block.entries(block.start):
        if entry.tag == Base.Orientation:
            struct.pack_into(block.order + "HIHH", data, entry.place + 2, SHORT, 1, 1, 0)
        elif entry.tag == IFD.Exif:
            for inner in block.entries(block.number(entry.value[2])):
                if inner.tag == Base.ColorSpace:
                    struct.pack_into(block.order + "HIHH", data, inner.place + 2, SHORT, 1, 1, 0)
                elif inner.tag == IFD.Interop:
                    _name_srgb(block, data, block.number(inner.value[2]))
    _drop_thumbnail(block, data)
    return bytes(data)


def _name_srgb(block: Block, data: bytearray, interop: int) -> None:
    """Call the colors sRGB, "R98", in the directory of interoperability."""
    for entry in block.entries(interop):
        if entry.tag == INTEROP_INDEX and entry.value[2] == b"R03\0":  # Adobe RGB
            data[entry.place + 8 : entry.place + 12] = b"R98\0"


def without_orientation(exif: bytes) -> bytes:
    """Return a block without its orientation; b"" if it is none."""
    data = bytearray(exif)
    block = find_block(data)
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

    The directory is written anew behind all else.

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
    data += bytes(len(data) % 2)
    place = len(data)
    data += block.directory(values, place)
    struct.pack_into(block.order + "I", data, 4, place)
    return bytes(data)


def has_thumbnail(exif: bytes) -> bool:
    """Return whether a block's second directory holds a picture."""
    block = find_block(exif)
    if block is None:
        return False
    end = block.end(block.start)
    second = block.entries(block.number(block.data[end : end + 4]))
    return any(entry.tag in (Base.JpegIFOffset, Base.StripOffsets) for entry in second)


def with_thumbnail(exif: bytes, jpeg: bytes) -> bytes:
    """Return a block, which has a first directory and no second, with a thumbnail.

    Args:
        exif: the block.
        jpeg: the thumbnail, a JPEG file.
    """
    data = bytearray(exif)
    block = Block(data)
    link = block.end(block.start)
    if link + 4 > len(data):  # the block is damaged
        return exif
    data += bytes(len(data) % 2)
    place = len(data)
    struct.pack_into(block.order + "I", data, link, place)
    short, long = block.order + "H", block.order + "I"
    per_inch = (RATIONAL, 1, struct.pack(block.order + "II", 72, 1))
    values: dict[int, Value] = {
        Base.Compression: (SHORT, 1, struct.pack(short, JPEG_COMPRESSION)),
        Base.XResolution: per_inch,
        Base.YResolution: per_inch,
        Base.ResolutionUnit: (SHORT, 1, struct.pack(short, 2)),
        Base.JpegIFOffset: (LONG, 1, bytes(4)),
        Base.JpegIFByteCount: (LONG, 1, struct.pack(long, len(jpeg))),
    }
    behind = place + len(block.directory(values, place))
    values[Base.JpegIFOffset] = (LONG, 1, struct.pack(long, behind))
    return bytes(data + block.directory(values, place)) + jpeg


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
