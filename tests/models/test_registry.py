import inspect
import re
import subprocess
import sys
from importlib import import_module

import pytest
from torch import nn

from colorizer.errors import ColorizerError
from colorizer.models import create_model, list_models


def test_the_study_s_models_are_listed_in_order() -> None:
    assert [name for name in list_models() if re.fullmatch(r"model\d", name)] == [
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
    known = inspect.signature(getattr(import_module(f"colorizer.models.{name}"), name)).parameters
    assert len(known) > 2
    assert str(error.value).endswith(f"it takes {', '.join(known)}")


def test_dilations_are_model3_s_alone() -> None:
    with pytest.raises(ColorizerError, match="model2 takes no argument 'dilations'"):
        create_model("model2", dilations=[1, 1, 1])


def test_making_a_network_imports_no_other_network() -> None:
    code = "import sys; from colorizer.models import create_model; create_model('model2'); "
    code += "print(*(n for n in sys.modules if n.startswith('colorizer.models.')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("colorizer.models.") for name in found.stdout.split()}
    assert loaded & set(list_models()) == {"model2"}
