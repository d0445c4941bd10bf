"""The registered model in use: in one's own program, and behind MLflow's server."""

import base64
import io
import json
import math
import re
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
import torch
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel
from PIL import Image

from colorizer.inference.colorizer import Colorizer
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.decode import ImageError, decode
from colorizer.tracking import serving
from colorizer.tracking.registration import SIGNATURE
from colorizer.tracking.serving import LARGE, MAX_IMAGE_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_PIXELS
from model_server import Server

MEBI = 2**20


def photo(width: int, height: int, suffix: str = "png") -> bytes:
    """Return an image file, different for each size."""
    noise = np.random.default_rng(width * height).integers(0, 256, (height, width), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, suffix)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that is whole, small, and white."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # 1 bit, gray
    row = b"\0" + b"\xff" * -(-width // 8)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row * 1000) for _ in range(height // 1000)) + packer.flush()
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


GOOD = photo(20, 10)
TRUNCATED = photo(200, 100)[:-5000]
TOO_MANY_PIXELS = bomb(9000, 8000)
DENSE = bomb(5000, 5000)  # three are too many
HEAVY = b"\xff" * (24 * MEBI)  # three are too many

BROKEN: dict[str, tuple[list[Any], str]] = {
    "no image": ([b"hello world"], "image 0: no readable image: of no format"),
    "empty file": ([GOOD, b""], "image 1: an empty file"),
    "truncated": ([GOOD, TRUNCATED], "image 1: no readable image: .*truncated"),
    "not base64": ([GOOD, "nobody's base64!"], "image 1: not base64: "),
    "base64 cut short": ([text(GOOD)[:-1]], "image 0: not base64: .*padding"),
    "data URL": (["data:image/png;base64," + text(GOOD)], "image 0: not base64: "),
    "not ASCII": (["é" * 8], "image 0: not base64: .*ASCII"),
    "null": ([None, GOOD], "image 0: expected an image file in base64, found nothing"),
    "number": ([5], "image 0: expected an image file in base64, found int"),
    "list": ([[1, 2]], "image 0: expected an image file in base64, found list"),
    "object": ([{"b64": text(GOOD)}], "image 0: expected an image file in base64, found dict"),
    "no rows": ([], "no image: "),
    "bomb": ([GOOD, TOO_MANY_PIXELS], "image 1: image too large: at most 64 megapixels"),
    "bomb for Pillow": ([bomb(20000, 20000)], "image 0: image too large: at most 64 megapixels"),
    "dense": ([DENSE] * 3, "3 images of .* 75.0 megapixels; at most 64 MiB and 64 megapixels"),
}
TOO_HEAVY: dict[str, tuple[list[Any], str]] = {
    "large file": ([GOOD, bytes(33 * MEBI)], "image 1: file too large: 33.0 MiB; at most 32 MiB"),
    "large request": ([HEAVY] * 3, "3 images of 72.0 MiB and .*; at most 64 MiB and 64 megapix"),
}


WRONG_PARAMS: list[tuple[dict[str, Any], str]] = [
    ({"format": "gif"}, "format is 'gif': choose png or jpeg"),
    ({"strength": -1.0}, "strength is -1.0: expected a number of at least 0"),
    ({"strength": math.nan}, "strength is nan: expected"),
    ({"strength": "much"}, "strength"),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = create_model("model1", widths=[4, 4])
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(path, WeightsMetadata("model1", {"widths": [4, 4]}, size=16), network.state_dict())
    return path


@pytest.fixture(scope="module")
def saved(weights: Path) -> Iterator[Path]:
    """The model as it is registered."""
    path = weights.parent / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])  # MLflow adds the model's code
        mlflow.pyfunc.save_model(
            path,
            python_model=serving.__file__,
            artifacts={"weights": str(weights)},
            code_paths=[str(Path(serving.__file__).parents[1])],
            signature=SIGNATURE,
            input_example=pd.DataFrame({"image": [GOOD]}),
            pip_requirements=["mlflow"],
        )
        yield path


