"""What a file is shows in its bytes, whatever its name says."""

import io
import os
import socket
import struct
from pathlib import Path

import pytest
from PIL import Image

from colorizer.photo.identify import HEAD, Kind, identify, identify_file
from colorizer.photo.photofile import FORMATS
from colorizer.photo.signatures import SUFFIXES

WRITTEN = ["JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP", "AVIF", "JPEG2000", "PPM", "PCX", "SGI"]


def media(*brands: bytes) -> bytes:
    """The start of an ISO base media file: the major brand, then the compatible ones."""
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(box) + 4) + box + bytes(64)


def tiff(order: str, **tags: int) -> bytes:
    """The start of a TIFF file whose first directory has these tags, "t254=1"."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    entries = (struct.pack(f"{order}HHII", int(t[1:]), 4, 1, n) for t, n in tags.items())
    return head + struct.pack(f"{order}IH", 8, len(tags)) + b"".join(entries) + bytes(64)


@pytest.mark.parametrize("format", WRITTEN)
def test_pictures_that_pillow_writes(format: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 80, 70)).save(buffer, format)
    assert identify(buffer.getvalue()[:HEAD]).format == format


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (media(b"heic", b"mif1", b"heic"), "HEIF"),
        (media(b"mif1", b"heic", b"miaf"), "HEIF"),
        (media(b"mif1", b"avif", b"mif1"), "AVIF"),
        (media(b"crx ", b"isom"), "RAW"),
        (b"\xff\x0a" + bytes(20), "JXL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
        (b"8BPS\0\1" + bytes(20), "PSD"),
        (b"%PDF-1.7\n", "PDF"),
        (tiff("<", t256=10), "TIFF"),
        (tiff(">", t254=1), "TIFF"),
        (tiff("<", t254=1, t271=9, t330=9), "RAW"),  # NEF, ARW
        (tiff("<", t262=32803), "RAW"),
        (tiff("<", t50706=1), "RAW"),  # DNG
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(64), "RAW"),
        (b"II*\0\xff\xff\0\0", "TIFF"),  # the directory lies further back
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1), "TIFF"),
        (b"MM\0+\0\x08\0\0" + bytes(20), "TIFF"),
    ],
)
def test_pictures_by_their_first_bytes(head: bytes, format: str) -> None:
    assert identify(head).format == format


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", "empty"),
        (media(b"mp42", b"isom"), "a video"),
        (media(b"qt  "), "a video"),
        (b"RIFF\0\0\1\0AVI LIST", "a video"),
        (b"\x1aE\xdf\xa3" + bytes(20), "a video"),
        (b"RIFF\0\0\1\0WAVEfmt ", "a sound"),
        (b"Dear Anna,\nthe photographs ...", "a text"),
        ("Grüße".encode(), "a text"),
        ("Grüße".encode("utf-16"), "a text"),
        (b"BMW and other cars", "a text"),
        (b"P5 is a train station", "a text"),
        (b"<!DOCTYPE html><title>404", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="', "a drawing of lines"),
        (b"PK\3\4" + bytes(30), "a zip archive"),
        (b"\0\0\0\1Bud1\0", "a folder's settings"),
        (bytes(500), "of no kind that is known"),
        (bytes(range(256)), "of no kind that is known"),
    ],
)
def test_all_else_is_named_in_plain_words(head: bytes, name: str) -> None:
    assert identify(head) == Kind(name, None)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "photo.HEIC").write_bytes(b"\xff\xd8\xff\xe0" + bytes(20))
    (tmp_path / "link").symlink_to("photo.HEIC")
    (tmp_path / "gone.jpg").symlink_to("nothing.jpg")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "to_folder").symlink_to("folder.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        names = {path.name: identify_file(path).name for path in tmp_path.iterdir()}
    assert names == {
        "photo.HEIC": "a JPEG picture",
        "link": "a JPEG picture",
        "gone.jpg": "a link to nothing",
        "circle": "a link that leads nowhere",
        "folder.jpg": "a folder",
        "to_folder": "a link to a folder",
        "pipe.jpg": "a pipe",
        "socket": "a socket",
    }
    assert identify_file(Path(os.devnull)).name == "a device"


def test_a_result_s_name_promises_its_format() -> None:
    assert SUFFIXES.items() >= FORMATS.items()
