"""Methods, fitted and scored as the pipeline does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.data.references import Reference, References, write_references
from colorizer.errors import ColorizerError
from colorizer.evaluation.by_method import cross_fitted, draw_places, from_hints, load_method
from colorizer.evaluation.colored import on_shared, read_colored, score_and_keep
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.evaluate import Prediction, evaluate, read_sums, write_scores
from colorizer.evaluation.fit_method import fit_method
from colorizer.params import Methods

Picture = NDArray[np.uint8]

PLAIN, STRIPED = np.full((32, 48), 110), np.tile([70, 150], (32, 24))
RED, BLUE = (40.0, 20.0), (-10.0, -40.0)  # ab


class Deviation:
    """Stands for an encoder: it sees how uneven a picture is."""

    def descriptor(self, rgb: Picture) -> NDArray[np.float32]:
        uneven = float(rgb.mean(2).std() > 20)
        return np.array([uneven, 1 - uneven], np.float32)


def picture(levels: NDArray[np.int64], ab: tuple[float, float]) -> Picture:
    gray = np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)
    return recolor(gray, np.array(ab, np.float32).reshape(2, 1, 1))


def mean_color(ab: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(ab.mean((1, 2)))


def color_of(rgb: Picture) -> NDArray[np.float32]:
    return mean_color(rgb_to_lab(rgb)[1:])


LIBRARY = {"plain": picture(PLAIN, BLUE), "striped": picture(STRIPED, RED)}
KNOBS = Methods(references=1)


def load() -> Encoder:
    return Deviation()  # type: ignore[return-value]


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[References]:
    found = ((f"im{n}", Reference(picture(STRIPED + n, RED), [])) for n in range(5))
    write_references(tmp_path, "photographs", found)
    return References.open(tmp_path, "photographs")


def gray(_: int) -> Prediction:
    none = np.zeros((2, 4, 6), np.float32)
    return Prediction(none, none)


def test_a_photograph_gets_the_colors_of_the_most_similar_one(tmp_path: Path) -> None:
    fit_method("reinhard2001", list(LIBRARY), LIBRARY.__getitem__, tmp_path / "fitted", load)
    colors = load_method("reinhard2001", tmp_path / "fitted", LIBRARY.__getitem__, load, KNOBS)
    for levels, similar in ((PLAIN, "plain"), (STRIPED, "striped")):
        found = colors(picture(levels + 9, (0, 0)))
        assert mean_color(found) == pytest.approx(color_of(LIBRARY[similar]), abs=1)


def test_no_half_of_the_photographs_is_colored_by_itself(tmp_path: Path) -> None:
    pictures = {"a": picture(PLAIN, RED), "b": picture(PLAIN, BLUE)}
    found = ((name, Reference(rgb, [])) for name, rgb in pictures.items())
    write_references(tmp_path, "photographs", found)
    photos = References.open(tmp_path, "photographs")
    predict = cross_fitted("reinhard2001", photos, pictures.__getitem__, load, tmp_path)
    assert mean_color(predict(0).ab) == pytest.approx(color_of(pictures["b"]), abs=1)
    assert mean_color(predict(1).ab) == pytest.approx(color_of(pictures["a"]), abs=1)


def test_hints_are_the_photograph_s_own_and_none_give_gray() -> None:
    rgb = picture(STRIPED, RED)
    assert mean_color(from_hints(rgb, count=5, seed=7)) == pytest.approx(color_of(rgb), abs=1)
    assert not from_hints(rgb, count=0, seed=7).any()


def test_the_same_photographs_are_drawn_again(photos: References) -> None:
    places = draw_places(photos, Methods(photos=3))
    assert places == sorted(set(places)) == draw_places(photos, Methods(photos=3))
    assert len(places) == 3
    assert draw_places(photos, Methods(photos=99)) == [0, 1, 2, 3, 4]


def test_references_that_are_taken_are_the_same_pictures(photos: References) -> None:
    taken = photos.take([3, 1])
    assert taken.ids == ["im3", "im1"]
    assert (taken[0].rgb == photos[3].rgb).all()
    assert (taken[1].rgb == photos[1].rgb).all()
    assert photos.take(range(5)) is photos


def test_a_comparison_is_of_the_photographs_that_all_scored(
    photos: References, tmp_path: Path
) -> None:
    write_scores(evaluate(gray, photos), tmp_path / "all")
    metrics, kept = score_and_keep(gray, photos, [1, 4], tmp_path / "some")
    assert metrics["photographs"] == len(kept) == 2
    both = {name: tmp_path / name for name in ("all", "some")}
    shared, ids = on_shared(both, tmp_path / "shared")
    assert ids == ["im1", "im4"]
    one, other = (read_sums(folder) for folder in shared.values())
    assert one.equals(other)  # how rare a color is, all photographs say
    assert on_shared({"all": both["all"]}, tmp_path) == ({"all": both["all"]}, None)


def test_colored_photographs_are_found_again(photos: References, tmp_path: Path) -> None:
    def red(_: int) -> Prediction:
        ab = np.tile(np.float32(RED)[:, None, None], (1, 4, 6))
        return Prediction(ab, ab)

    score_and_keep(red, photos, [1, 4], tmp_path / "some")
    taken = photos.take([4])
    found = read_colored(tmp_path / "some", taken)(0)
    assert np.abs(found.ab - rgb_to_lab(photos[4].rgb)[1:]).max() < 3
    assert found.true_ab.shape == found.ab.shape


def test_the_encoder_sees_lightness_alone(root: Path) -> None:
    encoder = Encoder.from_file(root / "models/pretrained/colorizer.safetensors")
    gray, red = (encoder.descriptor(picture(STRIPED, ab)) for ab in ((0.0, 0.0), RED))
    assert np.linalg.norm(gray) == pytest.approx(1, abs=1e-5)
    assert gray @ red > 0.99
    assert encoder.features(picture(STRIPED, RED)).shape[1:] == (10, 16)


def test_an_encoder_is_a_flagship_s(root: Path) -> None:
    with pytest.raises(ColorizerError, match="is a model1: expected a flagship's weights"):
        Encoder.from_file(root / "models/pretrained/study/model1/weights.safetensors")
