"""A small study: photographs made on the spot, colored by a network that paints all one color."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from colorizer.apps.turing.database import Database
from colorizer.apps.turing.pictures import Pictures, digest_of, find_color_photos
from colorizer.apps.turing.server import Study
from colorizer.apps.turing.trials import Protocol
from colorizer.inference.colorizer import Colorizer
from colorizer.models.weights_metadata import WeightsMetadata

PRACTICE, PAIRS = 2, 20


class Painter:
    """A network that predicts the same color everywhere."""

    metadata = WeightsMetadata("model1", {}, size=16)

    def predict_ab(self, lightness: Any) -> Any:
        return np.full((len(lightness), 2, 16, 16), 12, np.float32)

    def resize(self, rgb: np.ndarray) -> np.ndarray:
        return rgb[::16, ::16]

    def one_thread_each(self) -> nullcontext[None]:
        return nullcontext()


def write_photos(folder: Path, count: int) -> None:
    """Write colorful pictures, `photo-00.png` and so on."""
    random = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        spots = Image.fromarray(random.integers(0, 256, (4, 6, 3), dtype=np.uint8))
        photo = spots.resize((60, 40), Image.Resampling.BICUBIC)
        photo.save(folder / f"photo-{number:02d}.png")


@pytest.fixture(scope="session")
def make_photos() -> Callable[[Path, int], None]:
    """Return a function that writes so many photographs into a folder."""
    return write_photos


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of just enough photographs."""
    folder = tmp_path_factory.mktemp("study") / "photos"
    write_photos(folder, PRACTICE + PAIRS)
    return folder


@pytest.fixture
def study(photos: Path, tmp_path: Path) -> Study:
    """A study of two models that nobody has taken part in."""
    found = find_color_photos(photos, needed=PRACTICE + PAIRS)
    protocol = Protocol(seconds=1.0, practice=PRACTICE, pairs=PAIRS, photos=digest_of(found))
    database = Database.create(tmp_path / "turing.db", protocol)
    methods = [
        database.add_method(name, 64 * digit) for name, digit in (("one", "a"), ("two", "b"))
    ]
    colorizers = {method.id: Colorizer(Painter()) for method in methods}
    return Study(database, Pictures(photos, found, colorizers))
