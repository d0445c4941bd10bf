import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from colorizer.color import (
    AB_SCALE,
    convention,
    denormalize_ab,
    lab_to_rgb,
    normalize_ab,
    normalize_lightness,
    rgb_to_lab,
    to_planes,
)
from colorizer.images import decode

unhurried = settings(max_examples=100, deadline=None, database=None)

COLOURFUL = "mirflickr/im2.jpg"  # im1 is black and white

# Bruce Lindbloom's calculator (brucelindbloom.com): sRGB, D65, no adaptation.
REFERENCE = {
    "white": ((255, 255, 255), (100.0, 0.0, 0.0)),
    "black": ((0, 0, 0), (0.0, 0.0, 0.0)),
    "red": ((255, 0, 0), (53.24, 80.09, 67.20)),
    "green": ((0, 255, 0), (87.73, -86.18, 83.18)),
    "blue": ((0, 0, 255), (32.30, 79.19, -107.86)),
    "yellow": ((255, 255, 0), (97.14, -21.55, 94.48)),
    "cyan": ((0, 255, 255), (91.11, -48.09, -14.13)),
    "magenta": ((255, 0, 255), (60.32, 98.23, -60.82)),
    "mid-grey": ((128, 128, 128), (53.59, 0.0, 0.0)),
}


def pixel(*values: float, dtype: torch.dtype = torch.uint8) -> Tensor:
    return torch.tensor(values, dtype=dtype).view(3, 1, 1)


def colour_cube(step: int) -> Tensor:
    levels = torch.arange(0, 256, step, dtype=torch.uint8)
    return torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).flatten(2)


def golden(rgb: NDArray[np.uint8]) -> Tensor:
    """Return scikit-image's CIELAB of a picture (H, W, 3), in float64, as planes."""
    return torch.from_numpy(rgb2lab(rgb.astype(np.float64) / 255)).permute(2, 0, 1)


@pytest.mark.parametrize(("rgb", "lab"), REFERENCE.values(), ids=REFERENCE.keys())
def test_primaries_have_their_published_lab(
    rgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    torch.testing.assert_close(
        rgb_to_lab(pixel(*rgb)), pixel(*lab, dtype=torch.float32), atol=0.05, rtol=0
    )


@pytest.mark.parametrize(("rgb", "lab"), REFERENCE.values(), ids=REFERENCE.keys())
def test_published_lab_gives_the_primaries(
    rgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    difference = lab_to_rgb(pixel(*lab, dtype=torch.float32)).int() - pixel(*rgb).int()
    assert difference.abs().max() <= 1


def test_random_colours_agree_with_scikit_image() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 65, 3), dtype=np.uint8)
    assert (rgb_to_lab(to_planes(rgb)) - golden(rgb)).abs().max() < 0.01


def test_dark_colours_agree_with_scikit_image() -> None:
    rgb = np.random.default_rng(0).integers(0, 16, (32, 33, 3), dtype=np.uint8)
    assert (rgb_to_lab(to_planes(rgb)) - golden(rgb)).abs().max() < 0.01


def test_a_photograph_agrees_with_scikit_image(sample_photos: dict[str, bytes]) -> None:
    rgb = decode(sample_photos[COLOURFUL]).rgb
    assert (rgb_to_lab(to_planes(rgb)) - golden(rgb)).abs().max() < 0.01


def test_round_trip_is_exact_over_the_colour_cube() -> None:
    rgb = colour_cube(5)  # 52^3 colours, both ends of every channel among them
    assert torch.equal(lab_to_rgb(rgb_to_lab(rgb)), rgb)


def test_round_trip_of_a_photograph_is_exact(sample_photos: dict[str, bytes]) -> None:
    rgb = to_planes(decode(sample_photos[COLOURFUL]).rgb)
    assert torch.equal(lab_to_rgb(rgb_to_lab(rgb)), rgb)


def test_every_grey_is_neutral_and_brighter_than_the_one_before() -> None:
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 256).expand(3, 1, 256)
    lightness, *ab = rgb_to_lab(grey)
    assert torch.stack(ab).abs().max() < 0.02
    assert (lightness.diff() > 0).all()


def test_neutral_lab_of_a_grey_gives_that_grey() -> None:
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 256).expand(3, 1, 256)
    lab = rgb_to_lab(grey)
    lab[1:] = 0
    assert torch.equal(lab_to_rgb(lab), grey)


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_any_colour_survives_the_round_trip(red: int, green: int, blue: int) -> None:
    rgb = pixel(red, green, blue)
    assert torch.equal(lab_to_rgb(rgb_to_lab(rgb)), rgb)


