import io
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin
from PIL.ExifTags import GPS, IFD, Base

from colorizer.photo.photofile import PhotoFile
from colorizer.photo.photoshop import Resource, join, parse, to_segments

SMALL: NDArray[np.uint8] = np.random.RandomState(7).randint(0, 256, (6, 9, 3), dtype=np.uint8)
THUMBNAIL = b"\xff\xd8 a smaller picture, without color \xff\xd9"
NOTES = b"a maker's notes, which only the maker can read"
XMP = b"""<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:Description tiff:Orientation="6" dc:title="M\xc3\xbcnchen"/></x:xmpmeta><?xpacket end="w"?>"""
IPTC = b"\x1c\x02\x78\x00\x0bA box of it"
HOLD_EXIF = ["AVIF", "JPEG", "PNG", "TIFF", "WEBP"]


def save(format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, format, **options)
    return buffer.getvalue()


def load(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def exif(order: str = "<", orientation: int = 6, *, thumbnail: bytes = b"") -> bytes:
    """Return an EXIF block as a camera writes it, but for an artist whose name is not ASCII."""
    block = Image.Exif()
    block.endian = order
    block[Base.Make] = "Leica"
    block[Base.Artist] = "Jos~"
    block[Base.Orientation] = orientation
    block[Base.DateTime] = "2001:02:03 04:05:06"
    details = block.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = "1931:05:06 07:08:09"
    details[Base.MakerNote] = NOTES
    details[Base.ExposureTime] = TiffImagePlugin.IFDRational(1, 125)
    details[Base.ColorSpace] = 65535
    details[IFD.Interop] = {1: "R03"}  # Adobe RGB
    place = block.get_ifd(IFD.GPSInfo)
    place[GPS.GPSLatitudeRef], place[GPS.GPSLatitude] = "N", (48.0, 8.0, 14.5)
    data = bytearray(block.tobytes()[6:].replace(b"Jos~", b"Jos\xe9"))
    if thumbnail:
        (count,) = struct.unpack_from(order + "H", data, 8)
        struct.pack_into(order + "I", data, 10 + 12 * count, len(data))
        begin = len(data) + 2 + 24 + 4
        data += struct.pack(order + "H", 2)
        data += struct.pack(order + "HHII", Base.JpegIFOffset, 4, 1, begin)
        data += struct.pack(order + "HHII", Base.JpegIFByteCount, 4, 1, len(thumbnail))
        data += bytes(4) + thumbnail
    return bytes(data)


def check(image: Image.Image) -> None:
    """Check that a picture has all that `exif` says, and is upright and in sRGB."""
    said = image.getexif()
    assert said[Base.Make] == "Leica"
    assert said[Base.Artist] == "Jos\xe9"
    assert said[Base.DateTime] == "2001:02:03 04:05:06"
    assert said.get(Base.Orientation, 1) == 1
    details, place = said.get_ifd(IFD.Exif), said.get_ifd(IFD.GPSInfo)
    assert details[Base.DateTimeOriginal] == "1931:05:06 07:08:09"
    assert details[Base.MakerNote] == NOTES
    assert details[Base.ExposureTime] == TiffImagePlugin.IFDRational(1, 125)
    assert details[Base.ColorSpace] == 1
    assert said.get_ifd(IFD.Interop)[1] == "R98"
    assert place[GPS.GPSLatitudeRef] == "N"
    assert place[GPS.GPSLatitude] == (48.0, 8.0, 14.5)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("out", HOLD_EXIF)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_is_kept_from_any_format_to_any(format: str, out: str, order: str) -> None:
    block = exif(order)
    file = PhotoFile.parse(save(format, exif=b"Exif\0\0" + block))
    check(load(file.encode(file.rgb, out)))
    twice = PhotoFile.parse(file.encode(file.rgb, "TIFF"))
    check(load(twice.encode(file.rgb, out)))


@pytest.mark.parametrize("out", HOLD_EXIF)
def test_exif_says_that_the_picture_is_upright(out: str) -> None:
    file = PhotoFile.parse(save(exif=exif(orientation=8)))
    written = load(file.encode(file.rgb, out))
    if out in ("JPEG", "PNG", "WEBP"):
        assert written.getexif()[Base.Orientation] == 1
    np.testing.assert_array_equal(PhotoFile.parse(save(exif=exif())).rgb, np.rot90(SMALL, -1))


def test_rest_of_exif_is_the_same_to_the_byte() -> None:
    block = exif(orientation=6)
    kept = PhotoFile.parse(save(exif=block)).metadata.exif
    changed = [place for place in range(len(block)) if block[place] != kept[place]]
    assert len(kept) == len(block)
    assert len(changed) == 5  # the orientation, and two bytes each of what names the color space


def test_notes_that_point_into_the_block_still_do_in_a_tiff() -> None:
    block = exif()
    file = PhotoFile.parse(save(exif=block))
    tiff = file.encode(file.rgb, "TIFF")
    assert tiff.index(NOTES) == block.index(NOTES)
    far = tiff[:4] + struct.pack("<I", len(tiff)) + tiff[8:]
    (start,) = struct.unpack_from("<I", tiff, 4)
    for data in (tiff, far + tiff[start:]):  # notes before and behind the directory
        assert PhotoFile.parse(data).metadata.exif.index(NOTES) == block.index(NOTES)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("after", [b"", b"\0\0", b"more"])
def test_thumbnail_is_made_anew(order: str, after: bytes) -> None:
    data = save("JPEG", exif=b"Exif\0\0" + exif(order, thumbnail=THUMBNAIL) + after)
    assert THUMBNAIL in data
    file = PhotoFile.parse(data)
    large = replace(file, levels=np.kron(file.levels, np.ones((30, 30, 1), np.uint8)))
    for out in HOLD_EXIF:
        written = large.encode(large.levels, out)
        assert b"smaller picture" not in written
        check(load(written))
        said = load(written).getexif()
        begin = said.get_ifd(IFD.IFD1).get(Base.JpegIFOffset, 0)
        assert bool(begin) == (out != "TIFF")
        if begin:
            image = load(load(written).info["exif"].removeprefix(b"Exif\0\0")[begin:])
            assert image.size == (107, 160)
            shown = Image.fromarray(large.levels).resize(image.size, Image.Resampling.LANCZOS)
            assert np.abs(np.asarray(image).astype(int) - np.asarray(shown)).mean() < 3
    assert file.metadata.exif.endswith(after if any(after) else b"\0\0\0\0")


def test_there_is_no_thumbnail_where_there_was_none() -> None:
    written = load(PhotoFile.parse(save(exif=exif())).encode(np.rot90(SMALL, -1), "JPEG"))
    assert not written.getexif().get_ifd(IFD.IFD1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_never_makes_a_photograph_fail(format: str) -> None:
    random, shapes = np.random.RandomState(7), set()
    whole = exif(thumbnail=THUMBNAIL)
    for _ in range(25):
        damaged = bytearray(whole[: random.choice([len(whole), random.randint(len(whole))])])
        for place in random.randint(len(damaged), size=random.choice([1, 3, 30])):
            damaged[place] = random.choice([0, 1, 255, random.randint(256)])
        file = PhotoFile.parse(save(format, exif=b"Exif\0\0" + damaged))
        shapes.add(file.rgb.shape)
        for out in HOLD_EXIF:
            again = PhotoFile.parse(file.encode(file.rgb, out))
            assert again.rgb.shape == file.rgb.shape  # not turned a second time
    assert shapes == {SMALL.shape, (9, 6, 3)}


def test_damaged_exif_in_a_tiff_does_no_harm() -> None:
    random = np.random.RandomState(7)
    file = PhotoFile.parse(save(exif=exif(orientation=1)))
    data, end = file.encode(SMALL, "TIFF"), len(file.metadata.exif)
    for _ in range(80):
        damaged = bytearray(data)
        for place in random.randint(8, end, size=random.choice([1, 3, 30])):
            damaged[place] = random.choice([0, 1, 255, random.randint(256)])
        again = PhotoFile.parse(bytes(damaged))
        np.testing.assert_array_equal(again.rgb, SMALL)
        np.testing.assert_array_equal(load(again.encode(SMALL, "PNG")), SMALL)


@pytest.mark.parametrize("pointer", [IFD.Exif, IFD.GPSInfo])
def test_directory_that_points_to_itself_does_no_harm(pointer: int) -> None:
    entry = struct.pack("<HHII", pointer, 4, 1, 8)
    block = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    file = PhotoFile.parse(save(exif=block))
    assert file.metadata.exif == block
    tiff = PhotoFile.parse(file.encode(SMALL, "TIFF"))
    np.testing.assert_array_equal(PhotoFile.parse(tiff.encode(SMALL)).rgb, SMALL)


def test_values_that_overlap_do_not_fill_the_memory() -> None:
    count = 5000
    entries = b"".join(struct.pack("<HHII", tag, 7, 50_000, 8) for tag in range(count))
    details = struct.pack("<H", count) + entries + bytes(4)
    tiff = bytearray(save("TIFF", exif=exif()))
    place = struct.unpack_from("<I", tiff, 4)[0]
    for at in range(place + 2, len(tiff) - 12, 12):
        if struct.unpack_from("<H", tiff, at)[0] == IFD.Exif:
            struct.pack_into("<I", tiff, at + 8, len(tiff))
            break
    file = PhotoFile.parse(bytes(tiff + details))
    assert len(file.metadata.exif) < 3 * len(tiff + details)


def test_exif_as_imagemagick_wrote_it_in_png_is_kept() -> None:
    block = b"Exif\0\0" + exif()
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8d}\n{block.hex()}\n", zip=True)
    file = PhotoFile.parse(save(pnginfo=info))
    np.testing.assert_array_equal(file.rgb, np.rot90(SMALL, -1))
    written = load(file.encode(file.rgb))
    check(written)
    assert isinstance(written, PngImagePlugin.PngImageFile)
    assert not written.text


def test_what_is_too_long_for_a_jpeg_is_left_out_with_a_word() -> None:
    block = exif(thumbnail=bytes(70_000) + b"x")
    packet = b"no packet that can be split" + b"x" * 70_000
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    file = PhotoFile.parse(save(exif=exif() + b"x" * 70_000, pnginfo=info))
    assert (file.losses("JPEG"), file.losses("PNG")) == (("EXIF", "XMP"), ())
    written = load(file.encode(file.rgb, "JPEG"))
    assert not written.getexif()
    assert "xmp" not in written.info
    assert len(load(file.encode(file.rgb)).info["xmp"]) == len(packet)
    check(load(PhotoFile.parse(save(exif=block)).encode(file.rgb, "JPEG")))  # without thumbnail


# XMP


@pytest.mark.parametrize("format", HOLD_EXIF)
@pytest.mark.parametrize("out", HOLD_EXIF)
def test_xmp_is_kept_and_called_upright(format: str, out: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options = {"TIFF": {"tiffinfo": {700: XMP}}, "PNG": {"pnginfo": info}}
    file = PhotoFile.parse(save(format, **options.get(format, {"xmp": XMP})))
    assert file.rgb.shape == (9, 6, 3)  # it was turned, though there is no EXIF
    written = load(file.encode(file.rgb, out))
    assert written.info["xmp"] == XMP.replace(b'Orientation="6"', b'Orientation="1"')


def test_exif_counts_more_than_xmp() -> None:
    file = PhotoFile.parse(save("JPEG", xmp=XMP, exif=b"Exif\0\0" + exif(orientation=1)))
    assert file.rgb.shape == SMALL.shape


@pytest.mark.parametrize("said", [b">8</tiff:Orientation>", b"='8'"])
def test_xmp_says_orientation_in_many_ways(said: bytes) -> None:
    packet = b"<x:xmpmeta><tiff:Orientation" + said + b"</x:xmpmeta>"
    file = PhotoFile.parse(save("JPEG", xmp=packet))
    assert file.rgb.shape == (9, 6, 3)
    assert file.metadata.xmp == packet.replace(b"8", b"1")


# IPTC, comments, texts and resolution


def photoshop(iptc: bytes) -> bytes:
    """Return a JPEG segment of Photoshop's resources: a thumbnail, of an odd size, and more."""
    preview = b"8BIM\x04\x0c\0\0" + struct.pack(">I", 7) + b"preview\0"
    record = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)
    rights = b"8BIM\x04\x0a\x06rights\0" + struct.pack(">I", 1) + b"\x01\0"
    payload = b"Photoshop 3.0\0" + preview + record + rights
    return b"\xff\xed" + struct.pack(">H", 2 + len(payload)) + payload


@pytest.mark.parametrize("iptc", [IPTC, IPTC + b"!"])
@pytest.mark.parametrize("out", ["JPEG", "PNG", "TIFF"])
def test_iptc_is_kept_with_photoshop_s_resources(iptc: bytes, out: str) -> None:
    file = PhotoFile.parse(save("JPEG", extra=photoshop(iptc)))
    written = file.encode(SMALL, out)
    assert b"preview" not in written
    twice = PhotoFile.parse(written)
    assert twice.metadata.iptc == iptc
    kept = load(twice.encode(SMALL, "JPEG")).info["photoshop"]
    assert sorted(kept) == [0x0404, 0x040A, 0x040C]
    assert (kept[0x0404], kept[0x040A]) == (iptc, b"\x01")
    assert load(kept[0x040C][28:]).size == (9, 6)
    with tifffile.TiffFile(io.BytesIO(twice.encode(SMALL, "TIFF"))) as tiff:
        assert bytes(tiff.pages.first.tags[33723].value) == iptc
        assert bytes(tiff.pages.first.tags[34377].value).startswith(b"8BIM\x04\x0a\x06rights")


def test_photoshop_s_resources_may_need_several_segments() -> None:
    paths = [Resource(2000 + n, b"", bytes([n]) * 40_000) for n in range(3)]
    paths.append(Resource(3000, b"", bytes(150_000)))
    file = PhotoFile.parse(save("JPEG", extra=to_segments(paths)))
    assert PhotoFile.parse(file.encode(SMALL)).metadata.photoshop == tuple(paths)
    whole = join(paths)
    assert parse(whole[:-1]) == paths[:3]
    assert parse(whole[:45_000]) == paths[:1]


def test_iptc_in_a_tiff_may_be_called_numbers() -> None:
    buffer, numbers = io.BytesIO(), np.frombuffer(IPTC + bytes(-len(IPTC) % 4), "<u4")
    tag = (33723, "I", len(numbers), tuple(numbers.tolist()), True)
    tifffile.imwrite(buffer, SMALL, photometric="rgb", extratags=[tag], metadata=None)
    assert PhotoFile.parse(buffer.getvalue()).metadata.iptc.rstrip(b"\0") == IPTC


def test_comment_is_kept() -> None:
    file = PhotoFile.parse(save("JPEG", comment=b"Caf\xe9"))
    assert load(file.encode(SMALL)).info["comment"] == b"Caf\xe9"


def test_texts_are_kept() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Jos\xe9")
    info.add_itxt("Title", "\u0141\xf3d\u017a", lang="pl")
    written = load(PhotoFile.parse(save(pnginfo=info)).encode(SMALL))
    assert isinstance(written, PngImagePlugin.PngImageFile)
    assert written.text == {"Author": "Jos\xe9", "Title": "\u0141\xf3d\u017a"}
    title = written.text["Title"]
    assert isinstance(title, PngImagePlugin.iTXt)
    assert title.lang == "pl"


@pytest.mark.parametrize("name", ["exif", "xmp", "icc_profile", "dpi", "comment", "photoshop"])
def test_text_may_have_any_name(name: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text(name, "text")
    file = PhotoFile.parse(save(pnginfo=info))
    for out in HOLD_EXIF:
        PhotoFile.parse(file.encode(SMALL, out))


@pytest.mark.parametrize("format", ["BMP", "JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("out", ["BMP", "JPEG", "PNG", "TIFF"])
def test_resolution_is_kept(format: str, out: str) -> None:
    file = PhotoFile.parse(save(format, dpi=(600, 300)))
    written = load(file.encode(SMALL, out))
    assert [round(float(value), 1) for value in written.info["dpi"]] == [600, 300]


@pytest.mark.parametrize("dpi", [(0, 0), (0, 300), (10**9, 300)])
def test_resolution_that_cannot_be_is_not_kept(dpi: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    fractions = [(value, 1) for value in dpi]
    tifffile.imwrite(
        buffer, SMALL, photometric="rgb", resolution=fractions, resolutionunit=2, metadata=None
    )
    file = PhotoFile.parse(buffer.getvalue())
    assert file.metadata.dpi is None
    for out in HOLD_EXIF:
        file.encode(SMALL, out)
