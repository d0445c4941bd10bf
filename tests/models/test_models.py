from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from colorizer.errors import ColorizerError
from colorizer.models import create_model, list_models
from colorizer.models.layers import DecoderLayer, EncoderLayer, SameConv2x2
from colorizer.models.weights import load_model, save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.training.loop.losses import l2

NARROW: dict[str, dict[str, Any]] = {
    "model1": {"widths": [4, 8]},
    "model2": {"widths": [4, 8, 8]},
    "model3": {"widths": [4, 8, 8, 8, 8, 8]},
    "unet": {"widths": [4, 8, 8]},
    "zhang2016": {"width": 2},
    "rebalanced": {"widths": [4, 8, 8, 8, 8, 8]},
    "model3_tuned": {"widths": [4, 8, 8, 8, 8, 8]},
    "flagship": {"encoder": "lite0", "widths": [8, 8, 8]},
}
"""Arguments that make a test fast; a model that is not listed is tested at its defaults."""

WIDER: dict[str, dict[str, Any]] = {
    "model1": {"widths": [16, 32]},
    "model2": {"widths": [16, 16, 16]},
    "model3": {"widths": [8, 8, 16, 16, 16, 16]},
    "unet": {"widths": [16, 32]},
    "zhang2016": {"width": 8},
    "model3_tuned": {"widths": [8, 8, 16, 16, 16, 16]},
    "flagship": {"encoder": "lite0", "widths": [32, 32, 32], "dropout": 0.0},
}
"""Arguments that give enough room to remember two small pictures."""

SHARE = {"zhang2016": 0.3, "flagship": 0.3}
"""Of the error that may be left of two small pictures, where colors are a quarter of the size."""

LEVELS = {"model1": 2, "model2": 3, "model3": 6}
SKIPS = {"model1": False, "model2": True, "model3": True}
SIZES = [(1, 1), (5, 7), (33, 65), (96, 96)]

STYLED = [name for name in list_models() if name != "flagship"]
"""Networks that leave normalization and initialization open; the flagship's are its encoder's."""

NORMS, INITS = ("none", "batch", "group"), ("kaiming", "xavier", "pytorch")


