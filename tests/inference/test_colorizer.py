import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate

from colorizer import Colorizer as Public
from colorizer.color.lab import AB_SCALE, rgb_to_lab
from colorizer.color.lab_torch import lab_to_rgb
from colorizer.errors import ColorizerError
from colorizer.inference import torch_network
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.export import Outputs
from colorizer.inference.recolor_file import Options, colorize_data
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models import create_model, list_models
from colorizer.models.flagship import Flagship
from colorizer.models.heads import BinsNetwork
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.marking import Mark, read_mark

RGB = NDArray[np.uint8]

METADATA = WeightsMetadata("model1", {"widths": [4, 8]}, size=32)
SURE = Options(force=True, confidence=True)
COLORFUL = "mirflickr/im2.jpg"
ORIENTATION = 0x0112  # EXIF's tag
SIZES = [(1, 1), (1, 40), (37, 53), (32, 32), (64, 7), (101, 99)]


class Flat(nn.Module):
    """A network that predicts one color everywhere, and remembers what it was shown."""

    def __init__(self, a: float = 0.0, b: float = 0.0) -> None:
        super().__init__()
        self.ab = torch.tensor([a, b]).view(1, 2, 1, 1) / AB_SCALE
        self.shown: list[Tensor] = []

    def forward(self, lightness: Tensor) -> Tensor:
        self.shown.append(lightness)
        return self.ab.expand(len(lightness), 2, *lightness.shape[-2:])


class Ramp(nn.Module):
    """A network that predicts yellow on the right and blue on the left."""

    def forward(self, lightness: Tensor) -> Tensor:
        side = lightness.shape[-1]
        b = torch.linspace(-40, 40, side).expand_as(lightness) / AB_SCALE
        return torch.cat((torch.zeros_like(b), b), dim=1)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return create_model(METADATA.model, **METADATA.arguments)


def colorless(size: int = 32) -> Colorizer:
    return Colorizer(TorchNetwork(Flat(), WeightsMetadata("flat", {}, size)))