@unhurried
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_lab_of_any_colour_is_in_the_documented_range(red: int, green: int, blue: int) -> None:
    lightness, a, b = rgb_to_lab(pixel(red, green, blue)).flatten().tolist()
    assert 0 <= lightness <= 100.001
    assert -108 < a < 99
    assert -108 < b < 99


@unhurried
@given(st.floats(-50, 150), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_any_lab_gives_an_rgb_that_has_a_lab(lightness: float, a: float, b: float) -> None:
    rgb = lab_to_rgb(pixel(lightness, a, b, dtype=torch.float32))
    assert rgb.dtype == torch.uint8
    assert torch.isfinite(rgb_to_lab(rgb)).all()


@unhurried
@given(st.floats(0, 100), st.floats(-200, 200), st.floats(-200, 200))
def test_any_lab_gives_the_rgb_of_scikit_image(lightness: float, a: float, b: float) -> None:
    assume(b < 200 * (lightness + 16) / 116)  # beyond it Z is negative, which scikit-image clips
    golden_rgb = lab2rgb(np.array([lightness, a, b])) * 255  # clipped channel by channel as well
    rgb = lab_to_rgb(pixel(lightness, a, b, dtype=torch.float32)).flatten().numpy()
    assert np.abs(rgb - golden_rgb).max() < 0.6  # half a level is rounding


@pytest.mark.parametrize(("lightness", "level"), [(-10.0, 0), (120.0, 255)])
def test_lightness_out_of_range_is_clipped(lightness: float, level: int) -> None:
    rgb = lab_to_rgb(pixel(lightness, 0, 0, dtype=torch.float32))
    assert rgb.flatten().tolist() == [level] * 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_lab_of_any_float_type_gives_uint8(dtype: torch.dtype) -> None:
    assert lab_to_rgb(pixel(100, 0, 0, dtype=dtype)).flatten().tolist() == [255, 255, 255]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_rgb_that_is_not_uint8_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=r"expected torch\.uint8"):
        rgb_to_lab(torch.zeros(3, 4, 4, dtype=dtype))


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4), (2, 4, 4, 4), (3,), (3, 3), ()])
def test_a_wrong_channel_axis_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 3, H, W\)"):
        rgb_to_lab(torch.zeros(shape, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 3, H, W\)"):
        lab_to_rgb(torch.zeros(shape))


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_a_batch_agrees_with_its_pictures(leading: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    rgb = torch.randint(0, 256, (*leading, 3, 5, 7), dtype=torch.uint8, generator=generator)
    lab = rgb_to_lab(rgb)
    assert lab.shape == rgb.shape
    assert lab.dtype == torch.float32
    single = [rgb_to_lab(picture) for picture in rgb.view(-1, 3, 5, 7)]
    torch.testing.assert_close(lab.view(-1, 3, 5, 7), torch.stack(single), atol=1e-4, rtol=0)
    assert torch.equal(lab_to_rgb(lab), rgb)


def test_the_input_is_left_as_it_was() -> None:
    rgb = colour_cube(51)
    lab = rgb_to_lab(rgb)
    before, kept = rgb.clone(), lab.clone()
    rgb_to_lab(rgb)
    lab_to_rgb(lab)
    assert torch.equal(rgb, before)
    assert torch.equal(lab, kept)


def test_to_planes_moves_channels_first_and_copies() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    picture.setflags(write=False)  # as Pillow gives it
    planes = to_planes(picture)
    assert planes.shape == (3, 2, 3)
    assert planes[2, 1, 0] == picture[1, 0, 2]
    planes.zero_()
    assert picture.any()


def test_lightness_is_brought_to_minus_one_to_one() -> None:
    lightness = torch.tensor([0.0, 50.0, 100.0])
    assert normalize_lightness(lightness).tolist() == [-1.0, 0.0, 1.0]


def test_ab_survives_normalizing_and_back() -> None:
    ab = torch.linspace(-107.9, 98.3, 1001)
    torch.testing.assert_close(denormalize_ab(normalize_ab(ab)), ab, atol=1e-4, rtol=0)
    assert normalize_ab(torch.tensor(AB_SCALE)) == 1
    assert denormalize_ab(torch.tensor(-1.0)) == -AB_SCALE


def test_every_colour_of_srgb_is_within_the_network_s_range() -> None:
    assert normalize_ab(rgb_to_lab(colour_cube(15))[1:]).abs().max() < 1


def test_the_convention_names_the_scale() -> None:
    assert convention()["ab_scale"] == AB_SCALE
    assert convention()["lightness"] == "L*/50 - 1"
