import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from colorizer.photo import decode as images
from colorizer.photo import icc as srgb
from colorizer.photo import pixels
from colorizer.photo.decode import ImageError
from colorizer.photo.encode import encode
from colorizer.photo.photofile import FORMATS, PhotoFile, encode_pages
from colorizer.photo.tiff_pages import find_pages
from icc_profiles import cmyk_profile, encoded, gamma, profile, rgb_profile, srgb_curve

RGB = NDArray[np.uint8]

KNOWN = sorted({*FORMATS.values()} - {"JXL", "PDF"})  # which have tests of their own
LOSSLESS = ["BMP", "PNG", "TIFF"]
SMALL: RGB = np.random.RandomState(7).randint(0, 256, (25, 40, 3), dtype=np.uint8)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
ALPHA = np.tile(np.array([0, 128, 255, 7], np.uint8), (25, 10))
DEEP = np.arange(0, 65536, 13, dtype=np.uint16)[:5040].reshape(60, 84)
ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small pictures be worked on in several bands, the last of them smaller."""
    monkeypatch.setattr(pixels, "BAND", 300)


@pytest.fixture(scope="module")
def photo(sample_photos: dict[str, bytes]) -> Image.Image:
    with Image.open(io.BytesIO(sample_photos["mirflickr/im2.jpg"])) as image:
        return image.resize((90, 60))


def save(image: Image.Image | NDArray[Any], format: str = "PNG", **options: Any) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def save_tiff(levels: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, levels, metadata=None, **options)
    return buffer.getvalue()


def load(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as error:
        PhotoFile.parse(data)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def read_png_16(data: bytes) -> NDArray[np.uint16]:
    """Read a PNG whose rows have filter 1, by the specification."""
    place, compressed, width, height, channels = 8, b"", 0, 0, 0
    while place < len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        chunk = data[place + 8 : place + 8 + size]
        assert zlib.crc32(name + chunk) == struct.unpack_from(">I", data, place + 8 + size)[0]
        if name == b"IHDR":
            width, height, bits, kind = struct.unpack(">IIBB", chunk[:10])
            assert bits == 16
            channels = {2: 3, 6: 4}[kind]
        compressed += chunk if name == b"IDAT" else b""
        place += 12 + size
    lines = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(height, -1)
    assert (lines[:, 0] == 1).all()
    levels = lines[:, 1:].reshape(height, width, 2 * channels).cumsum(axis=1, dtype=np.uint8)
    return levels.view(">u2").astype(np.uint16)


# What comes in


@pytest.mark.parametrize("format", KNOWN)
def test_color_picture_of_any_format_is_read_as_stored(format: str, photo: Image.Image) -> None:
    data = save(photo, format)
    file = PhotoFile.parse(data)
    assert (file.format, file.single_channel, file.alpha) == (format, False, None)
    assert file.levels.dtype == np.uint8
    np.testing.assert_array_equal(file.rgb, np.asarray(load(data)))


def test_photographs_are_read_as_everywhere_else(sample_photos: dict[str, bytes]) -> None:
    for name, data in list(sample_photos.items())[::10]:
        file, expected = PhotoFile.parse(data), images.decode(data)
        assert np.array_equal(file.rgb, expected.rgb), name
        assert file.single_channel == expected.single_channel


@pytest.mark.parametrize(
    ("image", "format"),
    [
        (Image.fromarray(RAMP), "PNG"),
        (Image.fromarray(RAMP), "JPEG"),
        (Image.fromarray(RAMP), "TIFF"),
        (Image.fromarray(RAMP > 99), "PNG"),
        (Image.fromarray(RAMP > 99), "TIFF"),
        (Image.fromarray(np.dstack([RAMP, RAMP])), "PNG"),
    ],
)
def test_gray_picture_of_8_bits_or_one_is_one_channel(image: Image.Image, format: str) -> None:
    data = save(image, format)
    assert load(data).mode == image.mode
    file = PhotoFile.parse(data)
    assert file.single_channel
    assert file.levels.dtype == np.uint8
    np.testing.assert_array_equal(file.levels, np.dstack([np.asarray(load(data).convert("L"))] * 3))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(save(DEEP), id="PNG"),
        pytest.param(save(DEEP, "TIFF"), id="TIFF"),
        pytest.param(save(DEEP, "TIFF", compression="tiff_lzw"), id="TIFF, LZW"),
        pytest.param(save_tiff(DEEP, byteorder=">"), id="TIFF, big-endian"),
        pytest.param(save_tiff(DEEP, bigtiff=True), id="BigTIFF"),
        pytest.param(save_tiff(65535 - DEEP, photometric="miniswhite"), id="TIFF, negative"),
    ],
)
def test_gray_picture_of_over_8_bits_keeps_them(data: bytes) -> None:
    file = PhotoFile.parse(data)
    assert file.single_channel
    assert file.levels.dtype == np.uint16
    np.testing.assert_array_equal(file.levels, DEEP)
    eight = np.round(DEEP / 257).astype(np.uint8)
    np.testing.assert_array_equal(file.rgb, np.dstack([eight] * 3))


def test_negative_of_8_bits_or_one_is_shown_right() -> None:
    data = save_tiff(255 - RAMP, photometric="miniswhite")
    np.testing.assert_array_equal(PhotoFile.parse(data).rgb[..., 0], RAMP)
    bits = save(Image.fromarray(RAMP > 99), "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(PhotoFile.parse(bits).rgb[..., 0], np.where(RAMP > 99, 255, 0))


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_without_a_profile_is_what_pillow_makes_of_it(format: str, photo: Image.Image) -> None:
    data = save(photo.convert("CMYK"), format)
    file = PhotoFile.parse(data)
    assert not file.single_channel
    np.testing.assert_array_equal(file.rgb, np.asarray(load(data).convert("RGB")))
    assert np.abs(file.rgb.astype(int) - np.asarray(photo)).mean() < 5  # not inverted


def test_palette_is_looked_up() -> None:
    image = Image.fromarray(RAMP % 3, "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    file = PhotoFile.parse(save(image))
    assert file.alpha is None
    np.testing.assert_array_equal(file.rgb, 255 * np.eye(3, dtype=int)[RAMP % 3])


# Which way is up


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", sorted({*KNOWN} - {"BMP"}))
def test_photograph_is_turned_upright_once(
    format: str, orientation: int, photo: Image.Image
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = save(photo, format, exif=exif, dpi=(300, 200))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    file = PhotoFile.parse(data)
    np.testing.assert_array_equal(file.rgb, expected)
    if format in ("JPEG", "PNG"):
        across = (200, 300) if orientation >= 5 else (300, 200)
        np.testing.assert_allclose(file.metadata.dpi or 0, across, atol=0.1)
    for out in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF"):
        again = load(file.encode(file.rgb, out))
        assert again.size == (expected.shape[1], expected.shape[0])
        assert again.getexif().get(ORIENTATION, 1) == 1
        assert PhotoFile.parse(file.encode(file.rgb, out)).rgb.shape == expected.shape


def test_deep_levels_and_alpha_are_turned_as_well() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    np.testing.assert_array_equal(PhotoFile.parse(save(DEEP, exif=exif)).levels, np.rot90(DEEP, -1))
    file = PhotoFile.parse(save(np.dstack([SMALL, ALPHA]), exif=exif))
    np.testing.assert_array_equal(file.alpha, np.rot90(ALPHA, -1))
    np.testing.assert_array_equal(file.levels, np.rot90(SMALL, -1))


# Color profiles


def test_colors_are_converted_by_their_profile(photo: Image.Image) -> None:
    other = rgb_profile(gamma(1.8), "grb")
    file = PhotoFile.parse(save(photo, icc_profile=other))
    light = (np.asarray(photo) / 255) ** (461 / 256)
    expected = 255 * encoded(light[..., [1, 0, 2]])  # red stands for green, and green for red
    np.testing.assert_allclose(file.rgb, expected, atol=2)


@pytest.mark.parametrize("levels", [1024, 4096])
def test_srgb_as_someone_else_rounds_it_changes_nothing(levels: int) -> None:
    file = PhotoFile.parse(save(SMALL, icc_profile=rgb_profile(srgb_curve(levels))))
    np.testing.assert_array_equal(file.rgb, SMALL)


@pytest.mark.parametrize("exponent", [1.0, 1.8, 2.2])
def test_gray_levels_are_converted_by_their_profile_to_16_bits(exponent: float) -> None:
    gray = profile(b"GRAY", {b"kTRC": gamma(exponent)})
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    file = PhotoFile.parse(save(levels, icc_profile=gray))
    expected = 65535 * encoded((levels / 65535) ** (round(256 * exponent) / 256))
    np.testing.assert_allclose(file.levels, expected, atol=64)  # a quarter of a level of 8 bits
    assert (np.diff(file.levels.ravel().astype(int)) >= 0).all()
    assert len(np.unique(file.levels)) > 30_000
    eight = PhotoFile.parse(save(RAMP, icc_profile=gray))
    np.testing.assert_allclose(
        eight.rgb[..., 1], expected.ravel()[::257].reshape(16, 16) / 257, atol=1
    )


def test_gray_levels_of_srgb_stay_as_they_are() -> None:
    gray = profile(b"GRAY", {b"kTRC": srgb_curve(4096)})
    np.testing.assert_array_equal(PhotoFile.parse(save(DEEP, icc_profile=gray)).levels, DEEP)
    np.testing.assert_array_equal(PhotoFile.parse(save(RAMP, icc_profile=gray)).rgb[..., 0], RAMP)


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_is_converted_by_its_profile(format: str) -> None:
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    teal = cmyk_profile((128, 88, 118))  # CIELAB 50, -40, -10
    file = PhotoFile.parse(save(image, format, icc_profile=teal))
    np.testing.assert_allclose(file.rgb[8, 8], (0, 136, 137), atol=4)
    paper = Image.new("CMYK", (16, 16))
    assert PhotoFile.parse(save(paper, format, icc_profile=teal)).rgb.min() >= 254


@pytest.mark.parametrize(
    "broken",
    [
        b"no profile",
        rgb_profile(gamma(1.8))[:200],
        profile(b"GRAY", {b"kTRC": gamma(1.0)}),  # another mode's
        cmyk_profile((0, 0, 0)),
        profile(b"RGB ", {}),
    ],
)
def test_profile_that_is_damaged_or_another_mode_s_is_passed_over(broken: bytes) -> None:
    file = PhotoFile.parse(save(SMALL, icc_profile=broken))
    np.testing.assert_array_equal(file.rgb, SMALL)


def test_what_is_written_says_srgb(photo: Image.Image) -> None:
    file = PhotoFile.parse(save(photo, icc_profile=rgb_profile(gamma(1.0))))
    for format in sorted({*KNOWN} - {"BMP"}):
        tagged = load(file.encode(file.rgb, format)).info["icc_profile"]
        assert "sRGB" in ImageCms.getProfileDescription(io.BytesIO(tagged))
        np.testing.assert_array_equal(PhotoFile.parse(save(SMALL, icc_profile=tagged)).rgb, SMALL)
    assert srgb.PROFILE[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # not when it was made


# What is transparent


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_and_the_colors_under_it_are_kept(format: str) -> None:
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    file = PhotoFile.parse(save(np.dstack([SMALL, ALPHA]), format, **options))
    np.testing.assert_array_equal(file.levels, SMALL)
    np.testing.assert_array_equal(file.alpha, ALPHA)
    for out in ("PNG", "TIFF", "WEBP", "AVIF"):
        again = PhotoFile.parse(file.encode(255 - SMALL, out))
        np.testing.assert_allclose(again.alpha, ALPHA, atol=0 if out != "AVIF" else 8)
        if out in LOSSLESS:
            np.testing.assert_array_equal(again.levels, 255 - SMALL)


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
def test_where_no_alpha_can_be_the_picture_lies_on_white(format: str) -> None:
    alpha = np.repeat(np.array([[0, 128, 255]], np.uint8), 8, axis=1).repeat(8, axis=0)
    red = np.zeros((8, 24, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    file = PhotoFile.parse(save(np.dstack([red, alpha])))
    shown = np.asarray(load(file.encode(red, format)))[4, [4, 12, 20]]
    np.testing.assert_allclose(shown, [(255, 255, 255), (255, 127, 127), (255, 0, 0)], atol=2)


def test_palette_and_single_colors_can_be_transparent() -> None:
    image = Image.fromarray(RAMP % 3, "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    file = PhotoFile.parse(save(image, transparency=b"\x00\x80\xff"))
    np.testing.assert_array_equal(file.alpha, np.array([0, 128, 255])[RAMP % 3])
    np.testing.assert_array_equal(file.levels, 255 * np.eye(3, dtype=int)[RAMP % 3])
    keyed = PhotoFile.parse(save(Image.fromarray(RAMP), transparency=77))
    np.testing.assert_array_equal(keyed.alpha, np.where(RAMP == 77, 0, 255))
    tuple_ = tuple(int(level) for level in SMALL[3, 4])
    keyed = PhotoFile.parse(save(SMALL, transparency=tuple_))
    assert keyed.alpha is not None
    assert np.argwhere(keyed.alpha == 0).tolist() == [[3, 4]]
    np.testing.assert_array_equal(keyed.levels, SMALL)


# What goes out


@pytest.mark.parametrize("format", KNOWN)
def test_photograph_is_written_in_its_own_format(format: str, photo: Image.Image) -> None:
    file = PhotoFile.parse(save(photo, format))
    colored = np.asarray(photo.rotate(180))
    again = PhotoFile.parse(file.encode(colored))
    assert again.format == format
    assert np.abs(again.rgb.astype(int) - colored).mean() < (0.1 if format in LOSSLESS else 4)
    if format in LOSSLESS:
        np.testing.assert_array_equal(again.rgb, colored)


@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
def test_colors_have_full_resolution(format: str) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 60, 60), (60, 120, 200)
    file = PhotoFile.parse(save(stripes))
    again = PhotoFile.parse(file.encode(stripes, format))
    assert np.abs(again.rgb.astype(int) - stripes).mean() < 6


def test_jpeg_is_written_at_quality_95(photo: Image.Image) -> None:
    file = PhotoFile.parse(save(photo, "JPEG", quality=30))
    written = load(file.encode(file.rgb))
    assert written.quantization == load(encode(file.rgb, format="jpeg")).quantization


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bits_a_channel_are_written(format: str, transparent: bool) -> None:
    deep = np.random.RandomState(7).randint(0, 65536, SMALL.shape).astype(np.uint16)
    pixels = np.dstack([SMALL, ALPHA]) if transparent else SMALL
    data = PhotoFile.parse(save(pixels, "TIFF")).encode(deep, format)
    read = read_png_16(data) if format == "PNG" else tifffile.imread(io.BytesIO(data))
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read[..., :3], deep)
    if transparent:
        np.testing.assert_array_equal(read[..., 3], 257 * ALPHA.astype(int))
    np.testing.assert_array_equal(np.asarray(load(data))[..., :3], deep >> 8)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "BMP", "AVIF"])
def test_other_formats_take_16_bits_as_8(format: str, photo: Image.Image) -> None:
    file = PhotoFile.parse(save(DEEP))
    picture = np.asarray(photo.resize((84, 60)))
    deep = picture.astype(np.uint16) * 257 + 127
    assert file.encode(deep, format) == file.encode(picture, format)


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_tiff_is_read_alike_by_others(order: str, transparent: bool) -> None:
    pixels = np.dstack([SMALL, ALPHA]) if transparent else SMALL
    exif = Image.Exif()
    exif.endian = order
    exif[ORIENTATION] = 1
    data = PhotoFile.parse(save(pixels, exif=exif)).encode(255 - SMALL, "TIFF")
    assert data[:2] == {"<": b"II", ">": b"MM"}[order]
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        assert len(tiff.pages) == 1
        np.testing.assert_array_equal(tiff.asarray()[..., :3], 255 - SMALL)
    np.testing.assert_array_equal(np.asarray(load(data))[..., :3], 255 - SMALL)


@pytest.mark.parametrize("format", KNOWN)
def test_same_photograph_gives_the_same_file(format: str) -> None:
    file = PhotoFile.parse(save(SMALL))
    turned = SMALL[::-1, ::-1]
    assert file.encode(turned, format) == file.encode(turned.copy(), format)


def test_what_cannot_be_written_is_an_error() -> None:
    file = PhotoFile.parse(save(SMALL))
    with pytest.raises(ValueError, match="shape"):
        file.encode(SMALL[:, :-1])
    with pytest.raises(ValueError, match="known are AVIF, BMP"):
        file.encode(SMALL, "GIF")
    with pytest.raises(TypeError, match="float64"):
        file.encode(SMALL / 255)
    wide = PhotoFile.parse(save(np.zeros((1, 16_400, 3), np.uint8)))
    with pytest.raises(ImageError, match="16400 x 1 pixels cannot be written as WEBP"):
        wide.encode(wide.rgb, "WEBP")


# Several pages


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_pages_of_a_tiff_are_read_and_written_one_by_one(options: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as tiff:
        for levels, text in ((SMALL, "one"), (SMALL[::2, ::2], None), (RAMP, "three")):
            kind = 0 if text else 1  # the second is a smaller copy
            tiff.write(levels, subfiletype=kind, description=text, metadata=None)
    pages = list(PhotoFile.pages(buffer.getvalue()))
    assert [page.levels.shape for page in pages] == [(25, 40, 3), (16, 16, 3)]
    np.testing.assert_array_equal(pages[1].levels[..., 0], RAMP)
    written = encode_pages(((page, 255 - page.levels) for page in pages), "TIFF")
    with tifffile.TiffFile(io.BytesIO(written)) as tiff:
        np.testing.assert_array_equal(tiff.pages[0].asarray(), 255 - SMALL)
        np.testing.assert_array_equal(tiff.pages[1].asarray()[..., 2], 255 - RAMP)
        if "bigtiff" not in options:
            assert [page.description for page in tiff.pages] == ["one", "three"]
    with pytest.raises(ImageError, match="several pictures cannot be written as JPEG"):
        encode_pages([], "JPEG")


def test_pages_that_lead_in_a_circle_end() -> None:
    data = bytearray(save(SMALL, "TIFF", save_all=True, append_images=[Image.fromarray(SMALL)]))
    first, second = find_pages(bytes(data))
    (entries,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * entries, first)
    assert list(find_pages(bytes(data))) == [first, second]


@pytest.mark.parametrize("data", [save(SMALL), save(SMALL, "TIFF")])
def test_file_of_one_picture_has_one_page(data: bytes) -> None:
    (page,) = PhotoFile.pages(data)
    np.testing.assert_array_equal(page.levels, SMALL)


# What is refused


@pytest.mark.parametrize("format", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_several_pictures_are_refused(format: str, photo: Image.Image) -> None:
    others = [photo.rotate(90), photo.rotate(180)]
    data = save(photo, format, save_all=True, append_images=others)
    what = "3 pictures in one TIFF file" if format == "TIFF" else "an animation of 3 pictures"
    assert refusal(data).startswith(what)


def test_first_picture_of_a_multi_picture_jpeg_is_the_photograph(photo: Image.Image) -> None:
    data = save(photo, "MPO", save_all=True, append_images=[photo.rotate(180)])
    file = PhotoFile.parse(data)
    assert file.format == "JPEG"
    np.testing.assert_array_equal(file.rgb, np.asarray(load(save(photo, "JPEG"))))


@pytest.mark.parametrize("preview_first", [False, True])
def test_smaller_copy_in_a_tiff_is_no_picture_of_its_own(preview_first: bool) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        pages = [(SMALL, 0), (SMALL[::2, ::2], 1)]
        for levels, kind in reversed(pages) if preview_first else pages:
            tiff.write(levels, photometric="rgb", subfiletype=kind, metadata=None)
    if preview_first:
        assert "preview" in refusal(buffer.getvalue())
    else:
        np.testing.assert_array_equal(PhotoFile.parse(buffer.getvalue()).rgb, SMALL)


@pytest.mark.parametrize("bigtiff", [False, True])
def test_mask_in_a_tiff_is_no_picture_of_its_own(bigtiff: bool) -> None:
    def write(*pages: tuple[NDArray[Any], str, int]) -> bytes:
        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer, bigtiff=bigtiff) as tiff:
            for levels, photometric, kind in pages:
                tiff.write(levels, photometric=photometric, subfiletype=kind, metadata=None)
        return buffer.getvalue()

    picture, mask = (SMALL, "rgb", 0), (SMALL[..., 0] > 9, "minisblack", 4)
    small = (SMALL[::2, ::2], "rgb", 1)
    small_mask = (SMALL[::2, ::2, 0] > 9, "minisblack", 5)
    file = PhotoFile.parse(write(picture, mask, small, small_mask))
    np.testing.assert_array_equal(file.rgb, SMALL)
    assert "2 pictures" in refusal(write(picture, mask, picture))


@pytest.mark.parametrize("format", ["GIF", "PPM", "JPEG2000"])
def test_other_formats_are_read_and_written_as_png(format: str, photo: Image.Image) -> None:
    data = save(photo, format)
    file = PhotoFile.parse(data)
    np.testing.assert_array_equal(file.rgb, np.asarray(load(data).convert("RGB")))
    assert (file.format, file.format_written) == (format, "PNG")
    np.testing.assert_array_equal(np.asarray(load(file.encode(file.rgb))), file.rgb)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html>\nNot found\n</html>", bytes(1000)])
def test_file_that_is_no_image_is_refused(data: bytes) -> None:
    assert "no readable image" in refusal(data)


@pytest.mark.parametrize("format", KNOWN)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_file_cut_short_is_refused(format: str, share: float) -> None:
    data = save(np.tile(SMALL, (4, 4, 1)), format)
    refusal(data[: int(len(data) * share)])


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = save(SMALL)
    monkeypatch.setattr(images, "MAX_PIXELS", SMALL.shape[0] * SMALL.shape[1])
    PhotoFile.parse(data)
    monkeypatch.setattr(images, "MAX_PIXELS", SMALL.shape[0] * SMALL.shape[1] - 1)
    assert "40 x 25 pixels" in refusal(data[:100])


def test_lack_of_memory_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "convert", fail)
    with pytest.raises(MemoryError):
        PhotoFile.parse(save(SMALL))
