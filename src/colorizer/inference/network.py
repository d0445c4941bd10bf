"""What a colorizer needs of a network, whatever computes it."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from colorizer.models.weights_metadata import WeightsMetadata


class Network(Protocol):
    """What predicts the colors: `TorchNetwork` or `OnnxNetwork`."""

    metadata: WeightsMetadata

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch, as `Colorizer.predict_ab`."""

    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        """Predict color and how likely each is, as `Colorizer.predict_ab_and_classes`."""

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Share the cores fairly while calls come from as many threads as there are cores."""
