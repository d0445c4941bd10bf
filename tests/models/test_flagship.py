import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from colorizer.color.ab_quantization import bin_centers
from colorizer.color.lab import AB_SCALE
from colorizer.errors import ColorizerError
from colorizer.models import create_model, flagship
from colorizer.models.flagship import PARTS, Flagship
from colorizer.models.spreading import attend, guided


def test_an_edit_of_its_parts_is_an_edit_of_the_flagship() -> None:
    """DVC and checkpoints know a network by its own file: renew `PARTS` with every edit."""
    folder = Path(flagship.__file__).parent
    for name, digest in PARTS.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.fixture
def certain() -> Callable[..., Tensor]:
    """Color of a network that says the same of every pixel."""

    def color(logits: Tensor, weights: Tensor, *, correction: float) -> Tensor:
        body = torch.nn.Module()
        body.forward = lambda lightness: logits.view(1, -1, 1, 1)  # type: ignore[method-assign]
        network = Flagship(body, temperature=1.0, correction=correction)
        network.take_back(weights)
        ab: Tensor = network(torch.zeros(1, 1, 4, 4))[0, :, 0, 0]
        return ab * AB_SCALE

    return color


def test_taking_re_balancing_back_in_full_gives_the_photographs_own_mean(
    certain: Callable[..., Tensor],
) -> None:
    """A network that learned with weights w says p * w; divided by w it says p again."""
    torch.manual_seed(0)
    centers = bin_centers()
    p = torch.rand(len(centers))
    weights = 0.1 + torch.rand(len(centers))
    own, learned = p / p.sum() @ centers, (p * weights) / (p * weights).sum() @ centers
    logits = (p * weights).log()
    torch.testing.assert_close(certain(logits, weights, correction=1.0), own, atol=1e-3, rtol=0)
    torch.testing.assert_close(certain(logits, weights, correction=0.0), learned, atol=1e-3, rtol=0)
    assert (own - learned).norm() > 0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"encoder": "lite9"}, "encoder is 'lite9'; choose one of lite0, lite1, lite2"),
        ({"widths": [8, 8]}, r"widths is \[8, 8\]; expected three positive numbers"),
        ({"widths": [8, 0, 8]}, r"widths is \[8, 0, 8\]; expected three positive numbers"),
        ({"temperature": 0}, "temperature is 0; expected a number above 0"),
        ({"correction": -3}, "correction is -3; expected a number in 0..1"),
        ({"dropout": 2}, "dropout is 2; expected a number in 0..1"),
        ({"quantile": 1.5}, r"quantile is 1.5; expected a number in 0..1"),
        ({"smooth": -1}, "smooth is -1; expected 0 or more cells"),
        ({"attention": -1}, "attention is -1; expected a number from 0"),
        ({"attention": math.nan}, "attention is nan; expected a number from 0"),
    ],
)
def test_what_it_cannot_be_is_one_line(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ColorizerError, match=said):
        create_model("flagship", **arguments)


def test_colors_end_at_edges_of_lightness_and_are_smooth_between_them() -> None:
    """A blotch on a smooth surface goes; a step that lightness has too stays where it is."""
    lightness = torch.full((1, 1, 61, 64), -0.5)
    lightness[..., 30:] = 0.5  # within a cell of four pixels
    ab = torch.zeros(1, 2, 16, 16)
    ab[..., 8:] = 0.4
    ab[:, :, 4, 3] = 0.2  # the blotch
    smooth = guided(lightness, ab, 3)
    assert smooth.shape == (1, 2, 61, 64)
    assert smooth[..., :30].max() < 0.1
    row = smooth[:, :, 50]  # far from the blotch
    torch.testing.assert_close(row[..., 34:], torch.full((1, 2, 30), 0.4), atol=0.04, rtol=0)
    step = row[0, 0].diff()
    assert step.argmax() == 29
    assert step[29] > 0.3


def test_a_thing_of_unknown_hue_is_not_gray() -> None:
    """Dark red or dark green, and a little more likely red: red, as vivid as either."""
    centers = bin_centers()
    logits = torch.full((len(centers),), -30.0)
    for color, share in (([40.0, 0.0], 0.55), ([-40.0, 0.0], 0.45)):
        logits[(centers == torch.tensor(color)).all(1)] = math.log(share)
    body = torch.nn.Module()
    body.forward = lambda lightness: logits.view(1, -1, 1, 1)  # type: ignore[method-assign]
    lightness = torch.zeros(1, 1, 4, 4)
    dull, vivid = (
        AB_SCALE * Flagship(body, 1.0, 0.0, quantile=quantile)(lightness)[0, :, 0, 0]
        for quantile in (0.0, 0.6)
    )
    torch.testing.assert_close(dull, torch.tensor([4.0, 0.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(vivid, torch.tensor([40.0, 0.0]), atol=1e-2, rtol=0)


def test_places_that_look_alike_agree_and_others_do_not_hear_of_it() -> None:
    """Two things, left and right: noise within each is gone, the border between them stays."""
    torch.manual_seed(0)
    features = torch.zeros(2, 8, 40, 64)
    features[:, :4, :, :32] = features[:, 4:, :, 32:] = 1.0
    noisy = features + 0.2 * torch.randn_like(features)
    found = attend(noisy, 0.1)
    assert found.shape == features.shape
    assert (noisy - features).abs().mean() > 0.15
    assert (found - features).abs().max() < 0.1
    torch.testing.assert_close(found[1:], attend(noisy[1:], 0.1))  # each photograph for itself


def test_attention_works_in_use_and_not_in_training() -> None:
    torch.manual_seed(0)
    lightness = torch.rand(1, 1, 70, 53) * 2 - 1
    alone, agreed = (
        create_model("flagship", encoder="lite0", widths=[8, 8, 8], dropout=0, attention=attention)
        for attention in (0.0, 0.3)
    )
    assert isinstance(agreed, Flagship)
    agreed.load_state_dict(alone.state_dict())
    for network in (alone, agreed):
        network.train()
    with torch.no_grad():
        assert torch.equal(agreed.logits(lightness), alone.logits(lightness))  # type: ignore[operator]
        logits = agreed.eval().logits(lightness)
        apart = alone.eval().logits(lightness)  # type: ignore[operator]
    assert logits.shape == apart.shape == (1, len(agreed.centers), 18, 14)
    assert logits.std((2, 3)).mean() < 0.9 * apart.std((2, 3)).mean()
