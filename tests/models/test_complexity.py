from typing import Any

import pytest
import torch
from torch import nn

from colorizer.models import create_model, list_models
from colorizer.models.complexity import complexity_table, count_multiply_adds, count_parameters

NARROW: dict[str, dict[str, Any]] = {
    "model1": {"widths": [2, 3]},
    "model2": {"widths": [2, 3, 4]},
    "model3": {"widths": [2, 3, 4, 4, 4, 4]},
}


def test_parameters_of_a_convolution() -> None:
    assert count_parameters(nn.Conv2d(3, 5, 3)) == 5 * 3 * 3 * 3 + 5


def test_running_averages_are_no_parameters() -> None:
    assert count_parameters(nn.BatchNorm2d(7)) == 14


@pytest.mark.parametrize("dilation", [1, 2])
def test_multiply_adds_of_a_convolution(dilation: int) -> None:
    conv = nn.Conv2d(1, 5, 3, padding=dilation, dilation=dilation)
    assert count_multiply_adds(conv, 8) == 8 * 8 * 5 * 1 * 3 * 3


def test_multiply_adds_of_a_transposed_convolution() -> None:
    conv = nn.ConvTranspose2d(1, 5, 4, stride=2, padding=1)
    assert count_multiply_adds(conv, 8) == 8 * 8 * 5 * 1 * 4 * 4  # every input to 4x4 outputs


def test_multiply_adds_of_model1_worked_by_hand() -> None:
    model = create_model("model1", widths=[2, 3])
    expected = (
        16 * 16 * (1 * 2 * 9)  # encoder 1
        + 8 * 8 * (2 * 3 * 9)  # encoder 2, after pooling
        + 4 * 4 * (3 * 2 * 16)  # decoder 1, after pooling
        + 8 * 8 * (2 * 2 * 16)  # decoder 2
        + 16 * 16 * (2 * 2 * 4)  # head
    )
    assert count_multiply_adds(model, 16) == expected


def test_parameters_of_model2_worked_by_hand() -> None:
    encoder = (1 * 2 * 9 + 2) + (2 * 3 * 9 + 3) + (3 * 4 * 9 + 4)
    decoder = (4 * 4 * 16 + 4) + (8 * 3 * 16 + 3) + (6 * 2 * 16 + 2)  # inputs doubled by the skips
    head = 4 * 2 + 2
    assert count_parameters(create_model("model2", widths=[2, 3, 4])) == encoder + decoder + head


@pytest.mark.parametrize("name", list_models())
def test_four_times_the_pixels_cost_four_times_as_much(name: str) -> None:
    model = create_model(name, **NARROW.get(name, {}))
    cost, larger = (count_multiply_adds(model, side) for side in (64, 128))
    assert larger == 4 * cost


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_counting_leaves_the_network_as_it_was(norm: str) -> None:
    model = create_model("model1", widths=[2, 3], norm=norm)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_multiply_adds(model, 16)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_table_has_a_row_for_every_model() -> None:
    head, rule, *rows = complexity_table(32, NARROW).splitlines()
    assert head == "| model | parameters | multiply-adds per 32x32 image |"
    assert rule == "|---|--:|--:|"
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list_models()


def test_the_table_takes_the_widths_that_it_is_given() -> None:
    without_model1 = {name: given for name, given in NARROW.items() if name != "model1"}
    narrow, default = (complexity_table(16, given) for given in (NARROW, without_model1))
    assert f"| model1 | {count_parameters(create_model('model1', widths=[2, 3]))} |" in narrow
    assert f"| model1 | {count_parameters(create_model('model1')):,} |" in default


def test_the_table_counts_in_billions() -> None:
    wide = {"widths": [64, 64]}
    cost = count_multiply_adds(create_model("model1", **wide), 64) / 1e9
    assert f"| {cost:.2f} G |" in complexity_table(64, {**NARROW, "model1": wide})
    assert cost > 0.1


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
@pytest.mark.parametrize("size", [1, 32])
def test_the_table_can_be_made_for_any_size_and_normalization(norm: str, size: int) -> None:
    arguments = {name: {**given, "norm": norm} for name, given in NARROW.items()}
    assert len(complexity_table(size, arguments).splitlines()) == 2 + len(list_models())
