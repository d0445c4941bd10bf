import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps

from colorizer.photo import decode as images
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.jpeg_scans import count_scans
from colorizer.photo.pixels import read_pixels

RGB = NDArray[np.uint8]

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
SMALL: RGB = np.random.RandomState(7).randint(0, 256, (2, 3, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def encode(image: Image.Image, suffix: str = "png", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG of one bit a pixel that ends where its pixels should begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    pixels = struct.pack(">I", 1000) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + checksum + pixels


def by_pillow(data: bytes) -> RGB:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def outcome(data: bytes) -> tuple[str, bytes]:
    try:
        rgb = decode(data).rgb
    except ImageError as error:
        return str(error), b""
    return str(rgb.shape), rgb.tobytes()


@pytest.fixture(scope="module")
def small_photo(sample_photos: dict[str, bytes]) -> Image.Image:
    with Image.open(io.BytesIO(sample_photos["mirflickr/im2.jpg"])) as image:
        return image.resize((61, 43))  # blocks at the edges are cut


@pytest.fixture
def no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid that Pillow decodes pixels."""

    def read(image: Image.Image, decoded: RGB | None = None) -> Any:
        assert decoded is not None, "left to Pillow"
        return read_pixels(image, decoded)

    monkeypatch.setattr(images, "read_pixels", read)


def decode_in_vain(data: bytes) -> str:
    with pytest.raises(ImageError) as error:
        decode(data)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_color_picture_is_decoded_as_stored(suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    photo = decode(encode(Image.fromarray(SMALL), suffix, **options))
    assert photo.rgb.dtype == np.uint8
    np.testing.assert_array_equal(photo.rgb, SMALL)
    assert not photo.single_channel


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, lambda stored: stored.transpose(1, 0, 2)),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored.transpose(1, 0, 2), 2)),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(
    orientation: int, upright: Callable[[RGB], RGB], small_photo: Image.Image
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encode(Image.fromarray(SMALL), exif=exif)
    np.testing.assert_array_equal(decode(data).rgb, upright(SMALL))
    data, stored = (encode(small_photo, "jpeg", **options) for options in ({"exif": exif}, {}))
    np.testing.assert_array_equal(decode(data).rgb, upright(by_pillow(stored)))
    np.testing.assert_array_equal(decode(data).rgb, by_pillow(data))


def test_picture_with_odd_exif_is_decoded_upright() -> None:
    orientation = struct.pack(">HHIHH", ORIENTATION, 3, 1, 6, 0)
    resolution_as_text = struct.pack(">HHI4s", 0x011A, 2, 4, b"72\0\0")  # should be a fraction
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + orientation + resolution_as_text + bytes(4)
    data = encode(Image.fromarray(SMALL), exif=exif)
    np.testing.assert_array_equal(decode(data).rgb, np.rot90(SMALL, -1))


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        pytest.param(Image.fromarray(RAMP), "png", id="L"),
        pytest.param(Image.fromarray(np.dstack([RAMP, RAMP * 0 + 255])), "png", id="LA"),
        pytest.param(Image.fromarray(RAMP.astype(np.uint16) * 257), "png", id="I;16"),
        pytest.param(Image.fromarray(RAMP.astype(np.int32) * 257), "ppm", id="I"),
        pytest.param(Image.fromarray(RAMP.astype(np.float32) / 255), "tiff", id="F"),
    ],
)
def test_gray_mode_is_one_channel_and_shown_gray(
    image: Image.Image, suffix: str, request: pytest.FixtureRequest
) -> None:
    data = encode(image, suffix)
    assert Image.open(io.BytesIO(data)).mode == request.node.callspec.id
    photo = decode(data)
    assert photo.single_channel
    np.testing.assert_array_equal(photo.rgb, np.dstack([RAMP] * 3))


def test_bilevel_picture_is_one_channel_of_black_and_white() -> None:
    photo = decode(encode(Image.fromarray(RAMP > 99)))
    assert photo.single_channel
    np.testing.assert_array_equal(photo.rgb[..., 1], np.where(RAMP > 99, 255, 0))


def test_palette_is_looked_up() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 0]], dtype=np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    photo = decode(encode(image))
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    np.testing.assert_array_equal(photo.rgb, [[red, green], [blue, red]])
    assert not photo.single_channel


def test_transparent_picture_lies_on_white() -> None:
    alpha = np.array([[0, 128, 255]], dtype=np.uint8)
    red = np.array([[[255, 0, 0]] * 3], dtype=np.uint8)
    photo = decode(encode(Image.fromarray(np.dstack([red, alpha]))))
    np.testing.assert_array_equal(photo.rgb, [[(255, 255, 255), (255, 127, 127), (255, 0, 0)]])


def test_color_that_stands_for_transparent_is_shown_white() -> None:
    image = Image.fromarray(np.array([[(255, 0, 0), (0, 0, 255)]], dtype=np.uint8))
    photo = decode(encode(image, transparency=(255, 0, 0)))
    np.testing.assert_array_equal(photo.rgb, [[(255, 255, 255), (0, 0, 255)]])


@pytest.mark.parametrize("suffix", ["tiff", "jpeg"])
def test_cmyk_is_decoded_to_rgb(suffix: str) -> None:
    magenta_and_yellow = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    photo = decode(encode(magenta_and_yellow, suffix))
    assert not photo.single_channel
    np.testing.assert_allclose(photo.rgb[4, 4], (255, 0, 0), atol=3)


@pytest.mark.usefixtures("no_pillow")
def test_photographs_are_decoded_to_the_bit_as_by_pillow(sample_photos: dict[str, bytes]) -> None:
    for name, data in sample_photos.items():
        assert np.array_equal(decode(data).rgb, by_pillow(data)), name


@pytest.mark.usefixtures("no_pillow")
@pytest.mark.parametrize("size", [(61, 43), (16, 16), (17, 1), (1, 1)])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"subsampling": "4:4:4", "quality": 100}, id="4:4:4"),
        pytest.param({"subsampling": "4:2:2", "quality": 90}, id="4:2:2"),
        pytest.param({"subsampling": "4:2:0", "quality": 75}, id="4:2:0"),
        pytest.param({"subsampling": "4:2:0", "progressive": True}, id="progressive"),
        pytest.param({"subsampling": "4:4:4", "progressive": True}, id="progressive 4:4:4"),
        pytest.param({"quality": 5, "optimize": True}, id="coarse"),
        pytest.param({"restart_marker_blocks": 2}, id="restart markers"),
        pytest.param({"keep_rgb": True}, id="RGB"),
    ],
)
def test_jpeg_of_any_make_is_decoded_to_the_bit_as_by_pillow(
    small_photo: Image.Image, options: dict[str, Any], size: tuple[int, int]
) -> None:
    data = encode(small_photo.resize(size), "jpeg", **options)
    photo = decode(data)
    assert (photo.rgb.shape, photo.rgb.dtype) == ((size[1], size[0], 3), np.uint8)
    assert not photo.single_channel
    np.testing.assert_array_equal(photo.rgb, by_pillow(data))


@pytest.mark.usefixtures("no_pillow")
@pytest.mark.parametrize("subsampling", ["440", "411"])
def test_jpeg_of_rare_subsampling_is_decoded_to_the_bit_as_by_pillow(
    small_photo: Image.Image, subsampling: str
) -> None:
    data = simplejpeg.encode_jpeg(np.array(small_photo), colorsubsampling=subsampling)
    np.testing.assert_array_equal(decode(data).rgb, by_pillow(data))


@pytest.mark.usefixtures("no_pillow")
@pytest.mark.parametrize("progressive", [False, True])
def test_gray_jpeg_is_one_channel(small_photo: Image.Image, progressive: bool) -> None:
    data = encode(small_photo.convert("L"), "jpeg", progressive=progressive)
    photo = decode(data)
    assert photo.single_channel
    np.testing.assert_array_equal(photo.rgb, by_pillow(data))


def test_cmyk_jpeg_is_decoded_to_the_bit_as_by_pillow(small_photo: Image.Image) -> None:
    data = encode(small_photo.convert("CMYK"), "jpeg")
    np.testing.assert_array_equal(decode(data).rgb, by_pillow(data))


def test_first_picture_of_a_multi_picture_jpeg_counts(small_photo: Image.Image) -> None:
    other = Image.new("RGB", small_photo.size, "red")
    data = encode(small_photo, "mpo", save_all=True, append_images=[other])
    np.testing.assert_array_equal(decode(data).rgb, by_pillow(encode(small_photo, "jpeg")))


@pytest.mark.parametrize("garbage", [b"\0", b"garbage" * 99, b"\xff\xd9", b"\xff\xd8\xff\xe0"])
def test_what_follows_a_jpeg_s_end_does_not_matter(
    small_photo: Image.Image, garbage: bytes
) -> None:
    for image in (small_photo, small_photo.convert("L"), small_photo.convert("CMYK")):
        data = encode(image, "jpeg")
        np.testing.assert_array_equal(decode(data + garbage).rgb, by_pillow(data))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_cut_short_is_an_error(small_photo: Image.Image, mode: str, progressive: bool) -> None:
    data = encode(small_photo.convert(mode), "jpeg", progressive=progressive)
    for length in (2, 20, len(data) // 3, len(data) // 2, len(data) - 9, len(data) - 2):
        assert "no readable image" in decode_in_vain(data[:length])


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_damaged_jpeg_is_what_pillow_makes_of_it(
    small_photo: Image.Image, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, random = encode(small_photo.convert(mode), "jpeg"), np.random.RandomState(7)
    damaged = []
    for _ in range(200):
        wrong = bytearray(data)
        wrong[random.randint(len(data))] = random.randint(256)
        damaged.append(bytes(wrong))
    outcomes = [outcome(wrong) for wrong in damaged]
    monkeypatch.setattr(images, "_decode_jpeg", lambda *_: None)
    assert outcomes == [outcome(wrong) for wrong in damaged]
    assert {bool(pixels) for _, pixels in outcomes} == {False, True}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_photograph_cut_short_is_an_error(sample_photos: dict[str, bytes], share: float) -> None:
    data = next(iter(sample_photos.values()))
    assert "no readable image" in decode_in_vain(data[: int(len(data) * share)])


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tiff", "webp"])
def test_picture_of_any_format_cut_short_is_an_error(suffix: str) -> None:
    data = encode(Image.fromarray(np.tile(SMALL, (40, 40, 1))), suffix)
    decode_in_vain(data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html>\nNot found\n</html>", bytes(1000)])
def test_file_that_is_no_image_is_an_error(data: bytes) -> None:
    assert "no readable image" in decode_in_vain(data)


def test_more_pixels_than_allowed_are_an_error_that_gives_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = encode(Image.new("RGB", (101, 20)))
    monkeypatch.setattr(images, "MAX_PIXELS", 101 * 20)
    assert decode(wide).rgb.shape == (20, 101, 3)
    monkeypatch.setattr(images, "MAX_PIXELS", 101 * 20 - 1)
    assert "101 x 20 pixels" in decode_in_vain(wide)


def test_decompression_bomb_is_refused_by_its_header() -> None:
    assert "image too large" in decode_in_vain(png_header(60_000, 60_000))


def test_limit_of_pixels_is_ours_and_not_pillow_s() -> None:
    width, height = 20_000, images.MAX_PIXELS // 20_000
    assert "too large" in decode_in_vain(png_header(width, height + 1))
    assert "too large" not in decode_in_vain(png_header(width, height))


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_strokes_keep_their_opacity_and_stand_upright(mode: str) -> None:
    picture = Image.new("RGBA", (3, 2))
    picture.putpixel((2, 0), (255, 255, 255, 255))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    rgba = images.decode_strokes(encode(picture.convert(mode), "png", exif=exif))
    assert rgba.shape == (3, 2, 4)
    assert np.argwhere(rgba[..., 3]).tolist() == [[2, 1]]
    assert rgba[2, 1].tolist() == [255, 255, 255, 255]


def test_strokes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ImageError, match="no readable image: of no format that is known"):
        images.decode_strokes(b"junk")


def test_a_progressive_jpeg_of_endless_scans_is_refused() -> None:
    data = encode(Image.fromarray(np.tile(SMALL, (4, 4, 1))), "jpeg", progressive=True)
    assert decode(data).rgb.any()
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    thumbnail = b"\xff\xe1" + (2 + len(scan)).to_bytes(2, "big") + scan  # not a scan of its own
    with_thumbnails = data[:2] + thumbnail * 200 + data[2:]
    assert count_scans(with_thumbnails) == count_scans(data + scan * 200) == count_scans(data) < 20
    assert "scans; at most 100" in decode_in_vain(data[:-2] + scan * 100 + data[-2:])


def directory(tags: dict[int, int], follows: int = 0) -> bytes:
    """Return a directory of a TIFF file."""
    entries = (struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<H", len(tags)) + b"".join(entries) + struct.pack("<I", follows)


def test_a_tiff_of_too_many_channels_is_refused_before_they_are_decoded() -> None:
    sides = {256: 13_000, 257: 13_000}
    rest = {258: 16, 259: 1, 262: 2, 273: 8, 277: 60_000, 278: 13_000, 279: 100}
    said = decode_in_vain(b"II*\0\x08\0\0\0" + directory(sides | rest))
    assert "at most 3 are decoded: it has 60,000 channels" in said


def test_a_tiff_of_endless_pages_is_refused() -> None:
    size = len(directory({256: 1}))
    pages = (directory({256: 1}, 8 + size * (n + 1)) for n in range(1001))
    with pytest.raises(ImageError, match="over 1,000 pages: split it"):
        next(images.split_pages(b"II*\0\x08\0\0\0" + b"".join(pages)))


def test_too_little_memory_is_no_damage_of_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("Insufficient memory (case 4)")  # libjpeg's

    monkeypatch.setattr("colorizer.photo.decode.open_image", fail)
    with pytest.raises(MemoryError, match="Insufficient memory"):
        decode(b"whole")
