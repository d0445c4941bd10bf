"""Photographs colored like others, by the network that ships."""

import io
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.data.archive import decode_photo
from colorizer.errors import ColorizerError, NoFeaturesError, UsageError
from colorizer.inference import similar
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.like import Like, Picture
from colorizer.inference.options import Options
from colorizer.inference.recolor_file import colorize_data
from colorizer.inference.similar import Similar, fit_index
from colorizer.inference.torch_network import TorchNetwork
from colorizer.photo.decode import decode

PRETRAINED = Path(__file__).parents[2] / "models" / "pretrained"
PHOTO, ALIKE, UNLIKE = "mirflickr/im90.jpg", "mirflickr/im86.jpg", "mirflickr/im92.jpg"
"""A cup, the same in another part of the photograph, and a meadow."""


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer.from_file(PRETRAINED / "colorizer.safetensors")


def gray(file: bytes) -> bytes:
    """Return a photograph's file in black and white."""
    written = io.BytesIO()
    Image.open(io.BytesIO(file)).convert("L").save(written, "png")
    return written.getvalue()


def error(found: Image.Image, true: Picture) -> float:
    """Return the mean distance of colors."""
    away = rgb_to_lab(np.asarray(found)) - rgb_to_lab(true)
    return float(np.hypot(*away[1:]).mean())


def test_a_photograph_looks_like_its_reference(
    colorizer: Colorizer, sample_photos: dict[str, bytes]
) -> None:
    true = decode(sample_photos[PHOTO]).rgb
    given = gray(sample_photos[PHOTO])
    plain = error(colorizer(given), true)
    alike, both = sample_photos[ALIKE], [sample_photos[UNLIKE], sample_photos[ALIKE]]
    assert error(colorizer(given, like=alike), true) < 0.75 * plain
    assert error(colorizer(given, like=both), true) < 0.8 * plain
    assert error(colorizer(given, like=true), true) < 0.5 * plain
    assert error(colorizer(given, like=sample_photos[UNLIKE]), true) < 1.1 * plain


def test_pytorch_and_onnx_runtime_see_the_same(colorizer: Colorizer) -> None:
    by_torch = TorchNetwork.from_file(PRETRAINED / "colorizer.safetensors", precision="float32")
    lightness = np.random.default_rng(1).uniform(0, 100, (1, 1, 70, 53)).astype(np.float32)
    (_, expected), (_, found) = (
        one.predict_ab_and_features(lightness) for one in (by_torch, colorizer.network)
    )
    assert found.shape[2:] == (5, 4)
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())


def test_a_file_says_what_it_is_like(colorizer: Colorizer, sample_photos: dict[str, bytes]) -> None:
    one, other = (Like.of(sample_photos[name]) for name in (ALIKE, UNLIKE))
    said = {Options(like=likes).parameters for likes in ((), (one,), (other,), (one, other))}
    assert len(said) == 4
    by_method = Options(like=(one,), method="reinhard2001")
    written = colorize_data(gray(sample_photos[PHOTO]), None, by_method).data
    assert b"reinhard2001" in written


def test_the_most_similar_photographs_are_found(
    colorizer: Colorizer,
    sample_photos: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(similar, "PROJECT", tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(ColorizerError, match="--like auto needs an index"):
        Similar.find()
    archives = tmp_path / "data" / "demo" / "archives"
    archives.mkdir(parents=True)
    shutil.copy(PRETRAINED.parents[1] / "sample" / "sample.zip", archives)
    ids = [f"sample.zip/mirflickr/im{number}.jpg" for number in (86, 92, 34, 2)]
    index = fit_index(colorizer, ids, partial(decode_photo, archives))
    index.save(tmp_path / "models" / "demo" / "similar")
    found = Similar.find()
    (like,) = found.choose(colorizer, decode(gray(sample_photos[PHOTO])).rgb, 1)
    np.testing.assert_array_equal(like.rgb, decode(sample_photos[ALIKE]).rgb)
    true, options = decode(sample_photos[PHOTO]).rgb, Options(similar=found)
    plain, steered = (
        colorize_data(gray(sample_photos[PHOTO]), colorizer, o).data for o in (Options(), options)
    )
    away = [error(Image.open(io.BytesIO(data)), true) for data in (plain, steered)]
    assert away[1] < 0.9 * away[0]
    other = Similar(replace(index, model="flagship 0"), archives)
    with pytest.raises(ColorizerError, match="is flagship 0's, not flagship"):
        other.choose(colorizer, true)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gray.png", "--like .*gray.png: a black-and-white photograph .*in color"),
        ("none.png", "--like .*none.png: No such file"),
        ("text.png", "--like .*text.png: no readable"),
    ],
)
def test_a_bad_reference_is_one_line(
    name: str, message: str, tmp_path: Path, sample_photos: dict[str, bytes]
) -> None:
    (tmp_path / "gray.png").write_bytes(gray(sample_photos[PHOTO]))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UsageError, match=message) as caught:
        Like.open(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_network_without_an_encoder_compares_nothing(sample_photos: dict[str, bytes]) -> None:
    plain = Colorizer.from_file(PRETRAINED / "study" / "model1" / "weights.safetensors")
    with pytest.raises(NoFeaturesError, match="model1 cannot compare photographs"):
        plain(sample_photos[PHOTO], like=sample_photos[ALIKE])


def test_a_reference_in_gray_is_refused(sample_photos: dict[str, bytes]) -> None:
    with pytest.raises(ColorizerError, match=r"photograph 2 .*: a black-and-white"):
        Colorizer.from_file(PRETRAINED / "colorizer.safetensors")(
            sample_photos[PHOTO], like=[sample_photos[ALIKE], gray(sample_photos[ALIKE])]
        )
