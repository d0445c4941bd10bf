"""A network computed by ONNX Runtime, where PyTorch need not be installed."""

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import ColorizerError
from colorizer.models.weights_metadata import WeightsMetadata

INPUT, OUTPUT = "lightness", "ab"
"""The graph's: float32 (N, 1, H, W), L* in 0..100, and (N, 2, H, W), a* and b* in CIELAB units."""


class OnnxNetwork:
    """A network computed by ONNX Runtime on the CPU.

    Args:
        path: a file that `colorizer export --format onnx` wrote.

    Raises:
        ColorizerError: if ONNX Runtime is not installed, or the file is no model of this project.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise ColorizerError(f"{path} needs ONNX Runtime: pip install onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has a class for each kind, none of them public
            reason = " ".join(str(error).split())
            raise ColorizerError(f"{path} is no readable ONNX model: {reason}") from None
        stored = self.session.get_modelmeta().custom_metadata_map
        self.metadata = WeightsMetadata.from_metadata(path, stored)

    def predict_ab(self, lightness: Any) -> NDArray[np.float32]:
        """Predict color for a batch, as `Colorizer.predict_ab`: always an array."""
        given = np.asarray(lightness, np.float32)
        ab: NDArray[np.float32] = self.session.run([OUTPUT], {INPUT: given})[0]
        return ab

    def predict_classes(self, lightness: Any) -> tuple[Any, NDArray[np.float32]]:
        """Refuse: the graph has no output for classes."""
        raise ColorizerError("an ONNX file predicts colors alone: use the weights file for classes")

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Do nothing: all calls share ONNX Runtime's threads already."""
        return contextlib.nullcontext()
