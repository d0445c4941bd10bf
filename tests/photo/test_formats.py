"""Formats that people bring besides JPEG, PNG and TIFF: read, and written in the nearest."""

import io
import sys
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizer.inference.recolor_file import Options, colorize_data
from colorizer.methods.hints import Hint
from colorizer.photo.decode import ImageError, count_pixels, decode
from colorizer.photo.jxl import read_size
from colorizer.photo.marking import Mark, digest, read_mark
from colorizer.photo.photofile import PhotoFile, encode_pages
from icc_profiles import linear
from made_pictures import dng, linear_dng

EXTRA = {
    "HEIF": "pillow_heif",
    "JXL": "pillow_jxl",
    "RAW": "rawpy",
    "PDF": "pypdfium2",
}
"""What the extra `formats` reads, and by which module."""

SIZE = (48, 64)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
SLOPE = np.linspace(0.1, 0.9, SIZE[1])[None].repeat(SIZE[0], 0)
GRAY = np.rint(SLOPE * 255).astype(np.uint8)
COLORS = np.dstack([GRAY, GRAY[::-1, ::-1], np.full(SIZE, 90, np.uint8)])
ORIENTATION = 0x0112


def save(pixels: NDArray[Any], format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def exif(orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[ORIENTATION], block[0x010F] = orientation, "Maker"
    return block.tobytes()


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """The same colors as a file of each kind."""
    for module in ("pillow_heif", "pillow_jxl", "pypdfium2", "rawpy"):
        pytest.importorskip(module)
    import pillow_heif
    import pillow_jxl  # noqa: F401

    pillow_heif.register_heif_opener(thumbnails=False)
    deep = COLORS.astype(np.uint16) * 257
    return {
        "HEIF": save(COLORS, "HEIF", exif=exif(6), xmp=XMP, quality=95, chroma=444),
        "JXL": save(COLORS, "JXL", lossless=True, exif=exif()),
        "JXL of 16 bits": imagecodecs.jpegxl_encode(
            np.rint(linear(COLORS / 255) * 65535).astype(np.uint16), lossless=True
        ),
        "RAW": linear_dng(linear(COLORS / 255)),
        "PDF": save(COLORS, "PDF", resolution=144),
        "GIF": save(GRAY, "GIF"),
        "JPEG2000": save(COLORS, "JPEG2000"),
        "JPEG2000 of 12 bits": imagecodecs.jpeg2k_encode(
            np.rint(COLORS / 255 * 4095).astype(np.uint16), bitspersample=12, reversible=True
        ),
        "PPM": save(COLORS, "PPM"),
        "PPM of 16 bits": b"P6\n# made\n64 48\n65535\n" + deep.astype(">u2").tobytes(),
        "PPM of 12 bits": b"P5 64 48 4095 " + np.rint(SLOPE * 4095).astype(">u2").tobytes(),
        "PSD": photoshop(COLORS),
    }


def photoshop(rgb: NDArray[np.uint8], bits: int = 8) -> bytes:
    """Return a flat Photoshop file of version 1."""
    head = b"8BPS\0\1" + bytes(6) + b"\0\3"
    head += b"".join(side.to_bytes(4, "big") for side in rgb.shape[:2])
    resource = b"8BIM" + (1058).to_bytes(2, "big") + bytes(2) + len(exif()).to_bytes(4, "big")
    resource += exif() + bytes(len(exif()) % 2)
    head += bits.to_bytes(2, "big") + b"\0\3" + bytes(4) + len(resource).to_bytes(4, "big")
    planes = np.moveaxis(rgb, 2, 0).astype(f">u{bits // 8}") * (1 if bits == 8 else 257)
    return head + resource + bytes(4) + b"\0\0" + planes.tobytes()


@pytest.mark.parametrize(
    ("name", "written", "off"),
    [
        ("HEIF", "JPEG", 3),
        ("JXL", "JXL", 0),
        ("JXL of 16 bits", "JXL", 0.1),
        ("RAW", "TIFF", 0.3),
        ("PDF", "PDF", 4),
        ("GIF", "PNG", 0),
        ("JPEG2000", "PNG", 0),
        ("JPEG2000 of 12 bits", "PNG", 0.07),
        ("PPM", "PNG", 0),
        ("PPM of 16 bits", "PNG", 0),
        ("PPM of 12 bits", "PNG", 0.6),
        ("PSD", "TIFF", 0),
    ],
)
def test_file_is_read_and_written_in_the_nearest_format(
    made: dict[str, bytes], name: str, written: str, off: float
) -> None:
    file = PhotoFile.parse(made[name])
    shown = COLORS if name not in ("GIF", "PPM of 12 bits") else np.dstack([GRAY] * 3)
    shown = np.rot90(shown, -1) if name == "HEIF" else shown
    deep = "bits" in name or name == "RAW"
    assert (file.format, file.format_written) == (name.split()[0], written)
    assert file.levels.dtype == (np.uint16 if deep else np.uint8)
    levels = file.levels if file.levels.ndim == 3 else file.levels[..., None]
    inner = slice(None) if name != "RAW" else slice(3, -3)  # LibRaw guesses at edges
    error = np.abs(levels / (257 if deep else 1) - shown.astype(float))[inner, inner]
    assert error.max() <= off
    new = np.ascontiguousarray(levels[::-1]) if levels.shape[2] == 3 else np.dstack([levels] * 3)
    again = PhotoFile.parse(file.encode(new))
    assert again.format == written
    assert again.levels.dtype == new.dtype
    lossy = 3 if new.dtype == np.uint8 else 6 if written == "JXL" else 0  # JXL: linear light
    assert np.abs(again.levels.astype(float) - new).mean() <= lossy


def test_metadata_goes_with_the_picture(made: dict[str, bytes]) -> None:
    heif = PhotoFile.parse(made["HEIF"])
    again = Image.open(io.BytesIO(heif.encode(heif.levels)))
    assert (again.getexif()[ORIENTATION], again.getexif()[0x010F]) == (1, "Maker")
    assert again.info["xmp"] == XMP
    for name in ("JXL", "PSD", "RAW"):
        file = PhotoFile.parse(made[name])
        said = PhotoFile.parse(file.encode(file.levels)).metadata
        assert Image.open(io.BytesIO(file.encode(file.levels, "JPEG"))).getexif()[0x010F] == "Maker"
        assert b"Maker" in said.exif
    with_xmp = PhotoFile.parse(save(COLORS, "WEBP", xmp=XMP)).encode(COLORS, "JXL")
    assert PhotoFile.parse(with_xmp).metadata.xmp == XMP


@pytest.mark.parametrize("format", ["JXL", "PDF"])
def test_result_bears_its_mark(format: str) -> None:
    pytest.importorskip("pypdfium2")
    file = PhotoFile.parse(save(COLORS, "PNG"))
    mark = Mark("colorizer 1.2.3 (flagship)", digest(b"a scan"), "strength 1.3")
    assert read_mark(file.marked(mark).encode(COLORS, format)) == mark
    assert read_mark(file.encode(COLORS, format)) is None


def test_raw_mosaic_is_developed_at_its_range(made: dict[str, bytes]) -> None:
    for bits in (12, 16):
        photo = decode(dng(linear(SLOPE), bits=bits))
        developed = photo.levels[4:-4, 4:-4] / 65535
        np.testing.assert_allclose(developed, SLOPE[4:-4, 4:-4, None].repeat(3, 2), atol=2e-3)


def test_pages_of_a_pdf_keep_their_size(made: dict[str, bytes]) -> None:
    pages = [Image.fromarray(GRAY), Image.fromarray(GRAY.T.copy())]
    buffer = io.BytesIO()
    pages[0].save(buffer, "PDF", resolution=144, save_all=True, append_images=pages[1:])
    with pytest.raises(ImageError, match="2 pictures in one PDF file"):
        decode(buffer.getvalue())
    read = list(PhotoFile.pages(buffer.getvalue()))
    assert [page.levels.shape[:2] for page in read] == [SIZE, SIZE[::-1]]
    hints = Options(hints=(Hint(1, 1, (200, 30, 30)),))
    one = colorize_data(made["PDF"], None, hints)
    assert PhotoFile.parse(one.data).levels.shape == (*SIZE, 3)
    written = encode_pages(((page, page.levels) for page in read), "PDF")
    again = list(PhotoFile.pages(written))
    assert [page.levels.shape for page in again] == [page.levels.shape for page in read]
    np.testing.assert_allclose([page.metadata.dpi for page in again], 144, rtol=0.01)
    assert np.abs(again[1].levels.astype(int) - read[1].levels).mean() < 2


def test_text_layer_of_a_pdf_is_named_as_lost(made: dict[str, bytes]) -> None:
    from pypdfium2 import PdfDocument, raw

    with PdfDocument(made["PDF"]) as document:
        words = raw.FPDFPageObj_NewTextObj(document, b"Helvetica", 12)
        raw.FPDFText_SetText(words, (raw.FPDF_WCHAR * 3)(*map(ord, "so"), 0))
        page = document[0]
        raw.FPDFPage_InsertObject(page, words)
        page.gen_content()
        document.save(with_text := io.BytesIO())
    said = [PhotoFile.parse(data).losses() for data in (made["PDF"], with_text.getvalue())]
    assert said == [(), ("text layer",)]


def test_pdf_of_text_is_no_scan() -> None:
    text = b"BT /F1 24 Tf 20 100 Td (Dear Anna) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 "
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
    ]
    body = b"".join(b"%d 0 obj%s endobj\n" % (n, said) for n, said in enumerate(objects, 1))
    data = b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>"
    with pytest.raises(ImageError, match="a PDF page that is no scan"):
        decode(data)


@pytest.mark.parametrize(("format", "module"), EXTRA.items())
def test_what_is_not_installed_is_named(
    made: dict[str, bytes], format: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from colorizer.photo import opening

    for name in ("raw", "pdf"):
        monkeypatch.delitem(sys.modules, f"colorizer.photo.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    for register in (opening._register_heif, opening._register_jxl):
        register.cache_clear()
    with pytest.raises(ImageError, match=r"needs \S+: pip install 'colorizer-unet\[formats\]'$"):
        decode(made[format])
    with pytest.raises(ImageError, match=r"needs \S+: pip install 'colorizer-unet\[formats\]'$"):
        list(PhotoFile.pages(made[format]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_file_cut_short_is_refused(made: dict[str, bytes], share: float) -> None:
    for name in set(made) - {"PDF", "JPEG2000"}:  # of which a part is a picture
        data = made[name]
        try:
            decode(data[: int(len(data) * share)])
        except ImageError as error:
            assert len(str(error).splitlines()) == 1, name
        else:
            pytest.fail(f"{name} was decoded")


def test_depth_that_is_not_read_is_named() -> None:
    with pytest.raises(ImageError, match="a Photoshop file of 16 bits a channel: save it as TIFF"):
        decode(photoshop(COLORS, bits=16))
    floats = imagecodecs.jpegxl_encode((COLORS / 255).astype(np.float32), lossless=True)
    with pytest.raises(ImageError, match="a JPEG XL of float32"):
        decode(floats)


def test_pixels_are_counted_before_they_are_decoded(made: dict[str, bytes]) -> None:
    for name in ("HEIF", "RAW", "GIF", "PPM of 16 bits", "PSD", "JXL", "PDF"):
        assert count_pixels(made[name]) == SIZE[0] * SIZE[1], name


@pytest.mark.parametrize(
    ("width", "height"), [(8, 8), (256, 256), (300, 200), (512, 384), (1000, 999), (9000, 1)]
)
@pytest.mark.parametrize("container", [False, True])
def test_a_jpeg_xl_says_its_size_before_it_is_decoded(
    width: int, height: int, container: bool
) -> None:
    blank = np.zeros((height, width, 3), np.uint8)
    data = imagecodecs.jpegxl_encode(blank, usecontainer=container, effort=1)
    assert read_size(data) == (width, height)


def test_a_jpeg_xl_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pillow_jxl")
    data = imagecodecs.jpegxl_encode(np.zeros((100, 101), np.uint8), effort=1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5049)
    with pytest.raises(ImageError, match="image too large: 101 x 100 pixels"):
        decode(data)
    assert count_pixels(data) == 10_100
