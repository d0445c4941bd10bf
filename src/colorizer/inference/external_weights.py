"""An ONNX graph whose numbers stay in a weights file: one file of them serves both runtimes.

A safetensors file holds each tensor's numbers raw, one after the other, so ONNX's external data can
point into it.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from colorizer.errors import ColorizerError

TYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}


def set_aside(graph: Any, names: Collection[str]) -> None:
    """Make weights inputs of a graph, so that optimizing it folds none of them into others.

    Args:
        graph: of onnx_ir.
        names: the weights'.
    """
    for name in names:
        weight = graph.initializers.pop(name)
        weight.const_value = None
        graph.inputs.append(weight)


def point_into(weights: Path, model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Let a graph read those of its inputs that are weights from a weights file.

    Half precision is cast to float32: ONNX Runtime does it once, while it loads.

    Args:
        weights: a safetensors file, which the graph's file is to lie beside.
        model: the graph.
        names: of the weights, in the graph and in the file.

    Raises:
        ColorizerError: if the file lacks one, or has it in another type than float16 or float32.
    """
    graph, start, stored = model.graph, *_read_header(weights)
    used = {name for node in graph.node for name in node.input}
    casts = []
    for name in filter(used.__contains__, names):
        described = stored.get(names[name], {"dtype": "missing"})
        if described["dtype"] not in TYPES:
            raise ColorizerError(
                f"{weights}: {names[name]} is {described['dtype']}; expected {' or '.join(TYPES)}: "
                "write the file anew by colorizer export --format safetensors"
            )
        half = described["dtype"] == "F16"
        own = f"{name}.half" if half else name
        first, end = described["data_offsets"]
        tensor = TensorProto(name=own, dims=described["shape"], data_type=TYPES[described["dtype"]])
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": weights.name, "offset": start + first, "length": end - first}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        graph.initializer.append(tensor)
        if half:
            casts.append(helper.make_node("Cast", [own], [name], to=TensorProto.FLOAT))
    _replace(graph.input, [value for value in graph.input if value.name not in names])
    _replace(graph.node, [*casts, *graph.node])


def _read_header(weights: Path) -> tuple[int, dict[str, Any]]:
    """Return where a safetensors file's numbers begin, and what it says of each tensor."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return 8 + length, json.loads(file.read(length))


def _replace(repeated: Any, values: Collection[Any]) -> None:
    del repeated[:]
    repeated.extend(values)
