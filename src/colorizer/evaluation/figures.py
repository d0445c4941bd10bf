"""The study's drawings: architectures and learning curves."""

import copy
import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor, nn

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.models.layers import DecoderLayer, EncoderLayer
from colorizer.training.run_record import LOSSES, Epoch

matplotlib.use("agg")


def learning_curves(
    histories: Mapping[str, Sequence[Epoch]], losses: Mapping[str, str] | None = None
) -> Figure:
    """Draw the study's Figure 4: each model's training loss by epoch, and its test loss dashed.

    The validation loss, if there is one, is dotted.

    Args:
        histories: by model, its losses.
        losses: by model, what its losses are, by default the study's L2; each kind has a panel of
            its own, since their values cannot be compared.
    """
    kinds: dict[str, list[str]] = {}
    for name in histories:
        kinds.setdefault((losses or {}).get(name, LOSSES["l2"]), []).append(name)
    figure = Figure(figsize=(7, 0.5 + 4 * len(kinds)), layout="constrained")
    panels = figure.subplots(len(kinds), squeeze=False)[:, 0]
    for axes, (kind, names) in zip(panels, kinds.items(), strict=True):
        for name in names:
            _draw_history(axes, name, histories[name])
        axes.set(xlabel="epoch", ylabel=kind)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle("Learning curves")
    return figure


def hue_rose(predicted: NDArray[np.float64], original: NDArray[np.float64]) -> Figure:
    """Draw how chroma is spread over the hues, of what is predicted and of the originals.

    Both are drawn as shares of the originals' chroma, with an area in proportion, so that dull
    colors make a small rose and colors of the right amount one as large as the outline.

    Args:
        predicted: (B,), chroma by hue in equal bins from 0 degrees.
        original: the same of the originals.
    """
    figure = Figure(figsize=(2.6, 2.6), layout="constrained")
    axes = figure.add_subplot(projection="polar")
    width = 2 * np.pi / len(original)
    middles = (np.arange(len(original)) + 0.5) * width
    hues = np.stack((np.full(len(middles), 65.0), 60 * np.cos(middles), 60 * np.sin(middles)))
    colors = lab_to_rgb(torch.from_numpy(hues).float()[None, :, None])[0, :, 0].T.numpy() / 255
    shares, true_shares = (np.sqrt(part / original.sum()) for part in (predicted, original))
    axes.bar(middles, shares, width, color=colors, edgecolor="white", linewidth=0.4)
    axes.stairs(true_shares, np.arange(len(original) + 1) * width, color="black", linewidth=1.2)
    axes.set_xticks(np.deg2rad([0, 90, 180, 270]), ["+a", "+b", "-a", "-b"])
    axes.set_yticks([])
    return figure


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG document, the same text for the same figure."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "colorizer"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def architecture(models: Mapping[str, nn.Module], *, size: int = 320) -> Figure:
    """Draw the study's Figure 2: the networks' layers as they are, in the order of computation.

    A bar is a layer's output: its height is the logarithm of the picture's side, its width that of
    the channels, which stand below it; "d2" marks a dilation of 2 and an arc a skip.

    Args:
        models: by name, networks from `create_model`.
        size: side of the input in pixels.
    """
    figure = Figure(figsize=(11, 2.9 * len(models)), layout="constrained")
    panels = figure.subplots(len(models), squeeze=False)[:, 0]
    for axes, (name, model) in zip(panels, models.items(), strict=True):
        _draw_layers(axes, name, model, size)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure."""
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _draw_history(axes: Axes, name: str, history: Sequence[Epoch]) -> None:
    epochs = [row.epoch for row in history]
    (line,) = axes.plot(epochs, [row.train_loss for row in history], label=f"{name}, train")
    test = [row.test_loss for row in history]
    axes.plot(epochs, test, "--", color=line.get_color(), alpha=0.7, label=f"{name}, test")
    validation = [row.validation_loss for row in history if row.validation_loss is not None]
    if len(validation) == len(epochs):
        axes.plot(epochs, validation, ":", color=line.get_color(), label=f"{name}, validation")


def _draw_layers(axes: Axes, name: str, model: nn.Module, size: int) -> None:
    layers = [("input", 1, size, "#bbbbbb"), *_trace(model, size)]
    left, centers = 0.0, []
    for label, channels, side, color in layers:
        height, width = np.log2(side) + 1, 0.25 + 0.12 * np.log2(channels)
        axes.add_patch(Rectangle((left, -height / 2), width, height, color=color))
        middle = left + width / 2
        axes.text(middle, -5.3, f"{channels}\n{side}²", ha="center", va="top", fontsize=8)
        axes.text(middle, height / 2 + 0.15, label, ha="center", va="bottom", fontsize=8)
        centers.append(middle)
        left += width + 0.55
    depth = sum(isinstance(module, EncoderLayer) for module in model.modules())
    if _has_skips(model):
        for level in range(depth):
            start, end = centers[1 + level], centers[-2 - level]
            top = 5.4 + 0.5 * (depth - level)
            axes.plot([start, start, end, end], [5.7, top, top, 5.7], color="#888888", lw=1)
    parameters = sum(p.numel() for p in model.parameters())
    axes.set(xlim=(-0.4, left), ylim=(-7.6, 6 + 0.5 * depth))
    axes.set_title(f"{name}: {parameters:,} parameters", loc="left", fontsize=11)
    axes.axis("off")


def _trace(model: nn.Module, size: int) -> list[tuple[str, int, int, str]]:
    """Run the network once and note each layer's label, channels, side and color."""
    seen: list[tuple[str, int, int, str]] = []
    model = copy.deepcopy(model).eval()

    def note(module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append((*_label(module, output), _color(module)))

    hooked = [m for m in model.modules() if isinstance(m, EncoderLayer | DecoderLayer)]
    handles = [m.register_forward_hook(note) for m in [*hooked, model.get_submodule("head")]]
    with torch.no_grad():
        model(torch.zeros(1, 1, size, size))
    for handle in handles:
        handle.remove()
    return seen


def _label(module: nn.Module, output: Tensor) -> tuple[str, int, int]:
    conv = module if isinstance(module, nn.Conv2d) else module.get_submodule("conv")
    assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
    kind = "T" if isinstance(conv, nn.ConvTranspose2d) else ""
    dilation = f" d{conv.dilation[0]}" if conv.dilation[0] > 1 else ""
    label = f"{conv.kernel_size[0]}×{conv.kernel_size[1]}{kind}{dilation}"
    return label, output.shape[1], output.shape[-1]


def _color(module: nn.Module) -> str:
    if isinstance(module, EncoderLayer):
        return "#4477aa"
    return "#ee8866" if isinstance(module, DecoderLayer) else "#44bb99"


def _has_skips(model: nn.Module) -> bool:
    """Return whether a decoder layer takes more channels than the layer before it gives."""
    decoder = [m.conv for m in model.modules() if isinstance(m, DecoderLayer)]
    return any(b.in_channels > a.out_channels for a, b in pairwise(decoder))