def photograph(height: int, width: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def lab(rgb: RGB) -> Tensor:
    return torch.from_numpy(rgb_to_lab(rgb))


def in_gray(rgb: RGB) -> RGB:
    """Return a photograph's own lightness without its color."""
    planes = lab(rgb)
    planes[1:] = 0
    return lab_to_rgb(planes).permute(1, 2, 0).numpy()


def encode(image: Image.Image, suffix: str = "png", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_photograph_comes_back_in_its_size(height: int, width: int) -> None:
    rgb = Colorizer(TorchNetwork(network(), METADATA)).colorize(photograph(height, width))
    assert rgb.shape == (height, width, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_gray_photograph_comes_back_unchanged_where_no_color_is_predicted(
    height: int, width: int
) -> None:
    gray = np.repeat(photograph(height, width)[..., :1], 3, axis=2)
    colored = colorless().colorize(gray)
    assert np.abs(colored.astype(int) - gray.astype(int)).max() <= 1


def test_the_network_sees_a_square_of_the_size_it_learned_from() -> None:
    model = Flat()
    Colorizer(TorchNetwork(model, WeightsMetadata("flat", {}, 24))).colorize(photograph(37, 53))
    (shown,) = model.shown
    assert shown.shape == (1, 1, 24, 24)
    assert shown.dtype == torch.float32
    assert -1 <= shown.min() < shown.max() <= 1


def test_a_network_may_see_a_photograph_in_its_own_proportions() -> None:
    model = Ramp()
    metadata = WeightsMetadata("ramp", {}, 16, geometry="keep")
    for height, width, seen in ((50, 200, (16, 64)), (200, 50, (64, 16)), (16, 16, (16, 16))):
        colorizer = Colorizer(TorchNetwork(model, metadata))
        gray = np.full((height, width, 3), 119, dtype=np.uint8)
        assert colorizer.predict_photo(gray).shape == (2, *seen)
        assert colorizer.colorize(gray).shape == (height, width, 3)


def test_the_network_sees_normalized_lightness() -> None:
    model = Flat()
    colorizer = Colorizer(TorchNetwork(model, WeightsMetadata("flat", {}, 8)))
    for level, expected in ((0, -1.0), (119, 0.0), (255, 1.0)):
        colorizer.colorize(np.full((9, 9, 3), level, dtype=np.uint8))
        assert model.shown[-1].mean().item() == pytest.approx(expected, abs=2e-3)


def test_a_photograph_keeps_its_own_lightness(sample_photos: dict[str, bytes]) -> None:
    rgb = decode(sample_photos[COLORFUL]).rgb
    colored = colorless().colorize(rgb)
    assert (lab(colored)[0] - lab(rgb)[0]).abs().max() < 0.3  # a level is up to 0.5


def test_the_predicted_color_arrives_in_cielab_units() -> None:
    gray = np.full((21, 13, 3), 119, dtype=np.uint8)
    planes = lab(Colorizer(TorchNetwork(Flat(a=30, b=-20), METADATA)).colorize(gray))
    expected = torch.tensor([50.0, 30.0, -20.0]).view(3, 1, 1).expand(3, 21, 13)
    torch.testing.assert_close(planes, expected, atol=0.5, rtol=0)


def test_colors_are_spread_over_the_whole_photograph() -> None:
    gray = np.full((50, 201, 3), 119, dtype=np.uint8)
    b = lab(Colorizer(TorchNetwork(Ramp(), METADATA)).colorize(gray))[2]
    expected = ((torch.arange(201) + 0.5) / 201 * 32 - 0.5) / 31 * 80 - 40  # pixel centers
    assert (b[:, 6:-6] - expected[6:-6]).abs().max() < 0.7
    assert (b - b[:1]).abs().max() == 0  # every row alike


def test_only_the_lightness_of_a_photograph_matters(sample_photos: dict[str, bytes]) -> None:
    rgb = decode(sample_photos[COLORFUL]).rgb
    gray = in_gray(rgb)
    assert np.abs(rgb.astype(int) - gray).max() > 100  # it was colorful
    colorizer = Colorizer(
        TorchNetwork(network(), WeightsMetadata("model1", METADATA.arguments, 96))
    )
    first, second = (lab(colorizer.colorize(picture)) for picture in (rgb, gray))
    assert first[1:].std() > 1  # and it is colored
    # resizing averages sRGB, not lightness, and gray levels are rounded: near, not equal
    assert (first - second).abs().mean() < 0.5
    assert (first[0] - second[0]).abs().mean() < 0.5


def test_the_input_is_left_as_it_was() -> None:
    rgb = photograph(20, 30)
    before = rgb.copy()
    rgb.setflags(write=False)  # as Pillow gives it
    Colorizer(TorchNetwork(network(), METADATA)).colorize(rgb)
    assert np.array_equal(rgb, before)


def test_the_same_photograph_gets_the_same_colors() -> None:
    colorizer = Colorizer(TorchNetwork(network(), METADATA))
    first, second = (colorizer.colorize(photograph(33, 35)) for _ in range(2))
    assert np.array_equal(first, second)


def test_predict_ab_takes_batches_and_keeps_no_gradients() -> None:
    colorizer = Colorizer(TorchNetwork(network().train(), METADATA, precision="float32"))
    assert not colorizer.network.model.training
    lightness = torch.rand(3, 1, 33, 21) * 100
    ab = colorizer.predict_ab(lightness)
    assert ab.shape == (3, 2, 33, 21)
    assert ab.dtype == torch.float32
    assert not ab.requires_grad
    alone = torch.cat([colorizer.predict_ab(picture[None]) for picture in lightness])
    torch.testing.assert_close(ab, alone, atol=1e-3, rtol=1e-4)


def test_classes_are_those_that_the_colors_are_made_of() -> None:
    """At temperature 1 a color is its classes' mean, with the re-balancing taken back as far."""
    torch.manual_seed(0)
    model = create_model("flagship", encoder="lite0", widths=[8, 8, 8], temperature=1.0)
    assert isinstance(model, Flagship)
    model.take_back(torch.linspace(0.1, 3, len(model.centers)))
    metadata = WeightsMetadata("flagship", {}, 32)
    colorizer = Colorizer(TorchNetwork(model, metadata, precision="float32"))
    lightness = torch.rand(2, 1, 40, 27) * 100
    _, probabilities, centers = colorizer.predict_ab_and_classes(lightness.numpy())
    assert probabilities.shape == (2, len(centers), 10, 7)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    mean = torch.from_numpy(np.einsum("nqhw,qc->nchw", probabilities, centers))
    ab = interpolate(mean, scale_factor=4.0, mode="bilinear")[..., :40, :27]
    torch.testing.assert_close(colorizer.predict_ab(lightness), ab, atol=1e-2, rtol=1e-3)


def test_colors_their_confidence_and_a_graph_need_one_pass_each() -> None:
    model = create_model("zhang2016", width=2)
    assert isinstance(model, BinsNetwork)
    passes: list[Any] = []
    model.body.register_forward_hook(lambda *_: passes.append(1))
    colorizer = Colorizer(TorchNetwork(model, WeightsMetadata("zhang2016", {}, 32)))
    found = colorize_data(encode(Image.fromarray(photograph(20, 30)), "png"), colorizer, SURE)
    assert found.confidence
    assert len(passes) == 1
    Outputs(model)(torch.full((1, 1, 32, 32), 50.0))
    assert len(passes) == 2


def test_a_network_without_classes_says_so() -> None:
    colorizer = Colorizer(TorchNetwork(network(), METADATA))
    with pytest.raises(ColorizerError, match="model1 predicts one color a pixel, not classes: use"):
        colorizer.predict_ab_and_classes(torch.full((1, 1, 8, 8), 50.0))


def test_bfloat16_is_used_where_it_is_native_and_too_close_for_the_eye(
    sample_photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lightness = lab(decode(sample_photos[COLORFUL]).rgb)[None, :1]
    exact = Colorizer(TorchNetwork(network(), METADATA, precision="float32"))
    assert not exact.network.bf16
    monkeypatch.setattr(torch_network, "computes_bf16", lambda device: False)
    assert not Colorizer(TorchNetwork(network(), METADATA)).network.bf16
    monkeypatch.setattr(torch_network, "computes_bf16", lambda device: True)
    fast = Colorizer(TorchNetwork(network(), METADATA))
    assert fast.network.bf16
    ab, expected = fast.predict_ab(lightness), exact.predict_ab(lightness)
    assert ab.dtype == torch.float32
    assert 0 < (ab - expected).square().mean() < 0.01**2 * expected.square().mean()


@pytest.mark.parametrize("name", list_models())
def test_every_model_colors_a_photograph(name: str) -> None:
    torch.manual_seed(0)
    colorizer = Colorizer(TorchNetwork(create_model(name), WeightsMetadata(name, {}, 64)))
    assert colorizer.colorize(photograph(19, 23)).shape == (19, 23, 3)


def test_a_weights_file_colors_as_its_network_does(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights", METADATA, network().state_dict())
    colorizer = Colorizer.from_file(tmp_path / "weights")
    assert colorizer.metadata == METADATA
    expected = Colorizer(TorchNetwork(network(), METADATA)).colorize(photograph(33, 35))
    assert np.array_equal(colorizer.colorize(photograph(33, 35)), expected)


def test_a_missing_weights_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ColorizerError, match="no readable weights file"):
        Colorizer.from_file(tmp_path / "nowhere")


@pytest.mark.parametrize("suffix", ["png", "jpeg", "bmp", "webp", "tiff", "gif"])
def test_image_files_come_back_as_png(suffix: str) -> None:
    data = encode(Image.fromarray(photograph(14, 27)), suffix)
    with Image.open(io.BytesIO(colorless().colorize_bytes(data))) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        assert image.size == (27, 14)


def test_image_files_come_back_as_jpeg_on_demand() -> None:
    data = colorless().colorize_bytes(encode(Image.fromarray(photograph(14, 27))), format="jpeg")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.size == (27, 14)


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_what_comes_back_is_marked(format: Literal["png", "jpeg"]) -> None:
    data = encode(Image.fromarray(photograph(14, 27)))
    colored = colorless().colorize_bytes(data, format=format, strength=0.5)
    mark = Mark.of(data, colorless().model, "strength 0.5")
    assert read_mark(colored) == mark
    again = io.BytesIO()
    picture = colorless()(data, strength=0.5)
    picture.save(again, "jpeg", xmp=picture.info["xmp"])
    assert read_mark(again.getvalue()) == replace(mark, source="")


def test_many_photographs_come_back_in_their_order() -> None:
    colorizer = Colorizer(TorchNetwork(network(), METADATA))
    files = [encode(Image.fromarray(photograph(12 + 40 * (n % 3), 9 + n))) for n in range(10)]
    expected = [colorizer.colorize_bytes(data) for data in files]
    assert list(colorizer.colorize_many(files)) == expected
    assert list(colorizer.colorize_many([])) == []


def test_many_photographs_are_taken_as_they_are_needed() -> None:
    data, taken = encode(Image.fromarray(photograph(8, 8))), 0

    def files() -> Iterator[bytes]:
        nonlocal taken
        for taken in range(1, 51 * (os.cpu_count() or 1)):  # noqa: B007
            yield data

    colored = colorless().colorize_many(files())
    next(colored)
    assert taken <= 10 * (os.cpu_count() or 1)
    assert sum(1 for _ in colored) == taken - 1


def test_pytorch_s_threads_are_as_before_when_many_are_colored() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert len(list(colorless().colorize_many([encode(Image.new("L", (8, 8)))]))) == 1
        with pytest.raises(ImageError):
            list(colorless().colorize_many([b"no image"]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_many_photographs_come_back_in_the_format_asked_for() -> None:
    files = [encode(Image.fromarray(photograph(8, 8)))] * 2
    shown = [Image.open(io.BytesIO(d)) for d in colorless().colorize_many(files, format="jpeg")]
    assert [image.format for image in shown] == ["JPEG", "JPEG"]


def test_one_of_many_that_is_no_image_is_an_error() -> None:
    good = encode(Image.fromarray(photograph(8, 8)))
    with pytest.raises(ImageError, match="no readable image"):
        list(colorless().colorize_many([good, b"no image", good]))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_image_is_colored(mode: str) -> None:
    wide = mode.startswith("I")
    image = Image.new(mode, (9, 6)) if wide else Image.fromarray(photograph(6, 9)).convert(mode)
    data = encode(image, "tiff" if mode == "CMYK" else "png")
    with Image.open(
        io.BytesIO(Colorizer(TorchNetwork(network(), METADATA)).colorize_bytes(data))
    ) as colored:
        assert colored.mode == "RGB"
        assert colored.size == (9, 6)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4"])
def test_bytes_that_are_no_image_are_refused(data: bytes) -> None:
    with pytest.raises(ImageError) as error:
        colorless().colorize_bytes(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("orientation", "quarter_turns"), [(1, 0), (3, 2), (6, 3), (8, 1)], ids=lambda v: str(v)
)
def test_a_photograph_taken_sideways_comes_back_upright(
    orientation: int, quarter_turns: int
) -> None:
    gray = np.repeat(photograph(12, 17)[..., :1], 3, axis=2)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    colored = decode(colorless().colorize_bytes(encode(Image.fromarray(gray), exif=exif))).rgb
    upright = np.rot90(gray, quarter_turns)
    assert colored.shape == upright.shape
    assert np.abs(colored.astype(int) - upright).max() <= 1


def test_a_call_takes_a_path_bytes_a_picture_or_an_array(
    tmp_path: Path, sample_photos: dict[str, bytes]
) -> None:
    data = sample_photos[COLORFUL]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    colorizer = Colorizer(TorchNetwork(Flat(20, -10), METADATA))
    rgb = decode(data).rgb
    expected = colorizer.colorize(rgb)
    for photo in (path, str(path), data, Image.fromarray(rgb), rgb):
        answer = colorizer(photo)
        assert isinstance(answer, Image.Image)
        assert np.array_equal(np.asarray(answer), expected)
    gray = np.asarray(Image.fromarray(rgb).convert("L"))
    assert np.array_equal(np.asarray(colorizer(gray)), np.asarray(colorizer(Image.fromarray(gray))))
    with pytest.raises(FileNotFoundError):
        colorizer(tmp_path / "gone.jpg")


EIGHT = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
ARRAYS: dict[str, tuple[NDArray[Any], RGB]] = {
    "uint8": (EIGHT, EIGHT),
    "not contiguous": (EIGHT[:, ::-1], EIGHT[:, ::-1]),
    "uint16": (EIGHT.astype(np.uint16) * 257, EIGHT),
    **{name: ((EIGHT / 255).astype(name), EIGHT) for name in ("float16", "float32", "float64")},
    "bool": (EIGHT > 99, np.where(EIGHT > 99, 255, 0).astype(np.uint8)),
    "(H, W)": (EIGHT[..., 0], np.dstack([EIGHT[..., 0]] * 3)),
    "(H, W), uint16": (EIGHT[..., 0].astype(np.uint16) * 257, np.dstack([EIGHT[..., 0]] * 3)),
    "(H, W, 1)": (EIGHT[..., :1], np.dstack([EIGHT[..., 0]] * 3)),
    "(H, W, 4), opaque": (np.dstack([EIGHT, np.full((6, 9), 255, np.uint8)]), EIGHT),
    "(H, W, 4), clear": (np.dstack([EIGHT / 255, np.zeros((6, 9))]), np.full_like(EIGHT, 255)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_every_kind_are_colored(name: str) -> None:
    array, rgb = ARRAYS[name]
    colorizer = Colorizer(TorchNetwork(Flat(20, -10), METADATA))
    np.testing.assert_array_equal(np.asarray(colorizer(array)), colorizer.colorize(rgb))


def test_a_list_of_photographs_gives_a_list() -> None:
    colorizer = Colorizer(TorchNetwork(Flat(20, -10), METADATA))
    batch = [EIGHT, encode(Image.fromarray(EIGHT[1:])), EIGHT[..., 0] > 99]
    answer = colorizer(batch)
    assert [np.asarray(image).tolist() for image in answer] == [
        np.asarray(colorizer(photo)).tolist() for photo in batch
    ]
    assert colorizer([]) == []


@pytest.mark.parametrize(
    ("photo", "error", "said"),
    [
        (EIGHT.astype(np.int64), TypeError, "an array of int64; expected uint8, uint16, bool, or "),
        (EIGHT.astype(complex), TypeError, "an array of complex128; expected uint8"),
        (EIGHT.astype(float), ValueError, "values from 2 to 255; expected .* divide it by 255"),
        (EIGHT / 255 - 1, ValueError, "values from -0.992157 to 0;"),
        (np.full((2, 2), np.nan), ValueError, "values from nan to nan"),
        (EIGHT[None], ValueError, r"shape \(1, 6, 9, 3\); expected .*; give a batch as a list"),
        (EIGHT.transpose(2, 0, 1), ValueError, r"shape \(3, 6, 9\); expected \(H, W\), "),
        (EIGHT[:0], ValueError, r"shape \(0, 9, 3\); expected"),
        (EIGHT[0, 0], ValueError, r"shape \(3,\); expected"),
        (torch.zeros(3, 4), TypeError, "of type Tensor; expected a path, an image file's bytes, "),
        (None, TypeError, "of type NoneType; expected a path"),
    ],
)
def test_what_is_no_photograph_is_told_in_one_line(
    photo: Any, error: type[Exception], said: str
) -> None:
    for given in (photo, [photo]):
        with pytest.raises(error, match=said) as raised:
            colorless()(given)
        assert len(str(raised.value).splitlines()) == 1


def test_strength_multiplies_the_chroma() -> None:
    gray = np.full((8, 8, 3), 128, np.uint8)
    ab = [
        rgb_to_lab(
            Colorizer(TorchNetwork(Flat(12, -8), METADATA)).colorize(gray, strength=strength)
        )[1:, 4, 4]
        for strength in (0, 1, 2)
    ]
    np.testing.assert_allclose(ab, [[0, 0], [12, -8], [24, -16]], atol=0.6)


def test_a_model_is_loaded_by_its_name(tmp_path: Path) -> None:
    model = create_model("model1", widths=[4, 8])
    save_weights(tmp_path / "w.safetensors", METADATA, model.state_dict())
    assert Public.load(str(tmp_path / "w.safetensors")).metadata == METADATA
    with pytest.raises(ColorizerError, match="no such weights file"):
        Public.load(str(tmp_path / "gone.safetensors"))
