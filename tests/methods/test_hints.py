import numpy as np
import pytest

from colorizer.color.lab import rgb_to_lab
from colorizer.errors import ColorizerError
from colorizer.methods.hints import BAND, LONGER_SIDE, Hint, Hints


def test_hints_are_read_and_others_refused() -> None:
    assert Hint.parse("120, 80, #FF8000") == Hint(120, 80, (255, 128, 0))
    for text in ("", "1,2", "1,2,red", "1,2,#ff80", "-1,2,#ff8000", "1.5,2,#ff8000"):
        with pytest.raises(ColorizerError, match=r"expected x,y,#rrggbb"):
            Hint.parse(text)


def test_points_and_strokes_are_put_together() -> None:
    strokes = np.zeros((4, 5, 4), np.uint8)
    strokes[1, 1] = (0, 0, 255, 255)
    strokes[2, 2] = (0, 255, 0, 100)  # too faint
    found = Hints.collect([Hint(3, 2, (255, 0, 0))], strokes, height=4, width=5)
    assert found.where.sum() == 2
    for place, rgb in (((1, 1), (0, 0, 255)), ((2, 3), (255, 0, 0))):
        expected = rgb_to_lab(np.array([[rgb]], np.uint8))[1:, 0, 0]
        np.testing.assert_allclose(found.ab[(slice(None), *place)], expected, atol=1e-4)


def test_hints_that_do_not_fit_are_refused() -> None:
    red = (255, 0, 0)
    for hint in (Hint(5, 0, red), Hint(0, 4, red)):
        with pytest.raises(ColorizerError, match="the photograph has 5x4 pixels"):
            Hints.collect([hint], None, height=4, width=5)
    with pytest.raises(ColorizerError, match="has 4x5 pixels; expected 5x4"):
        Hints.collect([], np.zeros((5, 4, 4), np.uint8), height=4, width=5)
    with pytest.raises(ColorizerError, match="transparent everywhere"):
        Hints.collect([], np.zeros((4, 5, 4), np.uint8), height=4, width=5)


def test_a_smaller_picture_has_the_mean_of_the_strokes_it_covers() -> None:
    height, width = 2 * BAND + 100, 2 * LONGER_SIDE
    strokes = np.zeros((height, width, 4), np.uint8)
    strokes[0, 0], strokes[1, 1] = (255, 0, 0, 255), (0, 0, 255, 255)
    strokes[2 * BAND :, 2:] = (0, 255, 0, 255)
    strokes[-2:, -2:] = (255, 0, 0, 255)
    found = Hints.collect([Hint(width - 1, 0, (255, 0, 0))], strokes, height=height, width=width)
    red, green, blue = rgb_to_lab(np.eye(3, dtype=np.uint8)[None] * 255)[1:, 0].T
    assert found.where.shape == (height // 2, LONGER_SIDE)
    assert found.where.sum() == 1 + 1 + 50 * (LONGER_SIDE - 1)
    np.testing.assert_allclose(found.ab[:, 0, 0], (red + blue) / 2, atol=1e-3)
    np.testing.assert_allclose(found.ab[:, BAND, 1], green, atol=1e-3)
    np.testing.assert_allclose(found.ab[:, -1, -1], red, atol=1e-3)
    np.testing.assert_allclose(found.ab[:, 0, -1], red, atol=1e-3)


def test_where_a_point_is_it_counts_and_not_the_strokes() -> None:
    strokes = np.full((2, 2 * LONGER_SIDE, 4), (0, 0, 255, 255), np.uint8)
    point = Hint(4, 1, (255, 0, 0))
    found = Hints.collect([point], strokes, height=2, width=2 * LONGER_SIDE)
    expected = rgb_to_lab(np.array([[point.rgb, (0, 0, 255)]], np.uint8))[1:, 0]
    np.testing.assert_allclose(found.ab[:, 0, 2:4], expected, atol=1e-3)
