"""What a file is, by its first bytes and never by its name: which picture format, or what else."""

import re
import stat
import struct
from pathlib import Path

from colorizer.photo.signatures import (
    AVIF,
    BMP,
    BRANDS,
    EMPTY,
    HEIF,
    METAFILE,
    PCX,
    PNM,
    RAW,
    RIFF,
    SIGNATURES,
    TEXT,
    TIFF,
    UNKNOWN,
    VIDEO,
    Kind,
)

HEAD = 4096
"""Bytes of a file that tell what it is."""

TEXT_BYTES = bytes([*b"\t\n\f\r\x1b", *range(32, 127), *range(128, 256)])

SPECIAL = (
    (stat.S_ISFIFO, Kind("a pipe")),
    (stat.S_ISSOCK, Kind("a socket")),
    (lambda _: True, Kind("a device")),
)

SUBFILE, COMPRESSION, PHOTOMETRIC, MAKE, SUB_IFDS, DNG = 254, 259, 262, 271, 330, 50706
RAW_COMPRESSIONS = (32767, 32769, 32770, 34713, 65535)  # of Sony, Epson, Samsung, Nikon, Pentax
CFA, LINEAR_RAW = 32803, 34892
SHORT = 3  # the type of a tag of two bytes


def identify(head: bytes) -> Kind:
    """Tell what a file is by its first bytes.

    Args:
        head: `HEAD` bytes, or all of a shorter file.

    Example:
        >>> identify(b"GIF89a" + bytes(100))
        Kind(name='a GIF picture', format='GIF')
        >>> identify(b"Dear Anna,").name
        'a text'
    """
    if not head:
        return EMPTY
    if head[4:8] == b"ftyp":
        return _media_file(head)
    if head[:4] == b"RIFF":
        return RIFF.get(head[8:12], UNKNOWN)
    for offset, magic, kind in SIGNATURES:
        if head.startswith(magic, offset):
            return RAW if kind is TIFF and _is_raw(head) else kind
    for looks_like, kind in ((_is_bmp, BMP), (_is_pnm, PNM), (_is_pcx, PCX)):
        if looks_like(head):
            return kind
    return _text(head)


def identify_file(path: Path) -> Kind:
    """Tell what a path is; nothing but regular files is opened, and links to them.

    Raises:
        OSError: if the file cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Kind("a link to nothing") if path.is_symlink() else Kind("nothing")
    except OSError:
        if path.is_symlink():  # of links that lead in a circle
            return Kind("a link that leads nowhere")
        raise
    if stat.S_ISDIR(mode):
        return Kind("a link to a folder") if path.is_symlink() else Kind("a folder")
    if not stat.S_ISREG(mode):
        return next(kind for test, kind in SPECIAL if test(mode))
    with path.open("rb") as file:
        return identify(file.read(HEAD))


def _media_file(head: bytes) -> Kind:
    """Tell what an ISO base media file is by its brands, of which the major one comes first."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major, *others = (head[at : at + 4] for at in (8, *range(16, end, 4)))
    if major in (b"mif1", b"msf1"):  # any picture: another brand names the codec
        return AVIF if b"avif" in others or b"avis" in others else HEIF
    return BRANDS.get(major, VIDEO)


def _is_raw(head: bytes) -> bool:
    """Whether a TIFF's first directory is that of a camera's raw file."""
    tags: dict[int, int] = {}
    order, number = ("<", b"*\0") if head[:2] == b"II" else (">", b"\0*")
    if head[2:4] != number:  # BigTIFF
        return False
    try:
        (at,) = struct.unpack_from(f"{order}I", head, 4)
        (count,) = struct.unpack_from(f"{order}H", head, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", head, entry)
            format = "H" if kind == SHORT else "I"
            (tags[tag],) = struct.unpack_from(order + format, head, entry + 8)
    except struct.error:  # the directory lies further back
        pass
    preview = tags.get(SUBFILE) == 1 and MAKE in tags and SUB_IFDS in tags
    codec = tags.get(COMPRESSION) in RAW_COMPRESSIONS
    return DNG in tags or preview or codec or tags.get(PHOTOMETRIC) in (CFA, LINEAR_RAW)


def _is_bmp(head: bytes) -> bool:
    sizes = (12, 40, 52, 56, 64, 108, 124)  # of the header after the file's own
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in sizes


def _is_pnm(head: bytes) -> bool:
    return re.match(rb"P[1-6f]\s+[#0-9]", head) is not None


def _is_pcx(head: bytes) -> bool:
    return head[:1] == b"\n" and head[1:2] in b"\0\2\3\5" and head[2:4] in (b"\1\1", b"\1\x08")


def _text(head: bytes) -> Kind:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return TEXT
    if head.translate(None, TEXT_BYTES):
        return UNKNOWN
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1000].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return Kind("a web page")
    return METAFILE if b"<svg" in start else TEXT
