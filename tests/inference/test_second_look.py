from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from colorizer import Colorizer as Public
from colorizer.inference import second_look
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.network import Network, seen
from colorizer.inference.second_look import look_again
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.face_boxes import Face
from colorizer.photo.resize import resize

RGB = NDArray[np.uint8]


class Counting(Network):
    """A network whose first look is green, and every further one redder."""

    def __init__(self, geometry: str = "keep") -> None:
        self.metadata = WeightsMetadata("flagship", {}, 64, "bicubic", geometry)  # type: ignore[arg-type]
        self.shown: list[tuple[int, ...]] = []

    __hash__ = object.__hash__

    def predict_ab(self, lightness: Any) -> Any:
        color = (-30.0, 30.0) if not self.shown else (20.0 * len(self.shown), 0.0)
        self.shown.append(lightness.shape)
        shape = len(lightness), 2, *lightness.shape[2:]
        return np.broadcast_to(np.float32(color)[:, None, None], shape)

    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        probabilities = np.full((1, 4, 8, 8), 0.25, np.float32)
        return self.predict_ab(lightness), probabilities, np.zeros((4, 2), np.float32)


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> list[Face]:
    found: list[Face] = []
    monkeypatch.setattr(second_look, "find_faces", lambda rgb: found)
    return found


def photo(height: int = 600, width: int = 900) -> RGB:
    return np.full((height, width, 3), 128, np.uint8)


def test_a_face_has_the_colors_of_its_own_look_and_what_is_around_it_those_of_the_first(
    faces: list[Face],
) -> None:
    faces.append((100, 200, 60, 40))
    network = Counting()
    ab = Colorizer(network).predict_photo(photo())
    assert ab.shape == (2, 600, 900)
    assert ab.dtype == np.float32
    assert network.shown[1] == (1, 1, 64, 64)  # three times its height on each side
    face = ab[:, 110:150, 212:228]
    np.testing.assert_allclose(face, np.broadcast_to([[[20]], [[0]]], face.shape), atol=1e-5)
    outside = np.ones((600, 900), bool)
    outside[80:180, 180:260] = False
    assert np.allclose(ab[:, outside].T, (-30, 30), atol=1e-5)
    steps = np.abs(np.diff(ab, axis=1)).max(), np.abs(np.diff(ab, axis=2)).max()
    assert max(steps) < 15  # of 58: it fades


def test_a_photograph_without_faces_stays_as_it_was_seen_first(faces: list[Face]) -> None:
    network = Counting()
    assert Colorizer(network).predict_photo(photo()).shape == (2, 64, 96)
    assert len(network.shown) == 1


@pytest.mark.parametrize("face", [(100, 100, 11, 9), (10, 10, 310, 280)])
def test_faces_too_small_to_see_or_large_already_are_not_looked_at(
    face: Face, faces: list[Face]
) -> None:
    faces.append(face)
    network = Counting()
    Colorizer(network).predict_photo(photo())
    assert len(network.shown) == 1


def test_no_more_faces_than_a_bound_are_looked_at(
    faces: list[Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "MOST", 3)
    faces.extend((100, 100 * n, 40, 40) for n in range(1, 8))
    network = Counting()
    ab = Colorizer(network).predict_photo(photo())
    assert len(network.shown) == 4
    assert [round(float(ab[0, 120, 100 * n + 20])) for n in range(1, 5)] == [20, 40, 60, -30]


@pytest.mark.parametrize("face", [(-10, -8, 40, 40), (580, 870, 60, 50), (0, 400, 50, 50)])
def test_a_face_at_the_edge_is_looked_at_with_what_there_is(face: Face, faces: list[Face]) -> None:
    faces.append(face)
    ab = Colorizer(Counting()).predict_photo(photo())
    row, column = max(face[0], 0) + 10, max(face[1], 0) + 10
    assert ab[0, row, column] == pytest.approx(20, abs=1)


def test_of_a_large_photograph_colors_are_as_fine_as_a_bound(faces: list[Face]) -> None:
    faces.append((400, 600, 120, 100))
    assert Colorizer(Counting()).predict_photo(photo(2000, 3000)).shape == (2, 683, 1024)


def test_faces_that_overlap_share_their_colors(faces: list[Face]) -> None:
    faces.extend([(100, 100, 60, 60), (100, 130, 60, 60)])
    ab = Colorizer(Counting()).predict_photo(photo())
    assert ab[0, 130, 145] == pytest.approx(30, abs=1)


def test_classes_come_with_the_same_colors(faces: list[Face]) -> None:
    faces.append((100, 200, 60, 40))
    ab, probabilities, _ = Colorizer(Counting()).photo_classes(photo())
    np.testing.assert_array_equal(ab, Colorizer(Counting()).predict_photo(photo()))
    assert probabilities.shape == (4, 8, 8)


def test_a_network_that_sees_squares_looks_once(faces: list[Face]) -> None:
    faces.append((100, 200, 60, 40))
    network = Counting("square")
    Colorizer(network).predict_photo(photo())
    assert len(network.shown) == 1


def test_colors_are_sampled_where_their_pixels_are(faces: list[Face]) -> None:
    faces.append((2, 2, 13, 13))  # of a photograph hardly larger than what the network sees
    network = Counting()
    ramp = np.linspace(-40, 40, 64, dtype=np.float32) * np.ones((2, 64, 1), np.float32)
    mixed = look_again(network, photo(128, 128), ramp)
    expected = np.interp((np.arange(128) + 0.5) / 2 - 0.5, np.arange(64), ramp[0, 0])
    np.testing.assert_allclose(mixed[0, -1], expected, atol=1e-4)


def test_a_small_face_of_the_weights_that_ship_gets_the_color_of_skin() -> None:
    crowd = np.full((640, 960, 3), 110, np.uint8)
    crowd[300:396, 420:516] = resize(astronaut(), size=96, resample="bicubic")
    colorizer = Public.load("shipped")
    first = colorizer.predict_ab(seen(colorizer.metadata, crowd))[0]
    second = colorizer.predict_photo(crowd)
    for colors, right in ((first, False), (second, True)):
        a, b = colors[:, colors.shape[1] // 2, int(0.48 * colors.shape[2])]
        assert (np.hypot(a, b) > 8 and 15 < np.rad2deg(np.arctan2(b, a)) < 85) == right
