"""What the tests share: photographs made on the spot, and archives of them."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from colorizer.params import Archive

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample" / "sample.zip"

settings.register_profile("same", derandomize=True)  # the same examples at every run
settings.load_profile("same")

torch.set_num_threads(1)  # the tests' pictures are so small that threads only wait for each other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the pipeline: it takes as long as all the rest, which another process runs."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def sample_photos() -> dict[str, bytes]:
    """The bundled photographs: member name -> file."""
    with zipfile.ZipFile(SAMPLE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def encode(image: NDArray[np.uint8] | Image.Image, suffix: str = "png", **options: object) -> bytes:
    """Encode a picture as a file."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, {"jpg": "jpeg"}.get(suffix, suffix), **options)
    return buffer.getvalue()


@pytest.fixture
def make_archive(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Archive]:
    """Return a function that writes files into a zip and describes it as params.yaml would."""

    def make(members: Mapping[str, bytes], name: str = "photos.zip") -> Archive:
        path = tmp_path / "source" / name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        data = path.read_bytes()
        return Archive(source=str(path), bytes=len(data), md5=hashlib.md5(data).hexdigest())

    return make
