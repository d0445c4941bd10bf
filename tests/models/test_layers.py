from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from colorizer.errors import ColorizerError
from colorizer.models.layers import (
    GROUPS,
    DecoderLayer,
    EncoderLayer,
    SameConv2x2,
    crop_to,
    halve,
    initialize,
    normalization,
)

SIZES = [(1, 1), (5, 7), (8, 6)]

every_size = pytest.mark.parametrize(("height", "width"), SIZES)


@every_size
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_an_encoder_layer_keeps_the_size(height: int, width: int, dilation: int) -> None:
    layer = EncoderLayer(2, 4, norm="none", dilation=dilation)
    assert layer(torch.randn(2, 2, height, width)).shape == (2, 4, height, width)


@every_size
def test_a_decoder_layer_doubles_the_size(height: int, width: int) -> None:
    layer = DecoderLayer(2, 4, norm="none")
    assert layer(torch.randn(2, 2, height, width)).shape == (2, 4, 2 * height, 2 * width)


@pytest.mark.parametrize(
    "layer", [EncoderLayer(1, 8, norm="none"), DecoderLayer(1, 8, norm="none")]
)
def test_layers_end_in_relu(layer: nn.Module) -> None:
    output = layer(torch.randn(1, 1, 8, 8))
    assert output.min() == 0
    assert output.max() > 0


@pytest.mark.parametrize("dilation", [1, 2])
def test_dilation_spreads_the_taps(dilation: int) -> None:
    layer = EncoderLayer(1, 1, norm="none", dilation=dilation)
    nn.init.ones_(layer.conv.weight)
    nn.init.zeros_(layer.conv.bias)
    point = torch.zeros(1, 1, 9, 9)
    point[..., 4, 4] = 1
    rows, columns = layer(point)[0, 0].nonzero().T
    taps = {4 - dilation, 4, 4 + dilation}
    assert set(rows.tolist()) == set(columns.tolist()) == taps
    assert len(rows) == 9


def test_a_decoder_layer_leaves_no_checkerboard() -> None:
    layer = DecoderLayer(1, 1, norm="none")
    nn.init.ones_(layer.conv.weight)
    nn.init.zeros_(layer.conv.bias)
    inside = layer(torch.ones(1, 1, 6, 6))[..., 1:-1, 1:-1]  # the border has fewer neighbors
    assert (inside == inside.flatten()[0]).all()


@every_size
def test_same_conv_keeps_the_size(height: int, width: int) -> None:
    assert SameConv2x2(3, 2)(torch.randn(2, 3, height, width)).shape == (2, 2, height, width)


def test_same_conv_looks_right_and_below_and_sees_zero_beyond_the_border() -> None:
    conv = SameConv2x2(1, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]]))
        nn.init.zeros_(conv.bias)
    output = conv(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert output[0, 0].tolist() == [[4321.0, 402.0], [43.0, 4.0]]


@pytest.mark.parametrize(("side", "half"), [(1, 1), (2, 1), (3, 2), (7, 4), (8, 4)])
def test_halving_rounds_up(side: int, half: int) -> None:
    assert halve()(torch.randn(1, 1, side, side + 2)).shape == (1, 1, half, half + 1)


def test_halving_keeps_the_maximum_of_a_last_odd_row() -> None:
    picture = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [-7.0, -8.0, -9.0]]]])
    assert halve()(picture)[0, 0].tolist() == [[5.0, 6.0], [-7.0, -9.0]]


def test_crop_to_keeps_the_top_left() -> None:
    x = torch.arange(2 * 3 * 4 * 6).view(2, 3, 4, 6)
    cropped = crop_to(x, torch.empty(1, 1, 3, 5))
    assert torch.equal(cropped, x[:, :, :3, :5])
    assert torch.equal(crop_to(x, x), x)


@pytest.mark.parametrize(
    ("name", "kind"), [("none", nn.Identity), ("batch", nn.BatchNorm2d), ("group", nn.GroupNorm)]
)
def test_normalization_by_name(name: Any, kind: type[nn.Module]) -> None:
    layer = normalization(name, 16)
    assert isinstance(layer, kind)
    assert layer(torch.randn(2, 16, 4, 4)).shape == (2, 16, 4, 4)


@pytest.mark.parametrize(("channels", "groups"), [(32, GROUPS), (12, 1), (4, 1), (1, 1)])
def test_channels_that_do_not_divide_into_groups_make_one(channels: int, groups: int) -> None:
    layer = normalization("group", channels)
    assert isinstance(layer, nn.GroupNorm)
    assert layer.num_groups == groups


@pytest.mark.parametrize("layer", [EncoderLayer, DecoderLayer])
def test_layers_are_normalized_between_convolution_and_relu(
    layer: type[EncoderLayer | DecoderLayer],
) -> None:
    made = layer(2, 16, norm="batch")
    x = torch.randn(4, 2, 8, 8)
    output = made(x)
    assert torch.equal(output, F.relu(normalization("batch", 16)(made.conv(x))))


@pytest.mark.parametrize(
    ("name", "known"), [("layer", "none, batch, group"), ("", "none"), (None, "none")]
)
def test_an_unknown_normalization_is_refused_and_the_known_ones_are_named(
    name: Any, known: str
) -> None:
    with pytest.raises(ColorizerError, match=f"norm is {name!r}: choose one of {known}"):
        normalization(name, 8)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 4), nn.BatchNorm2d(64), nn.Linear(4, 4)
    )


def test_kaiming_is_normal_for_relu_and_biases_are_zero() -> None:
    model = network()
    initialize(model, "kaiming")
    weight = model[0].weight
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert weight.abs().max() > 3 * weight.std()  # a uniform one ends at 1.7
    assert not model[0].bias.any()
    assert not model[1].bias.any()


def test_xavier_is_uniform_and_biases_are_zero() -> None:
    model = network()
    initialize(model, "xavier")
    bound = (6 / (64 * 9 + 64 * 9)) ** 0.5
    assert model[0].weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert not model[0].bias.any()


def test_pytorch_leaves_everything_as_it_was_drawn() -> None:
    model = network()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    initialize(model, "pytorch")
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("init", ["kaiming", "xavier"])
def test_only_convolutions_are_drawn_anew(init: Any) -> None:
    model = network()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    initialize(model, init)
    changed = {
        name for name, weight in model.state_dict().items() if not torch.equal(before[name], weight)
    }
    assert changed == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_a_convolution_without_bias_is_initialized_too() -> None:
    initialize(nn.Conv2d(1, 1, 3, bias=False), "kaiming")


def test_an_unknown_initialization_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        ColorizerError, match="init is 'he': choose one of kaiming, xavier, pytorch"
    ):
        initialize(nn.Conv2d(1, 1, 1), "he")  # type: ignore[arg-type]