@pytest.fixture
def model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> PyFuncModel:
    """It needs no pickle, which could run any code."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    return mlflow.pyfunc.load_model(str(saved))


def ask(model: PyFuncModel, *images: Any) -> list[bytes]:
    return list(model.predict(pd.DataFrame({"image": pd.Series(images, dtype=object)}))["image"])


def test_bytes_and_base64_give_the_same(model: PyFuncModel, weights: Path) -> None:
    wrapped = base64.encodebytes(GOOD).decode()
    expected = Colorizer.from_file(weights).colorize_bytes(GOOD)
    assert ask(model, GOOD, text(GOOD), wrapped) == [expected] * 3


def test_the_code_of_a_model_registered_before_finds_what_it_imports() -> None:
    found = [import_module("colorizer.images").ImageError]
    found.append(import_module("colorizer.predictor").Colorizer)
    assert found == [ImageError, Colorizer]


def test_strength_and_format_are_parameters(model: PyFuncModel, weights: Path) -> None:
    colorizer, asked = Colorizer.from_file(weights), pd.DataFrame({"image": [GOOD]})
    for params, expected in {
        (): colorizer.colorize_bytes(GOOD),
        (("strength", 2),): colorizer.colorize_bytes(GOOD, strength=2),
        (("format", "jpeg"), ("strength", 0.5)): colorizer.colorize_bytes(
            GOOD, format="jpeg", strength=0.5
        ),
    }.items():
        assert model.predict(asked, params=dict(params))["image"][0] == expected
    assert colorizer.colorize_bytes(GOOD) != colorizer.colorize_bytes(GOOD, strength=2)


@pytest.mark.parametrize(("params", "reason"), WRONG_PARAMS)
def test_a_parameter_of_another_value_is_refused(
    model: PyFuncModel, params: dict[str, Any], reason: str
) -> None:
    with pytest.raises(MlflowException, match=reason):
        model.predict(pd.DataFrame({"image": [GOOD]}), params=params)


def test_rows_keep_their_index(model: PyFuncModel) -> None:
    asked = pd.DataFrame({"image": [photo(3, 5), photo(7, 4)]}, index=["a", "b"])
    answered = model.predict(asked)
    assert list(answered.index) == ["a", "b"]
    assert [decode(image).rgb.shape for image in answered["image"]] == [(5, 3, 3), (4, 7, 3)]


@pytest.mark.parametrize("case", [*BROKEN, *TOO_HEAVY])
def test_what_cannot_be_done_is_said_in_one_line(model: PyFuncModel, case: str) -> None:
    images, reason = (BROKEN | TOO_HEAVY)[case]
    with pytest.raises(MlflowException) as refused:
        ask(model, *images)
    assert re.match(reason, str(refused.value))
    assert "\n" not in str(refused.value)
    assert refused.value.get_http_status_code() == 400
    assert ask(model, GOOD)


def test_the_limits_are_as_said_and_themselves_allowed(model: PyFuncModel) -> None:
    assert (MAX_IMAGE_BYTES, MAX_REQUEST_BYTES) == (32 * MEBI, 64 * MEBI)
    assert MAX_REQUEST_PIXELS == 64_000_000
    network = model.unwrap_python_model().colorizer
    network.colorize_bytes = lambda file, **_: b"done"
    half = MAX_REQUEST_BYTES // 2
    assert ask(model, GOOD + bytes(half - len(GOOD)), bytes(half)) == [b"done"] * 2
    assert ask(model, bomb(8000, 4000), bomb(8000, 4000)) == [b"done"] * 2


def test_nothing_is_colored_of_a_request_beyond_the_limits(model: PyFuncModel) -> None:
    colored: list[bytes] = []
    model.unwrap_python_model().colorizer.colorize_bytes = colored.append
    with pytest.raises(MlflowException, match="image 1: image too large"):
        ask(model, GOOD, TOO_MANY_PIXELS)
    assert not colored


def test_many_threads_share_a_model(model: PyFuncModel, weights: Path) -> None:
    colorizer, own = Colorizer.from_file(weights), torch.get_num_threads()
    photos = [photo(8 + n, 60 - n) for n in range(48)]
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda file: ask(model, file), photos))
    assert answers == [[colorizer.colorize_bytes(file)] for file in photos]
    assert torch.get_num_threads() == own


class Counting:
    """Stands in for a colorizer: counts how many images are in work at once, by their kind."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = {"small": 0, "large": 0}
        self.most = {"small": 0, "large": 0}

    def colorize_bytes(self, file: bytes, **_: object) -> bytes:
        kind = "small" if file == GOOD else "large"
        with self.lock:
            self.now[kind] += 1
            self.most[kind] = max(self.most[kind], self.now[kind])
        time.sleep(0.02)
        with self.lock:
            self.now[kind] -= 1
        return b"done"


