"""Metadata where each format keeps them: none is passed over in silence."""

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from colorizer.photo import photoshop
from colorizer.photo.boxes import box, boxes
from colorizer.photo.extended_xmp import join, split
from colorizer.photo.metadata import Metadata
from colorizer.photo.photofile import PhotoFile
from colorizer.photo.photoshop import IPTC, Resource
from colorizer.photo.xmp import Packet
from made_pictures import linear_dng

SMALL: NDArray[np.uint8] = np.random.RandomState(7).randint(0, 256, (6, 9, 3), dtype=np.uint8)
RECORD = b"\x1c\x02\x78\x00\x0bA box of it"
DC = "{http://purl.org/dc/elements/1.1/}"
ORIENTATION, MAKE = 0x0112, 0x010F


def save(format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, format, **options)
    return buffer.getvalue()


def packet(title: str, *, more: int = 0) -> bytes:
    """Return XMP with a title, and a structure of some bytes more."""
    made = Packet()
    made.replace(f"{DC}title", title)
    if more:
        made.replace("{urn:more/}ancestors", "x" * more)
    return made.to_bytes()


def exif(orientation: int = 6) -> bytes:
    block = Image.Exif()
    block[ORIENTATION], block[MAKE] = orientation, "Maker"
    return block.tobytes().removeprefix(b"Exif\0\0")


def title(file: PhotoFile) -> str:
    return Packet(file.metadata.xmp).get(f"{DC}title")


def test_metadata_behind_the_pixels_of_a_deep_png_are_read() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    png = bytes(imagecodecs.png_encode(SMALL.astype(np.uint16) * 257))
    late = chunk(b"eXIf", exif())
    late += chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet("late"))
    file = PhotoFile.parse(png[:-12] + late + png[-12:])
    assert file.levels.shape == (9, 6, 3)
    assert (title(file), b"Maker" in file.metadata.exif) == ("late", True)


def test_metadata_of_a_bigtiff_are_read_and_go_into_any_format() -> None:
    said: list[Any] = [
        (MAKE, "s", 0, "Maker", True),
        (700, "B", len(packet("big")), packet("big"), True),
        (33723, "B", len(RECORD), RECORD, True),
    ]
    tifffile.imwrite(buffer := io.BytesIO(), SMALL, bigtiff=True, extratags=said, metadata=None)
    file = PhotoFile.parse(buffer.getvalue())
    assert (title(file), file.metadata.iptc) == ("big", RECORD)
    for format in ("JPEG", "TIFF"):
        written = Image.open(io.BytesIO(file.encode(SMALL, format)))
        assert written.getexif()[MAKE] == "Maker"


def test_metadata_of_jpeg_2000_are_read() -> None:
    data = save("JPEG2000")
    place = data.index(b"jp2c") - 4
    uuids = {
        "be7acfcb97a942e89c71999491e3afac": packet("archive"),
        "33c7a4d2b81d4723a0baf1a3e097ad38": RECORD,
        b"JpgTiffExif->JP2".hex(): exif(1),
    }
    said = b"".join(box(b"uuid", bytes.fromhex(name) + held) for name, held in uuids.items())
    file = PhotoFile.parse(data[:place] + said + data[place:])
    assert (title(file), file.metadata.iptc) == ("archive", RECORD)
    again = PhotoFile.parse(file.encode(SMALL))
    assert (title(again), again.metadata.iptc) == ("archive", RECORD)
    assert b"Maker" in again.metadata.exif


def test_compressed_metadata_of_jpeg_xl_are_read() -> None:
    pytest.importorskip("pillow_jxl")
    data = bytes(imagecodecs.jpegxl_encode(SMALL, usecontainer=True, lossless=True))
    compressed = {b"xml ": packet("short"), b"Exif": bytes(4) + exif(1)}
    for name, held in compressed.items():
        data += box(b"brob", name + bytes(imagecodecs.brotli_encode(held)))
    file = PhotoFile.parse(data)
    assert (title(file), b"Maker" in file.metadata.exif) == ("short", True)
    damaged = data[:-9] + bytes(9)
    assert title(PhotoFile.parse(damaged)) == "short"
    assert list(boxes(b"\xff\x0a" + bytes(40))) == []


