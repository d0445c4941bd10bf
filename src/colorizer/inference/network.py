"""What a colorizer needs of a network, whatever computes it."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from colorizer.color.lab import check_picture, rgb_to_lab
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.resize import resize


class Network(Protocol):
    """What predicts the colors: `TorchNetwork` or `OnnxNetwork`."""

    metadata: WeightsMetadata

    def __hash__(self) -> int:
        """Tell networks apart where results are kept."""

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch, as `Colorizer.predict_ab`."""

    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        """Predict color for a batch, and how likely each class of color is, by one pass.

        Args:
            lightness: as `predict_ab` takes it.

        Returns:
            What `predict_ab` returns; the probabilities, float32 (N, Q, h, w), at the size of the
            network's head, summing to 1 over the Q classes, a tensor or an array as the colors; and
            the classes' colors, float32 (Q, 2), a* and b* in CIELAB units.

        Raises:
            NoClassesError: if the network predicts no classes.
        """

    def predict_ab_and_features(self, lightness: Any) -> tuple[Any, Any]:
        """Predict color, and features by which places can be compared, by one pass.

        Args:
            lightness: as `predict_ab` takes it.

        Returns:
            What `predict_ab` returns; and float32 (N, C, h, w) features, a tensor or an array as
            the colors.

        Raises:
            NoFeaturesError: if the network has none.
        """

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Share the cores fairly while calls come from as many threads as there are cores."""


def seen(metadata: WeightsMetadata, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a photograph's lightness at the size at which a network sees it, (1, 1, h, w)."""
    check_picture(rgb)
    small = resize(rgb, size=metadata.shape(*rgb.shape[:2]), resample=metadata.resample)
    return rgb_to_lab(small)[None, :1]
