import pytest
import torch
from torch import nn

from colorizer.errors import ColorizerError
from colorizer.models import create_model, list_models, registry
from colorizer.models.registry import register_model


def test_the_study_s_models_are_listed_in_order() -> None:
    assert [name for name in list_models() if name.startswith("model")] == [
        "model1",
        "model2",
        "model3",
    ]
    assert list_models() == sorted(list_models())


@pytest.mark.parametrize("name", list_models())
def test_every_listed_model_can_be_made_without_arguments(name: str) -> None:
    assert isinstance(create_model(name), nn.Module)


def test_the_list_is_a_copy() -> None:
    list_models().clear()
    assert list_models()


def test_arguments_reach_the_network() -> None:
    weight = create_model("model1", widths=[3, 5]).get_parameter("encoder.1.conv.weight")
    assert weight.shape == (5, 3, 3, 3)


@pytest.mark.parametrize("name", ["model4", "Model1", "", "model1 "])
def test_an_unknown_model_is_refused_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(ColorizerError) as error:
        create_model(name)
    message = str(error.value)
    assert repr(name) in message
    assert "model1, model2, model3" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", list_models())
def test_an_unknown_argument_is_refused_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(ColorizerError, match=f"^{name} takes no argument 'wides': ") as error:
        create_model(name, wides=[1, 2])
    assert "it takes width" in str(error.value)
    assert "norm, init" in str(error.value)


def test_dilations_are_model3_s_alone() -> None:
    with pytest.raises(ColorizerError, match="model2 takes no argument 'dilations'"):
        create_model("model2", dilations=[1, 1, 1])


def test_a_registered_function_is_known_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_models", dict(registry._models))

    @register_model
    def a_flat_one(channels: int = 2) -> nn.Module:
        return nn.Conv2d(1, channels, 1)

    assert "a_flat_one" in list_models()
    assert create_model("a_flat_one", channels=3)(torch.zeros(1, 1, 2, 2)).shape == (1, 3, 2, 2)
    assert isinstance(a_flat_one(), nn.Conv2d)
