import math

import pytest
import torch
from torch import Tensor

from colorizer.evaluation.scoring import skin
from colorizer.evaluation.scoring.measure import measure, scores_of
from colorizer.evaluation.scoring.metrics import color_histogram
from colorizer.evaluation.scoring.pair import Pair
from colorizer.photo.face_boxes import Face

LARGE: Face = (0, 0, 20, 20)
SMALL: Face = (30, 30, 10, 10)


def field(chroma: float, hue: float) -> Tensor:
    """Return a photograph of one color, CIELAB (1, 3, 40, 40)."""
    turn = math.radians(hue)
    lab = torch.tensor([50.0, chroma * math.cos(turn), chroma * math.sin(turn)])
    return lab.view(1, 3, 1, 1).repeat(1, 1, 40, 40)


def skin_scores(preds: Tensor, target: Tensor, *faces: list[Face]) -> dict[str, float]:
    ab = preds[:, 1:], target[:, 1:]
    rgb = torch.zeros(len(preds), 3, 40, 40, dtype=torch.uint8)
    histogram = color_histogram(ab[1])
    pair = Pair(preds, target, (rgb, rgb), own_ab=ab, faces=faces, histogram=histogram)
    sums = {name: values.sum() for name, values in measure(pair).items()}
    return {name: scores_of(sums)[name].item() for name in ("skin_hit", "skin_chroma")}


@pytest.mark.parametrize(
    ("chroma", "hue", "hit"), [(12, 74, 1), (12, 26, 1), (12, 76, 0), (12, 24, 0), (7, 50, 0)]
)
def test_skin_is_hit_within_25_degrees_if_it_has_a_color(
    chroma: float, hue: float, hit: float
) -> None:
    found = skin_scores(field(chroma, hue), field(20, 50), [LARGE])
    assert found == pytest.approx({"skin_hit": hit, "skin_chroma": chroma / 20})


def test_faces_weigh_the_same_however_large_and_what_is_beside_them_nothing() -> None:
    target, preds = field(20, 50), field(40, 250)
    preds[..., 30:, 30:] = field(10, 60)[..., 30:, 30:]
    found = skin_scores(preds, target, [LARGE, SMALL])
    assert found == pytest.approx({"skin_hit": 0.5, "skin_chroma": (40 + 10) / 40})
    both = skin_scores(torch.cat((preds, preds)), torch.cat((target, target)), [SMALL], [])
    assert both == pytest.approx({"skin_hit": 1, "skin_chroma": 0.5})


def test_hair_and_the_box_s_corners_are_no_skin() -> None:
    target, preds = field(20, 50), field(20, 50)
    target[..., :10, :20] = field(5, 50)[..., :10, :20]  # hair: too little color
    preds[..., :10, :20] = field(30, 250)[..., :10, :20]
    preds[..., 18:20, :3] = preds[..., 18:20, 17:20] = field(30, 250)[..., :2, :3]
    assert skin_scores(preds, target, [LARGE])["skin_hit"] == 1
    preds[..., 15, 10] = field(30, 250)[..., 0, 0]
    pixels = int(skin.ellipse(LARGE, preds[0, 0])[10:].sum())
    share = skin_scores(preds, target, [LARGE])["skin_hit"]
    assert share == pytest.approx(1 - 1 / pixels)
    assert pixels == pytest.approx(math.pi * 20 * 0.84 * 20 * 0.72 / 8, rel=0.05)


def test_nothing_is_defined_without_a_face() -> None:
    found = skin_scores(field(20, 50), field(20, 50), [])
    assert all(math.isnan(value) for value in found.values())
