"""A trained network as an ONNX file, which runs in many languages and without PyTorch."""

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE
from colorizer.errors import ColorizerError, MissingExtraError
from colorizer.inference.features import all_of, has_features
from colorizer.inference.onnx_network import (
    CENTERS,
    FEATURES,
    INPUT,
    OUTPUT,
    OUTPUTS,
    PROBABILITIES,
    WEIGHTS,
    OnnxNetwork,
    digest,
)
from colorizer.inference.torch_network import TorchNetwork
from colorizer.models.heads import BinsNetwork
from colorizer.models.predict import InUnits, ab_and_classes
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.paths import atomic_write
from colorizer.photo.onnx_runtime import load_runtime

TOLERANCE = 1e-4
"""Of the normalized ab, about -1..1; what float32 leaves after some hundred additions."""

AXES = {
    INPUT: {0: "batch", 2: "height", 3: "width"},
    OUTPUT: {0: "batch", 2: "height", 3: "width"},
    PROBABILITIES: {0: "batch", 2: "rows", 3: "columns"},
    CENTERS: {},
    FEATURES: {0: "batch", 2: "places_down", 3: "places_across"},
}
"""Which may be of any length, by input and output."""

DESCRIBED = {
    OUTPUT: f"{OUTPUT}: float32 (batch, 2, height, width), a* and b* in CIELAB units",
    PROBABILITIES: f"{PROBABILITIES}: float32 (batch, classes, rows, columns) of a smaller picture",
    CENTERS: f"{CENTERS}: float32 (classes, 2), a* and b* of the classes",
    FEATURES: f"{FEATURES}: float32 (batch, channels, places_down, places_across) of the encoder",
}

PREFIX = "in_units.model."
"""Of the weights' names in a graph, before their names in the weights file."""

OPSET = 18
"""Of ONNX, from December 2022, as is the IR version 8 that goes with it: runtimes of today and of
some years ago read the file."""

SHAPES = ((1, 96, 96), (2, 70, 53), (3, 33, 128), (1, 1, 1))
"""Batch, height, width that the file is checked at."""


class Outputs(nn.Module):
    """What a graph returns: the colors, and where a network has them, their classes.

    Args:
        model: a network from `create_model`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.in_units = InUnits(model)

    def forward(self, lightness: Tensor) -> tuple[Tensor, ...]:
        """Map L* in 0..100, float32 (N, 1, H, W), to what `OnnxNetwork` asks for."""
        model = self.in_units.model
        if not isinstance(model, BinsNetwork):
            return (self.in_units(lightness),)
        if not has_features(model):
            return *ab_and_classes(model, lightness), model.centers.clone()
        ab, probabilities, features = all_of(model, lightness)
        return ab, probabilities, model.centers.clone(), features


def export_onnx(weights: Path, target: Path, *, beside: bool = False) -> float:
    """Write a weights file's network as ONNX, and check that ONNX Runtime agrees with PyTorch.

    The graph takes `lightness`, float32 (N, 1, H, W), L* in 0..100, and returns `ab`, float32
    (N, 2, H, W), in CIELAB units, for any N, H and W. Of a network with classes it also returns
    their `probabilities`, float32 (N, Q, h, w), and `centers`, float32 (Q, 2), the classes' ab; of
    the flagship also `features`, float32 (N, C, h, w), by which places can be compared. It
    holds the model's metadata, and how to use it in words. The file appears under its name only
    when it is whole and checked.

    Args:
        weights: the network's, as `save_weights` wrote them.
        target: the file to write.
        beside: leave the numbers in the weights file, whose folder the target is in: a small file.

    Returns:
        The largest difference from PyTorch, of the normalized ab.

    Raises:
        ColorizerError: if the extra `onnx` is not installed, the weights cannot be read, or the
            two differ by more than `TOLERANCE`.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401

        load_runtime()
    except ImportError as error:
        raise MissingExtraError("exporting", error.name, "onnx") from None
    network = TorchNetwork.from_file(weights, precision="float32")
    model = _to_graph(network, weights if beside else None)
    with atomic_write(target) as unfinished:
        onnx.save(model, unfinished)
        if beside:
            shutil.copyfile(weights, unfinished.with_name(weights.name))  # only to be compared
        difference = _compare(network, OnnxNetwork(unfinished))
        if not difference <= TOLERANCE:  # so that NaN is refused too
            raise ColorizerError(
                f"ONNX Runtime's ab differ from PyTorch's by {difference:.1e} of {AB_SCALE:.0f}; "
                f"expected at most {TOLERANCE:.0e}: nothing was written"
            )
    return difference


def _to_graph(network: TorchNetwork, weights: Path | None) -> Any:
    """Return a network as an onnx.ModelProto, its numbers in it or left in a weights file."""
    import onnx

    from colorizer.inference.external_weights import point_into, set_aside

    outputs = OUTPUTS[: _count_outputs(network.model)]
    with _quiet():
        program = torch.onnx.export(
            Outputs(network.model).eval(),
            (torch.full((2, 1, 70, 53), 50.0),),
            dynamo=True,
            opset_version=OPSET,
            optimize=False,
            verbose=False,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_shapes=(dict.fromkeys(AXES[INPUT], torch.export.Dim.AUTO),),
        )
        assert program is not None
        graph = program.model.graph
        names = {PREFIX + name: name for name in network.model.state_dict()}
        names = {name: names[name] for name in graph.initializers if name in names}
        if weights:
            set_aside(graph, names)
        program.optimize()
    model, described = program.model_proto, _how_to_use(network.metadata, outputs)
    if weights:
        point_into(weights, model, names)
        described |= {WEIGHTS: digest(weights)}
    _tidy(model)
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    onnx.helper.set_model_props(model, network.metadata.to_metadata() | described)
    return model


def _count_outputs(model: nn.Module) -> int:
    """Return how many of `OUTPUTS` a network has."""
    if not isinstance(model, BinsNetwork):
        return 1
    return 4 if has_features(model) else 3


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's own warnings and log messages."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _tidy(model: Any) -> None:
    """Name the axes alike in input and output, and drop the paths of the machine's source files."""
    for value in (*model.graph.input, *model.graph.output):
        for axis, name in AXES[value.name].items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]  # which IR version 8 does not have


def _how_to_use(metadata: WeightsMetadata, outputs: Sequence[str]) -> dict[str, str]:
    """Return how to feed the graph, for people who have the file alone."""
    size = metadata.size
    shape = f"{size}x{size}"
    if metadata.geometry == "keep":
        shape = f"a short side of {size} in their own proportions"
    return {
        "input": f"{INPUT}: float32 (batch, 1, height, width), L* in 0..100 of an sRGB picture",
        "output": "; ".join(DESCRIBED[name] for name in outputs),
        "color": "CIELAB of sRGB, illuminant D65, 2-degree observer",
        "size": f"any; knows whole pictures resized to {shape}, {metadata.resample}, antialiased",
        "use": "resize the picture, feed its L*, resize ab to the picture, join it with its own L*",
    }


def _compare(network: TorchNetwork, exported: OnnxNetwork) -> float:
    """Return the largest difference of normalized ab, over pictures of several shapes."""
    random = np.random.default_rng(0)
    differences = []
    for count, height, width in SHAPES:
        lightness = random.uniform(0, 100, (count, 1, height, width)).astype(np.float32)
        expected, found = (n.predict_ab(lightness) for n in (network, exported))
        differences.append(np.abs(found - expected).max() / AB_SCALE)
    return float(np.max(differences))
