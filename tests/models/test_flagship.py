import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from colorizer.color.ab_quantization import bin_centers
from colorizer.color.lab import AB_SCALE
from colorizer.errors import ColorizerError
from colorizer.models import create_model, efficientnet_lite
from colorizer.models.flagship import ENCODER, Flagship


def test_an_edit_of_the_encoder_is_an_edit_of_the_flagship() -> None:
    """DVC and checkpoints know a network by its own file: renew `ENCODER` with every edit."""
    digest = hashlib.sha256(Path(efficientnet_lite.__file__).read_bytes()).hexdigest()
    assert digest == ENCODER


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
    ],
)
def test_what_it_cannot_be_is_one_line(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ColorizerError, match=said):
        create_model("flagship", **arguments)