@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 2), (64, 4)])
def test_memory_is_bounded_by_how_many_images_are_in_work(
    saved: Path, monkeypatch: pytest.MonkeyPatch, cores: int, at_once: int
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    shares: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", shares.append)
    model = mlflow.pyfunc.load_model(str(saved))
    model.unwrap_python_model().colorizer = counting = Counting()
    large = bomb(5000, 4000)
    assert len(GOOD) < LARGE < 5000 * 4000
    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(lambda file: ask(model, file), [GOOD, large] * 12))
    assert counting.most == {"small": at_once, "large": 1}
    assert sorted(shares) == sorted([cores // at_once] * at_once + [cores])


def request_for(*images: Any) -> dict[str, Any]:
    data = [[text(image) if isinstance(image, bytes) else image] for image in images]
    return {"dataframe_split": {"columns": ["image"], "data": data}}


def answered(response: requests.Response) -> list[bytes]:
    assert response.status_code == 200, response.text[:1000]
    return [base64.b64decode(row["image"]) for row in response.json()["predictions"]]


@pytest.mark.slow
def test_the_server_survives_what_it_is_sent(saved: Path, weights: Path, tmp_path: Path) -> None:
    expected = Colorizer.from_file(weights).colorize_bytes
    with Server(saved, tmp_path / "server.log") as server:
        # every way of asking that MLflow knows
        row = {"image": text(GOOD)}
        for body in (
            request_for(GOOD),
            {"dataframe_records": [row]},
            {"inputs": {"image": [text(GOOD)]}},
            {"inputs": [text(GOOD)]},
            {"instances": [row]},
        ):
            assert answered(server.post(body)) == [expected(GOOD)], body.keys()
        jpeg = server.post(request_for(GOOD) | {"params": {"format": "jpeg", "strength": 2}})
        assert answered(jpeg) == [
            Colorizer.from_file(weights).colorize_bytes(GOOD, format="jpeg", strength=2)
        ]
        refused = server.post(request_for(GOOD) | {"params": {"format": "gif"}})
        assert (refused.status_code, refused.json()["message"]) == (400, WRONG_PARAMS[0][1])
        before = server.peak_memory()

        for name, (images, reason) in BROKEN.items():
            refused = server.post(request_for(*images))
            assert refused.status_code == 400, (name, refused.text[:1000])
            assert re.match(reason, refused.json()["message"]), (name, refused.text[:1000])
        without = server.post({"dataframe_split": {"columns": ["photo"], "data": [[text(GOOD)]]}})
        assert without.status_code == 400
        assert "Model is missing inputs ['image']" in without.json()["message"]
        assert server.post([]).status_code == 400

        body = json.dumps(request_for(GOOD)).encode()
        server.hang_up(body[:-10], len(body))
        server.hang_up(body, len(body))
        assert server.peak_memory() - before < 64 * MEBI  # nothing large was decoded

        for name, (images, reason) in TOO_HEAVY.items():
            refused = server.post(request_for(*images))
            assert refused.status_code == 400, (name, refused.text[:1000])
            assert re.match(reason, refused.json()["message"]), (name, refused.text[:1000])
            assert len(refused.content) < 1000
        heavy = server.peak_memory()

        photos = [photo(100 + n, 300 - n) for n in range(100)]
        with ThreadPoolExecutor(100) as clients:
            answers = list(clients.map(lambda file: server.post(request_for(file)), photos))
        for file, answer in zip(photos, answers, strict=True):
            (image,) = answered(answer)
            assert np.array_equal(decode(image).rgb, decode(expected(file)).rgb)
        assert server.peak_memory() <= max(heavy, before + 256 * MEBI)
        assert server.answers()
