import math

import pytest
import torch

from colorizer.color.statistics import absolute_colorfulness, colorfulness


def test_colorfulness_worked_by_hand() -> None:
    rgb = torch.zeros(1, 3, 2, 4, dtype=torch.uint8)
    rgb[:, 0, 0], rgb[:, 2, 1] = 255, 255  # a red row above a blue one
    # rg is 255 and 0: mean 127.5, deviation 127.5; yb is 127.5 and -255: mean -63.75, dev. 191.25
    expected = math.hypot(127.5, 191.25) + 0.3 * math.hypot(127.5, 63.75)
    assert colorfulness(rgb).item() == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(272.62, abs=0.01)
    # |rg| is the same; |yb| is 127.5 and 255: mean 191.25, deviation 63.75
    expected = math.hypot(127.5, 63.75) + 0.3 * math.hypot(127.5, 191.25)
    assert absolute_colorfulness(rgb).item() == pytest.approx(expected, rel=1e-5)


def test_colorfulness_of_one_flat_color_is_its_mean_alone() -> None:
    rgb = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert colorfulness(rgb).item() == pytest.approx(0.3 * math.hypot(100, 100), rel=1e-5)


def test_gray_has_no_colorfulness() -> None:
    gray = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8).expand(2, 3, 8, 8)
    assert colorfulness(gray).tolist() == [0, 0]
