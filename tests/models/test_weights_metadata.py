import json
from pathlib import Path
from typing import Any

import pytest

from colorizer.models.weights_metadata import KEY, LONGEST, Geometry, WeightsMetadata


@pytest.mark.parametrize(
    ("geometry", "photo", "seen"),
    [
        ("square", (3000, 1000), (256, 256)),
        ("keep", (256, 256), (256, 256)),
        ("keep", (1000, 1500), (256, 384)),
        ("keep", (3000, 1000), (768, 256)),
        ("keep", (32, 32), (256, 256)),
        ("keep", (1, 1), (256, 256)),
        ("keep", (100, 2000), (256, 5120)),
        ("keep", (10, 90_000), (256, LONGEST * 256)),
    ],
)
def test_a_photograph_is_seen_squeezed_or_in_its_own_proportions(
    geometry: Geometry, photo: tuple[int, int], seen: tuple[int, int]
) -> None:
    assert WeightsMetadata("model1", {}, 256, geometry=geometry).shape(*photo) == seen


def read(change: dict[str, Any], *, without: str = "") -> WeightsMetadata:
    stored = WeightsMetadata("flagship", {}, 64, geometry="keep").to_metadata()
    described = json.loads(stored[KEY]) | change
    described.pop(without, None)
    return WeightsMetadata.from_metadata(Path("weights"), {KEY: json.dumps(described)})


def test_what_is_written_is_read() -> None:
    assert read({}) == WeightsMetadata("flagship", {}, 64, geometry="keep")


def test_files_from_before_geometry_are_square() -> None:
    assert read({"model": "model1"}, without="geometry") == WeightsMetadata("model1", {}, 64)


def test_the_flagship_of_before_is_model3_tuned_now() -> None:
    assert read({}, without="geometry").model == "model3_tuned"
