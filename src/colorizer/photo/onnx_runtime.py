"""ONNX Runtime, which computes graphs on the CPU."""

import os
from pathlib import Path
from typing import Any

from joblib import cpu_count


def load_runtime() -> Any:
    """Import ONNX Runtime without its telemetry.

    By default it reports its sessions and models over the network, under an identifier that it
    keeps in the user's cache folder.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # which it reads once, when it is imported
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # on Windows it reads no variable
    return onnxruntime


def open_session(path: Path) -> Any:
    """Open a graph, to be computed by as many threads as there are cores, which do not wait busily.

    Raises:
        Exception: whichever of its own ONNX Runtime raises if the file is no readable graph.
    """
    onnxruntime = load_runtime()  # only when there is something to compute by it
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = cpu_count()  # or they are bound to cores, busy or not
    options.enable_mem_pattern = False  # planned for a size, where photographs have many
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