def test_iptc_and_resolution_of_a_photoshop_file_are_read() -> None:
    resolution = struct.pack(">IHHIHH", 300 << 16, 1, 1, 200 << 16, 1, 1)
    said = photoshop.join([Resource(IPTC, b"", RECORD), Resource(1005, b"", resolution)])
    head = b"8BPS\0\1" + bytes(6) + b"\0\3" + struct.pack(">II", *SMALL.shape[:2]) + b"\0\x08\0\3"
    planes = bytes(2) + SMALL.transpose(2, 0, 1).tobytes()
    data = head + bytes(4) + struct.pack(">I", len(said)) + said + bytes(4) + planes
    file = PhotoFile.parse(data)
    np.testing.assert_array_equal(file.rgb, SMALL)
    assert (file.metadata.iptc, file.metadata.dpi) == (RECORD, (300, 200))
    again = PhotoFile.parse(file.encode(SMALL))
    assert (again.format, again.metadata.iptc) == ("TIFF", RECORD)


def test_xmp_of_a_raw_file_is_read() -> None:
    pytest.importorskip("rawpy")
    data = linear_dng(np.full((48, 64, 3), 0.5), xmp=packet("sidecar"))
    assert title(PhotoFile.parse(data)) == "sidecar"


@pytest.mark.parametrize("magic", [b"IIRO", b"IIU\0", b"FUJI"])
def test_exif_of_raw_files_is_read_or_named_as_lost(magic: bytes) -> None:
    image = Image.new("RGB", (4, 4))
    image.format = "RAW"
    data = magic + save("TIFF", exif=exif(1))[4:]
    metadata = Metadata.read(image, data)
    assert (b"Maker" in metadata.exif) == (magic != b"FUJI")
    assert metadata.lost == (("EXIF",) if magic == b"FUJI" else ())


def test_resolution_of_a_turned_tiff_is_turned() -> None:
    file = PhotoFile.parse(save("TIFF", exif=exif(), dpi=(300, 200)))
    assert (file.metadata.dpi, file.levels.shape) == ((200, 300), (9, 6, 3))


@pytest.mark.parametrize("format", ["JPEG", "GIF"])
def test_comment_becomes_a_text_of_a_png(format: str) -> None:
    file = PhotoFile.parse(save(format, comment=b"Caf\xe9"))
    assert PhotoFile.parse(file.encode(SMALL, "PNG")).metadata.text == {"Comment": "Caf\xe9"}
    assert file.losses("PNG") == ()
    assert file.losses("WEBP") == ("comment",)


# XMP that needs several segments of a JPEG file


def test_long_xmp_is_split_over_segments_of_a_jpeg_and_read_again() -> None:
    long = packet("on the back", more=150_000)
    file = PhotoFile.parse(save("WEBP", xmp=long))
    written = file.encode(SMALL, "JPEG")
    assert file.losses("JPEG") == ()
    assert len(Image.open(io.BytesIO(written)).info["xmp"]) < 65_000
    assert b"on the back" in Image.open(io.BytesIO(written)).info["xmp"]
    again = PhotoFile.parse(written)
    assert title(again) == "on the back"
    assert len(Packet(again.metadata.xmp).get("{urn:more/}ancestors")) == 150_000
    assert b"HasExtendedXMP" not in again.metadata.xmp
    assert title(PhotoFile.parse(again.encode(SMALL))) == "on the back"


def test_very_many_properties_are_split_in_little_time() -> None:
    made = Packet()
    made.replace(f"{DC}title", "short")
    for number in range(3000):
        made.replace(f"{{urn:more/}}p{number}", "x" * 40)
    long = made.to_bytes()
    main, segments = split(long, 65_000)
    assert len(main) <= 65_000 < len(long)
    assert Packet(main).get(f"{DC}title") == "short"
    parts = segments.split(b"\xff\xe1")
    again = join(main, [("APP1", part[2:]) for part in parts if part])
    assert again.count(b"x" * 40) == 3000
    assert b"HasExtendedXMP" not in again


def test_padding_is_no_reason_to_split() -> None:
    file = PhotoFile.parse(save("WEBP", xmp=packet("padded") + b" " * 70_000))
    again = PhotoFile.parse(written := file.encode(SMALL, "JPEG"))
    assert (title(again), b"extension" in written) == ("padded", False)


@pytest.mark.parametrize("damage", [b"y" * 32, b""])
def test_main_packet_is_kept_where_the_rest_is_damaged(damage: bytes) -> None:
    file = PhotoFile.parse(save("WEBP", xmp=packet("kept", more=150_000)))
    written = file.encode(SMALL, "JPEG")
    place = written.index(b"xmp/extension/\0") + 15
    damaged = written.replace(written[place : place + 32], damage or b"z" * 32, 1)
    assert title(PhotoFile.parse(damaged)) == "kept"
