"""The chroma curve: what it does to colors, and that fitting it gives photographs theirs."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from colorizer.color.lab import denormalize_ab, normalize_ab
from colorizer.color.lab_torch import fit_to_srgb, lab_to_rgb
from colorizer.color.statistics import colorfulness
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.evaluation.scoring.color_bias import chroma_ratio
from colorizer.evaluation.scoring.pair import Pair
from colorizer.models import create_model
from colorizer.models.heads import ChromaCurve
from colorizer.training.loop.calibration import calibrate, find_curve

CPU = torch.device("cpu")
SIZE = 16


class Known(nn.Module):
    """Predicts what it was told, photograph after photograph, through a curve."""

    def __init__(self, ab: Tensor) -> None:
        super().__init__()
        self.ab = ab
        self.curve = ChromaCurve()
        self.next = 0

    def forward(self, lightness: Tensor) -> Tensor:
        first, self.next = self.next, (self.next + len(lightness)) % len(self.ab)
        bent: Tensor = self.curve(self.ab[first : first + len(lightness)])
        return bent


@pytest.fixture
def photos() -> LabDataset:
    """40 photographs, from gray to vivid, each of patches of several hues."""
    random = torch.Generator().manual_seed(0)
    hue = torch.rand(40, 1, 4, 4, generator=random) * 6.283
    chroma = 60 * torch.rand(40, 1, 4, 4, generator=random) ** 2
    ab = torch.cat((chroma * hue.cos(), chroma * hue.sin()), dim=1)
    lightness = 30 + 40 * torch.rand(40, 1, 4, 4, generator=random)
    ab, lightness = (x.repeat_interleave(4, -1).repeat_interleave(4, -2) for x in (ab, lightness))
    return LabDataset(lightness.half(), ab.half(), [str(i) for i in range(40)], digest="")


def bend(ab: Tensor, gain: float, exponent: float) -> Tensor:
    chroma = torch.hypot(*ab.unbind(1))[:, None]
    return ab * gain * chroma ** (exponent - 1)


def scores(network: nn.Module, photos: LabDataset) -> tuple[float, float]:
    """Return chroma_ratio and the mean colorfulness over that of the originals."""
    lightness, target = photos.lightness.float(), photos.ab.float()
    with torch.no_grad():
        preds = fit_to_srgb(torch.cat((lightness, denormalize_ab(network(lightness))), dim=1))
    truth = fit_to_srgb(torch.cat((lightness, target), dim=1))
    pair = Pair(
        preds,
        truth,
        (lab_to_rgb(preds), lab_to_rgb(truth)),
        own_ab=(preds[:, 1:], target),
        faces=[[]] * len(preds),
    )
    chroma, true_chroma = (sums.sum() for sums in chroma_ratio(pair))
    colorful, wanted = (colorfulness(rgb).mean() for rgb in pair.rgb)
    return float(chroma / true_chroma), float(colorful / wanted)


def test_a_fresh_curve_changes_nothing() -> None:
    ab = torch.rand(2, 2, 5, 7) - 0.5
    torch.testing.assert_close(ChromaCurve()(ab), ab)


def test_a_curve_worked_by_hand() -> None:
    curve = ChromaCurve()
    curve.gain.fill_(2.0)
    curve.exponent.fill_(2.0)
    ab = torch.tensor([[0.3, 0.4], [0.0, 0.0], [0.6, -0.8]]).view(3, 2, 1, 1)
    bent = curve(ab).view(3, 2)  # chroma 0.5, 0, 1 -> 2 * 0.5^2 = 0.5, 0, and 2, held at 1
    torch.testing.assert_close(bent, torch.tensor([[0.3, 0.4], [0.0, 0.0], [0.6, -0.8]]))


@pytest.mark.parametrize("exponent", [0.5, 1.7, 4.0])
def test_a_curve_keeps_hues_and_gray_and_stays_finite(exponent: float) -> None:
    curve = ChromaCurve()
    curve.gain.fill_(20.0)
    curve.exponent.fill_(exponent)
    ab = torch.cat((torch.zeros(1, 2, 3, 3), torch.randn(4, 2, 3, 3)))
    bent = curve(ab)
    assert not bent[0].any()
    assert torch.hypot(*bent.unbind(1)).max() <= 1 + 1e-6
    turned = torch.atan2(*bent[1:].unbind(1)) - torch.atan2(*ab[1:].unbind(1))
    torch.testing.assert_close(turned, torch.zeros_like(turned), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_curve_is_computed_in_float32_at_least(dtype: torch.dtype) -> None:
    bent = ChromaCurve()(torch.full((1, 2, 1, 1), 0.1, dtype=dtype))
    assert bent.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize(("gain", "exponent"), [(0.4, 1.0), (1.3, 0.6), (0.5, 0.4), (2.0, 1.5)])
def test_calibrating_finds_what_was_done_to_the_colors(
    photos: LabDataset, gain: float, exponent: float
) -> None:
    network = Known(bend(normalize_ab(photos.ab.float()), gain, exponent))
    calibrate(network, photos, CPU)
    ratio, colorful = scores(network, photos)
    assert ratio == pytest.approx(1, abs=0.01)
    assert colorful == pytest.approx(1, abs=0.01)
    assert float(network.curve.exponent) == pytest.approx(1 / exponent, rel=0.05)


def test_what_needs_no_calibration_is_left_as_it_is(photos: LabDataset) -> None:
    network = Known(normalize_ab(photos.ab.float()))
    calibrate(network, photos, CPU)
    assert float(network.curve.exponent) == pytest.approx(1, abs=0.02)
    assert float(network.curve.gain) == pytest.approx(1, abs=0.02)


def test_calibrating_again_gives_the_same(photos: LabDataset) -> None:
    network = Known(normalize_ab(photos.ab.float()) * 0.5)
    calibrate(network, photos, CPU)
    first = network.curve.state_dict()
    again = {name: value.clone() for name, value in first.items()}
    calibrate(network, photos, CPU)
    assert network.curve.state_dict() == again


def test_a_gray_network_stays_gray_and_finite(photos: LabDataset) -> None:
    network = Known(torch.zeros(40, 2, SIZE, SIZE))
    calibrate(network, photos, CPU)
    assert all(torch.isfinite(value) for value in network.state_dict().values())
    assert not network(photos.lightness).any()


def test_the_tuned_model3_has_a_curve_and_the_study_s_networks_none() -> None:
    narrow: dict[str, Any] = {"widths": [4, 8, 8, 8, 8, 8]}
    for head in ("ab", "bins"):
        assert isinstance(
            find_curve(create_model("model3_tuned", head=head, **narrow)), ChromaCurve
        )
    for network in (create_model("model1"), create_model("model3_tuned", curve=False, **narrow)):
        with pytest.raises(ColorizerError, match=r"set the model's `curve: true`"):
            find_curve(network)
