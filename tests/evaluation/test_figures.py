import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import nn

from colorizer.evaluation.figures import architecture, learning_curves, save_figure
from colorizer.models import create_model
from colorizer.training.run_record import Epoch

NARROW: dict[str, dict[str, Any]] = {
    "model1": {"widths": [2, 4]},
    "model2": {"widths": [2, 4, 8]},
    "model3": {"widths": [2, 4, 8, 8, 8, 16]},
}
LEVELS = {"model1": 2, "model2": 3, "model3": 6}
SKIPS = {"model1": 0, "model2": 3, "model3": 6}


def networks(*names: str, **arguments: Any) -> dict[str, nn.Module]:
    return {name: create_model(name, **NARROW[name] | arguments) for name in names}


def history(*losses: tuple[float, float]) -> list[Epoch]:
    return [Epoch(i, *loss, 10.0, 1000 * i) for i, loss in enumerate(losses, start=1)]


def panels(figure: Figure) -> list[Axes]:
    figure.draw_without_rendering()
    return figure.axes


def bars(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


HISTORIES = {
    "model1": history((0.5, 0.6), (0.25, 0.5), (0.125, 0.55)),
    "model2": history((0.4, 0.45), (0.3, 0.35)),  # shorter, as it may be
}


def test_every_model_has_a_line_for_training_and_one_for_testing() -> None:
    (axes,) = learning_curves(HISTORIES).axes
    drawn = {line.get_label(): line for line in axes.get_lines()}
    assert list(drawn) == ["model1, train", "model1, test", "model2, train", "model2, test"]
    for name, epochs in HISTORIES.items():
        train, test = drawn[f"{name}, train"], drawn[f"{name}, test"]
        numbers = [epoch.epoch for epoch in epochs]
        np.testing.assert_array_equal(
            train.get_xydata(), list(zip(numbers, [e.train_loss for e in epochs], strict=True))
        )
        np.testing.assert_array_equal(
            test.get_xydata(), list(zip(numbers, [e.test_loss for e in epochs], strict=True))
        )


def test_a_model_s_lines_share_a_color_of_its_own_and_testing_is_dashed() -> None:
    (axes,) = learning_curves(HISTORIES).axes
    lines = axes.get_lines()
    colors = [to_hex(line.get_color()) for line in lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-", "--"]


def test_a_validation_loss_is_dotted() -> None:
    epochs = [Epoch(n, 1 / n, 2 / n, 5.0, n, validation_loss=1.5 / n) for n in (1, 2, 3)]
    (axes,) = learning_curves({"model1": epochs}).axes
    line = axes.get_lines()[-1]
    assert (line.get_label(), line.get_linestyle()) == ("model1, validation", ":")
    np.testing.assert_array_equal(line.get_ydata(), [1.5, 0.75, 0.5])


def test_the_curves_are_named_and_have_axes() -> None:
    (axes,) = learning_curves(HISTORIES).axes
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 4
    assert axes.get_xlabel() == "epoch"
    assert "L2" in axes.get_ylabel()


def test_one_epoch_can_be_drawn(tmp_path: Path) -> None:
    save_figure(learning_curves({"model1": history((0.5, 0.6))}), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_every_model_has_its_panel_with_its_parameters() -> None:
    models = networks("model3", "model1")
    titles = [axes.get_title(loc="left") for axes in panels(architecture(models, size=64))]
    assert titles == [
        f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters"
        for name, model in models.items()
    ]


@pytest.mark.parametrize(("name", "levels"), LEVELS.items())
def test_every_layer_is_a_bar(name: str, levels: int) -> None:
    (axes,) = panels(architecture(networks(name), size=64))
    colors = [to_hex(bar.get_facecolor()) for bar in bars(axes)]
    assert len(colors) == 1 + 2 * levels + 1  # input, encoder and decoder, head
    encoder, decoder = colors[1 : 1 + levels], colors[1 + levels : -1]
    assert len({colors[0], *encoder, *decoder, colors[-1]}) == 4
    assert len(set(encoder)) == len(set(decoder)) == 1


def test_bars_say_channels_and_sides_in_the_order_of_computation() -> None:
    (axes,) = panels(architecture(networks("model2"), size=64))
    sizes = [label.replace("\n", " ") for label in labels(axes) if "²" in label]
    assert sizes == ["1 64²", "2 64²", "4 32²", "8 16²", "8 16²", "4 32²", "2 64²", "2 64²"]
    lefts = [bar.get_x() for bar in bars(axes)]
    assert lefts == sorted(lefts)


def test_bars_do_not_overlap() -> None:
    for axes in panels(architecture(networks(*LEVELS), size=64)):
        spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars(axes)]
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_a_larger_picture_is_a_higher_bar_and_more_channels_a_wider_one() -> None:
    (axes,) = panels(architecture(networks("model2"), size=64))
    _, first, second, third, *_ = bars(axes)
    assert first.get_height() > second.get_height() > third.get_height()
    assert first.get_width() < second.get_width() < third.get_width()
    assert {bar.get_y() + bar.get_height() / 2 for bar in bars(axes)} == {0}


@pytest.mark.parametrize(("name", "dilated"), [("model1", 0), ("model2", 0), ("model3", 5)])
def test_dilated_layers_say_so(name: str, dilated: int) -> None:
    (axes,) = panels(architecture(networks(name), size=64))
    kinds = [label for label in labels(axes) if "×" in label]
    assert sum("d2" in kind for kind in kinds) == dilated
    assert sum(kind.startswith("4×4T") for kind in kinds) == LEVELS[name]
    assert sum(kind.startswith("3×3") for kind in kinds) == LEVELS[name]
    assert kinds[-1] == ("2×2" if name == "model1" else "1×1")


@pytest.mark.parametrize(("name", "skips"), SKIPS.items())
def test_skips_are_drawn_where_there_are_any(name: str, skips: int) -> None:
    (axes,) = panels(architecture(networks(name), size=64))
    assert len(axes.get_lines()) == skips


def test_a_skip_joins_layers_of_the_same_level() -> None:
    (axes,) = panels(architecture(networks("model2"), size=64))
    drawn = bars(axes)
    heights = {round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height() for bar in drawn}
    for line in axes.get_lines():
        xs = line.get_xdata()
        start, end = round(float(xs[0]), 6), round(float(xs[-1]), 6)
        assert start < end
        assert heights[start] == heights[end]


@pytest.mark.parametrize("size", [33, 64, 320])
def test_pictures_of_any_size_can_be_drawn(size: int) -> None:
    (axes,) = panels(architecture(networks("model1"), size=size))
    assert f"1\n{size}²" in labels(axes)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_drawing_leaves_the_network_as_it_was(norm: str) -> None:
    (model,) = networks("model1", norm=norm).values()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    architecture({"model1": model}, size=32)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_figure_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    torch.manual_seed(0)
    models = networks("model1", "model2")
    for figure in ("first", "second"):
        save_figure(architecture(models, size=32), tmp_path / f"{figure}.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    figure_of_curves = learning_curves(HISTORIES)
    for name in ("third", "fourth"):
        save_figure(figure_of_curves, tmp_path / f"{name}.png")
    assert (tmp_path / "third.png").read_bytes() == (tmp_path / "fourth.png").read_bytes()


def test_a_figure_is_a_png(tmp_path: Path) -> None:
    save_figure(learning_curves(HISTORIES), tmp_path / "figure.png")
    with Image.open(io.BytesIO((tmp_path / "figure.png").read_bytes())) as image:
        assert image.format == "PNG"
        assert image.width == 7 * 110
        assert "Software" not in image.info


def test_losses_of_different_kinds_have_a_panel_each() -> None:
    histories = {"model1": history((0.02, 0.02)), "zhang2016": history((4.1, 4.2))}
    histories["model2"] = history((0.03, 0.03))
    panels = learning_curves(histories, {"zhang2016": "cross-entropy"}).axes
    assert [axes.get_ylabel() for axes in panels] == ["L2 on normalized ab", "cross-entropy"]
    assert [len(axes.get_lines()) for axes in panels] == [4, 2]
