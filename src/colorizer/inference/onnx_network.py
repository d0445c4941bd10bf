"""A network computed by ONNX Runtime, where PyTorch need not be installed."""

import contextlib
import hashlib
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import (
    ColorizerError,
    NoClassesError,
    NoFeaturesError,
    is_out_of_memory,
    one_line,
)
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.onnx_runtime import open_session

INPUT = "lightness"
"""The graph's: float32 (N, 1, H, W), L* in 0..100."""

OUTPUT, PROBABILITIES, CENTERS, FEATURES = OUTPUTS = "ab", "probabilities", "centers", "features"
"""The graph's: float32 (N, 2, H, W), a* and b* in CIELAB units; of a network with classes
(N, Q, h, w), how likely each is, and (Q, 2), its a* and b*; and of one whose encoder knows objects
(N, C, h, w), by which places can be compared."""

WEIGHTS = "weights"
"""The graph's metadata: SHA-256 of the weights file that its numbers lie in, if they do."""


class OnnxNetwork:
    """A network computed by ONNX Runtime on the CPU.

    Args:
        path: a file that `colorizer export --format onnx` wrote.

    Raises:
        ColorizerError: if the file is no model of this project.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.session = open_session(path)
        except Exception as error:  # ONNX Runtime has a class for each kind, none of them public
            if is_out_of_memory(error):
                raise MemoryError(one_line(error)) from error
            reason = " ".join(str(error).split())
            raise ColorizerError(f"{path} is no readable ONNX model: {reason}") from None
        stored = self.session.get_modelmeta().custom_metadata_map
        self.metadata = WeightsMetadata.from_metadata(path, stored)
        self._outputs = {output.name for output in self.session.get_outputs()}

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch, as `Colorizer.predict_ab`."""
        (ab,) = self._run(lightness, OUTPUT)
        return _like(lightness, ab)

    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        """Predict color and how likely each is, as `Network.predict_ab_and_classes`."""
        if PROBABILITIES not in self._outputs:
            raise NoClassesError(self.metadata.model)
        ab, probabilities, centers = self._run(lightness, *OUTPUTS[:3])
        return _like(lightness, ab), _like(lightness, probabilities), centers

    def predict_ab_and_features(self, lightness: Any) -> tuple[Any, Any]:
        """Predict color and features, as `Network.predict_ab_and_features`."""
        if FEATURES not in self._outputs:
            raise NoFeaturesError(self.metadata.model)
        ab, features = self._run(lightness, OUTPUT, FEATURES)
        return _like(lightness, ab), _like(lightness, features)

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Do nothing: all calls share ONNX Runtime's threads, which do not wait actively."""
        return contextlib.nullcontext()

    def _run(self, lightness: Any, *outputs: str) -> list[NDArray[np.float32]]:
        given = np.asarray(lightness, np.float32)
        found: list[NDArray[np.float32]] = self.session.run(outputs, {INPUT: given})
        return found


def find_graph(weights: Path) -> Path | None:
    """Return the graph beside a weights file, if there is one and its numbers are that file's."""
    graph = weights.with_suffix(".onnx")
    if not (graph.is_file() and weights.is_file()):
        return None
    return graph if digest(weights).encode() in graph.read_bytes() else None


def digest(weights: Path) -> str:
    """Return a weights file's SHA-256."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _like(given: Any, array: NDArray[np.float32]) -> Any:
    """Return an array as a tensor if a tensor was given."""
    torch = sys.modules.get("torch")
    return torch.from_numpy(array) if torch and isinstance(given, torch.Tensor) else array
