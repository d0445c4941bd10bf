"""Prints of many kinds are black and white, pictures of weak color are not."""

import io
from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.color.monochrome import DOUBT, Measures, Verdict, judge
from colorizer.color.picture_area import MARGIN, find_blank, reduce, without_frame
from colorizer.color.recoloring import recolor
from colorizer.photo.decode import decode

RGB = NDArray[np.uint8]
PHOTOS = ("mirflickr/im2.jpg", "mirflickr/im86.jpg")
CLEAR = Measures(follows=0.1, breadth=0.1, contrast=20, spread=0.2, chroma=0.5, colored=0)


@pytest.fixture(scope="module", params=PHOTOS)
def photo(request: pytest.FixtureRequest, sample_photos: dict[str, bytes]) -> RGB:
    return decode(sample_photos[request.param]).rgb


@pytest.fixture(scope="module")
def gray(photo: RGB) -> RGB:
    return recolor(photo, np.zeros((2, 1, 1), np.float32))


def grid(rgb: RGB) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns as parts of the height and the width, 0..1."""
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    return y / rgb.shape[0], x / rgb.shape[1]


def filtered(rgb: RGB, color: tuple[float, ...], weight: NDArray[np.floating]) -> RGB:
    return (rgb * np.array(color) ** weight[..., None]).astype(np.uint8)


def toned(gray: RGB, *colors: tuple[float, float]) -> RGB:
    lightness = rgb_to_lab(gray)[0]
    at = np.linspace(0, 100, len(colors))
    ab = [np.interp(lightness, at, channel) for channel in zip(*colors, strict=True)]
    return recolor(gray, np.stack(ab).astype(np.float32))


def stamped(gray: RGB) -> RGB:
    y, x = grid(gray)
    return np.where((np.hypot(y - 0.3, x - 0.7) < 0.1)[..., None], np.uint8([200, 30, 40]), gray)


def stained(gray: RGB) -> RGB:
    y, x = grid(gray)
    return filtered(gray, (0.85, 0.65, 0.4), np.hypot(y - 0.6, x - 0.3) < 0.22)


def on_page(rgb: RGB) -> RGB:
    print_ = np.pad(rgb, ((9, 9), (9, 9), (0, 0)), constant_values=240)
    height, width, _ = print_.shape
    page = np.full((height + 50, width + 50, 3), (95, 65, 40), np.uint8)
    page[25:-25, 25:-25] = print_
    return page


def fringed(gray: RGB) -> RGB:
    return np.dstack((np.roll(gray[..., 0], 1, 0), gray[..., 1], np.roll(gray[..., 2], 1, 1)))


def noisy(gray: RGB) -> RGB:
    noise = np.random.default_rng(0).normal(0, 5, gray.shape)
    buffer = io.BytesIO()
    Image.fromarray((gray + noise).clip(0, 255).astype(np.uint8)).save(buffer, "jpeg", quality=40)
    return decode(buffer.getvalue()).rgb


PRINTS: dict[str, Callable[[RGB], RGB]] = {
    "gray": lambda gray: gray,
    "sepia": lambda gray: toned(gray, (5, 10), (8, 22), (1, 10)),
    "cyanotype": lambda gray: toned(gray, (2, -25), (0, -38), (-1, 4)),
    "split tone": lambda gray: toned(gray, (0, -14), (4, 16)),
    "cast": lambda gray: (gray * [0.8, 1, 0.95] + [0, 3, 10]).astype(np.uint8),
    "yellowed on one side": lambda gray: filtered(gray, (0.95, 0.88, 0.65), grid(gray)[1]),
    "stamp": stamped,
    "stain": stained,
    "album page": on_page,
    "fringes": fringed,
    "noise": noisy,
}


def product(photo: RGB) -> RGB:
    y, x = grid(photo)
    return np.where((np.hypot(y - 0.5, x - 0.5) < 0.3)[..., None], photo, np.uint8(250))


def hand_colored(photo: RGB) -> RGB:
    ab = rgb_to_lab(photo)[1:]
    chroma = np.hypot(*ab)
    return recolor(photo, np.where(chroma > np.median(chroma), 0.6 * ab, 0).astype(np.float32))


COLORED: dict[str, Callable[[RGB], RGB]] = {
    "as it is": lambda photo: photo,
    "muted": lambda photo: recolor(photo, 0.5 * rgb_to_lab(photo)[1:]),
    "hand-colored": hand_colored,
    "faded": lambda photo: (255 - (255 - photo.astype(float)) * [0.5, 0.9, 0.7]).astype(np.uint8),
    "fog": lambda photo: (photo * 0.55 + 95).astype(np.uint8),
    "product on white": product,
    "on a page": on_page,
}


@pytest.mark.parametrize("kind", PRINTS)
def test_a_print_is_black_and_white_whatever_its_paper_says(gray: RGB, kind: str) -> None:
    verdict = judge(PRINTS[kind](gray))
    assert verdict.kind != "color", verdict


@pytest.mark.parametrize("kind", COLORED)
def test_a_picture_in_color_is_not(photo: RGB, kind: str) -> None:
    verdict = judge(COLORED[kind](photo))
    assert verdict.kind == "color", verdict


@pytest.mark.parametrize(
    ("kind", "tone"), [("gray", "gray"), ("stamp", "gray"), ("sepia", "toned")]
)
def test_gray_and_toned_are_told_apart(gray: RGB, kind: str, tone: str) -> None:
    assert judge(PRINTS[kind](gray)).kind == tone


def test_a_large_picture_is_averaged_in_squares(photo: RGB) -> None:
    large = photo.repeat(3, 0).repeat(3, 1)
    step = large.shape[0] // 192
    rows, columns = (n // step for n in large.shape[:2])
    squares = large[: rows * step, : columns * step].reshape(rows, step, columns, step, 3)
    assert np.abs(reduce(large) - squares.mean((1, 3))).max() <= 0.5
    assert judge(large).kind == "color"


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (9, 9), (300, 20)])
def test_any_shape_has_a_verdict(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    for picture in (noise, np.full_like(noise, 255), np.zeros_like(noise)):
        assert np.isfinite(astuple(judge(picture).measures)).all()


def test_what_is_no_picture_of_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        judge(np.zeros((4, 4, 3)))  # type: ignore[arg-type]


def test_a_verdict_gives_its_reason_and_its_doubts(gray: RGB) -> None:
    assert judge(gray).reason == "gray"
    assert judge(stamped(gray)).reason == "gray, with other colors on 4% of its area"
    sure = Verdict(CLEAR)
    assert (sure.kind, sure.doubtful) == ("gray", False)
    assert sure.confidence > 0.95
    measures = replace(CLEAR, chroma=8, colored=0.3)
    verdicts = [
        Verdict(replace(measures, follows=r, breadth=r / 2)) for r in np.linspace(0, 10, 101)
    ]
    assert {v.kind for v in verdicts if v.doubtful} == {"toned"}
    assert all(v.doubtful == (DOUBT < v.in_color <= 0.5) for v in verdicts)
    assert verdicts[-1].reason == "colors beside its tone on 30% of its area"


@pytest.mark.parametrize(("kind", "tone"), [("gray", "gray"), ("sepia", "toned")])
def test_a_print_on_a_colored_table_is_one_with_a_doubt(gray: RGB, kind: str, tone: str) -> None:
    height, width = gray.shape[:2]
    edge = height // 8
    y, x = np.mgrid[: height + 2 * edge, : width + 2 * edge] // 12
    checks = ((x + y) % 2)[..., None]
    table = np.where(checks, (60, 80, 160), (230, 220, 180)).astype(np.uint8)
    table[edge : edge + height, edge : edge + width] = PRINTS[kind](gray)
    verdict = judge(table)
    assert verdict.measures.in_color > 0.5  # as a whole
    assert (verdict.kind, verdict.doubtful, verdict.confidence) == (tone, True, 0.5)
    assert verdict.reason == f"{'gray' if tone == 'gray' else 'one tone'} but for its margins"


def test_a_gray_thing_among_colors_is_in_color(photo: RGB) -> None:
    height, width = photo.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    inside = (np.hypot(x, y) < 0.6)[..., None]
    assert (
        judge(np.where(inside, photo.mean(2, keepdims=True), photo).astype(np.uint8)).kind
        == "color"
    )


def test_frames_are_cut_off_with_a_margin(photo: RGB) -> None:
    framed = without_frame(rgb_to_lab(on_page(photo)))
    np.testing.assert_array_equal(framed, rgb_to_lab(photo)[:, MARGIN:-MARGIN, MARGIN:-MARGIN])


@pytest.mark.parametrize(("kind", "most"), [("yellowed on one side", 0.2), ("fringes", 0.5)])
def test_the_tone_follows_place_and_lightness_s_slopes(gray: RGB, kind: str, most: float) -> None:
    assert judge(PRINTS[kind](gray)).measures.follows < most


def test_a_white_ground_does_not_count(photo: RGB) -> None:
    wide = np.pad(product(photo), ((0, 0), (0, 400), (0, 0)), constant_values=250)
    assert judge(wide).kind == "color"
    blocks = rgb_to_lab(wide)[:, :256, :792].reshape(3, 32, 8, 99, 8)
    blank = find_blank(blocks.mean((2, 4)), blocks[0].var((1, 3)))
    assert blank[:, 50:].all()
    assert blank[12:18, 20:28].mean() < 0.1
    assert not find_blank(np.full((4, 4, 3), (99.0, 0, 0)).T, np.zeros((4, 4))).any()