def styles(*choices: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every network's name with every choice, and the flagship's once."""
    return [
        (name, *chosen)
        for name in list_models()
        for chosen in list(product(*choices))[: None if name in STYLED else 1]
    ]


every_model = pytest.mark.parametrize("name", list_models())
every_styled_model = pytest.mark.parametrize("name", STYLED)
every_norm = pytest.mark.parametrize(("name", "norm"), styles(NORMS))
every_init = pytest.mark.parametrize(("name", "init"), styles(INITS))


@pytest.mark.parametrize("name", list_models())
def test_a_fresh_network_keeps_signals_at_their_size(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name)  # with its own widths
    with torch.no_grad():
        ab = model(torch.rand(2, 1, 96, 96) * 2 - 1)
    assert 0.005 < ab.square().mean() < 2


@pytest.mark.parametrize("name", ["model3", "unet", "zhang2016", "rebalanced", "model3_tuned"])
def test_a_head_that_no_relu_follows_is_drawn_without_its_gain(name: str) -> None:
    torch.manual_seed(0)
    head = [m for m in create_model(name).modules() if isinstance(m, nn.Conv2d)][-1]
    assert head.weight.std().item() == pytest.approx(head.in_channels**-0.5, rel=0.2)


def build(name: str, *, seed: int = 0, **arguments: Any) -> nn.Module:
    torch.manual_seed(seed)
    if name not in STYLED:
        arguments = {key: a for key, a in arguments.items() if key not in ("norm", "init")}
    return create_model(name, **NARROW.get(name, {}) | arguments)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def convolutions(model: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def layers(model: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, kind)]


@every_model
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_output_is_two_planes_of_the_input_s_size(name: str, height: int, width: int) -> None:
    output = build(name)(noise(2, 1, height, width))
    assert output.shape == (2, 2, height, width)
    assert output.dtype == torch.float32
    assert torch.isfinite(output).all()


@every_model
def test_a_double_network_answers_in_double(name: str) -> None:
    assert build(name).double().eval()(noise(1, 1, 5, 7).double()).dtype == torch.float64


@pytest.mark.parametrize(("name", "norm", "init"), styles(NORMS, INITS))
def test_gradients_reach_every_parameter(name: str, norm: str, init: str) -> None:
    model = build(name, norm=norm, init=init)
    l2(model(noise(2, 1, 65, 33)), noise(2, 2, 65, 33, seed=1)).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        if norm != "none" and parameter_name.endswith("conv.bias"):
            continue  # normalization takes a bias out again
        assert parameter.grad.any(), parameter_name


@every_norm
def test_a_ready_network_answers_for_a_picture_whatever_is_beside_it(name: str, norm: str) -> None:
    model = build(name, norm=norm).eval()
    batch = noise(3, 1, 33, 65)
    with torch.no_grad():
        together, alone = model(batch), torch.cat([model(picture[None]) for picture in batch])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@every_norm
@pytest.mark.parametrize(("height", "width"), [(1, 1), (31, 32)])
def test_a_ready_network_takes_one_picture_of_any_size(
    name: str, norm: str, height: int, width: int
) -> None:
    with torch.no_grad():
        output = build(name, norm=norm).eval()(noise(1, 1, height, width))
    assert output.shape == (1, 2, height, width)
    assert torch.isfinite(output).all()


@every_init
def test_the_seed_alone_decides_the_weights(name: str, init: str) -> None:
    weights = [build(name, seed=seed, init=init).state_dict() for seed in (7, 7, 8)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert any(not torch.equal(weights[0][key], weights[2][key]) for key in weights[0])


@every_styled_model
def test_initializations_differ(name: str) -> None:
    drawn = [build(name, init=init).state_dict() for init in INITS]
    first = next(key for key in drawn[0] if key.endswith("weight"))
    assert not torch.equal(drawn[0][first], drawn[1][first])
    assert not torch.equal(drawn[0][first], drawn[2][first])
    assert not torch.equal(drawn[1][first], drawn[2][first])


@every_norm
def test_a_saved_network_answers_alike_bit_for_bit(name: str, norm: str, tmp_path: Path) -> None:
    arguments = NARROW.get(name, {}) | ({"norm": norm} if name in STYLED else {})
    model = build(name, norm=norm)
    model(noise(2, 1, 65, 65))  # moves batch normalization's running averages
    save_weights(tmp_path / "weights", WeightsMetadata(name, arguments, 65), model.state_dict())
    loaded, metadata = load_model(tmp_path / "weights")
    assert metadata == WeightsMetadata(name, arguments, 65)
    assert not loaded.training
    picture = noise(1, 1, 33, 65)
    with torch.no_grad():
        assert torch.equal(loaded(picture), model.eval()(picture))


@pytest.mark.parametrize(("name", "norm"), styles(("none", "group")))
def test_two_pictures_can_be_learned_by_heart(name: str, norm: str) -> None:
    lightness = noise(2, 1, 16, 16)
    slope = torch.linspace(-0.5, 0.5, 16)
    plane = slope.view(1, 16).expand(16, 16)
    ab = torch.stack((torch.stack((plane, plane.T)), torch.stack((-plane.T, plane))))
    model = build(name, norm=norm, **WIDER.get(name, {}))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 if name == "zhang2016" else 1e-2)
    start = min(l2(model(lightness), ab).item(), l2(torch.zeros_like(ab), ab).item())
    for _ in range(150):
        loss = l2(model(lightness), ab)
        if loss.item() < SHARE.get(name, 0.1) * start:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pytest.fail(f"{loss.item() / start:.0%} of the error is left")


@pytest.mark.parametrize(("name", "levels"), LEVELS.items())
def test_layers_are_as_many_as_the_study_says(name: str, levels: int) -> None:
    model = build(name)
    assert len(layers(model, EncoderLayer)) == levels
    assert len(layers(model, DecoderLayer)) == levels
    assert len(convolutions(model)) == 2 * levels + 1  # and the head


@pytest.mark.parametrize(("name", "head"), [("model1", 2), ("model2", 1), ("model3", 1)])
def test_the_head_has_the_study_s_kernel(name: str, head: int) -> None:
    last = build(name).get_submodule("head")
    assert isinstance(last, nn.Conv2d)
    assert last.kernel_size == (head, head)
    assert last.out_channels == 2
    assert isinstance(last, SameConv2x2) == (head == 2)


@pytest.mark.parametrize(
    ("name", "dilations"), [("model1", [1] * 2), ("model2", [1] * 3), ("model3", [1] + [2] * 5)]
)
def test_only_model3_is_dilated_in_five_of_six_layers(name: str, dilations: list[int]) -> None:
    convs = [layer.get_submodule("conv") for layer in layers(build(name), EncoderLayer)]
    assert [conv.dilation for conv in convs] == [(d, d) for d in dilations]


def test_dilation_costs_no_parameters() -> None:
    dense, dilated = (build("model3", dilations=[d] * 6) for d in (1, 2))
    assert sum(p.numel() for p in dense.parameters()) == sum(
        p.numel() for p in dilated.parameters()
    )
    dilated.load_state_dict(dense.state_dict())
    assert not torch.equal(dense(noise(1, 1, 33, 33)), dilated(noise(1, 1, 33, 33)))


@pytest.mark.parametrize(("name", "skips"), SKIPS.items())
def test_a_pixel_reaches_the_head_past_a_silent_decoder_by_skips_alone(
    name: str, skips: bool
) -> None:
    model = build(name)
    for layer in layers(model, DecoderLayer):
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    with torch.no_grad():
        first, second = model(noise(1, 1, 32, 32)), model(noise(1, 1, 32, 32, seed=1))
    assert torch.equal(first, second) != skips


@pytest.mark.parametrize(("name", "skips"), SKIPS.items())
def test_only_skips_carry_detail_smaller_than_the_deepest_pixel(name: str, skips: bool) -> None:
    """Shuffled within a 2x2 block, pixels have the same maximum: pooling forgets the order."""
    model = build(name)
    dense = layers(model, EncoderLayer)[0].get_submodule("conv")
    assert isinstance(dense, nn.Conv2d)
    nn.init.zeros_(dense.weight)
    with torch.no_grad():
        dense.weight[:, :, 1, 1] = 1  # the first layer hands the picture on as it is
    picture = torch.zeros(1, 1, 32, 32)
    picture[..., 8:10, 8:10] = torch.tensor([[0.9, 0.1], [0.2, 0.3]])
    mirrored = picture.clone()
    mirrored[..., 8:10, 8:10] = torch.tensor([[0.3, 0.2], [0.1, 0.9]])
    with torch.no_grad():
        assert torch.equal(model(picture), model(mirrored)) != skips


@pytest.mark.parametrize(
    ("name", "reach"),
    [("model1", 16), ("model2", 32), ("model3", 300)],  # pixels, rounded up
)
def test_the_field_of_view_grows_from_model_to_model(name: str, reach: int) -> None:
    model = build(name, seed=1)
    side = 129
    picture = noise(1, 1, side, side).requires_grad_()
    model(picture)[..., side // 2, side // 2].abs().sum().backward()
    assert picture.grad is not None
    seen = picture.grad[0, 0].nonzero() - side // 2
    assert seen.abs().max() <= reach
    assert seen.abs().max() > {"model1": 3, "model2": 8, "model3": 32}[name]


@pytest.mark.parametrize(("name", "levels"), LEVELS.items())
@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_number_of_widths_is_refused(name: str, levels: int, change: int) -> None:
    widths = [8] * (levels + change)
    with pytest.raises(ColorizerError, match=f"^{name}: widths is .*; expected {levels} ") as error:
        create_model(name, widths=widths)
    assert str(widths) in str(error.value)


@pytest.mark.parametrize("dilations", [[1, 2], [1] * 7, [1, 2, 2, 2, 2, 0], []])
def test_wrong_dilations_are_refused(dilations: list[int]) -> None:
    with pytest.raises(ColorizerError, match=r"^model3: dilations is .*; expected 6 positive"):
        create_model("model3", dilations=dilations)


@pytest.mark.parametrize(("name", "levels"), LEVELS.items())
@pytest.mark.parametrize("width", [0, -4])
def test_a_width_below_one_is_refused(name: str, levels: int, width: int) -> None:
    with pytest.raises(ColorizerError, match=f"expected {levels} positive whole numbers"):
        create_model(name, widths=[8] * (levels - 1) + [width])


@pytest.mark.parametrize("widths", [32, None, ["wide", "wider"], [8.5, 8.5]])
def test_widths_that_are_no_list_of_whole_numbers_are_refused(widths: Any) -> None:
    with pytest.raises(ColorizerError, match=r"^model1: widths is .*; expected 2 positive"):
        create_model("model1", widths=widths)


@every_styled_model
@pytest.mark.parametrize(
    ("argument", "choices"),
    [("norm", NORMS), ("init", INITS)],
)
def test_an_unknown_choice_is_refused_and_the_known_ones_are_named(
    name: str, argument: str, choices: Sequence[str]
) -> None:
    with pytest.raises(ColorizerError, match=f"{argument} is 'nonesuch'") as error:
        create_model(name, **{argument: "nonesuch"})
    assert all(choice in str(error.value) for choice in choices)
