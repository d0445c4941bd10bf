"""The public `Colorizer`: one that finds its weights by a model's name too."""

from typing import Literal, Self

from colorizer.inference import colorizer
from colorizer.tracking.model_uri import find_weights
from colorizer.tracking.names import DEFAULT


class Colorizer(colorizer.Colorizer):
    """A trained network, ready to color photographs, loaded from a file or by a model's name.

    Args:
        network: what predicts the colors.
    """

    @classmethod
    def load(
        cls,
        name: str = DEFAULT,
        *,
        device: str = "cpu",
        precision: Literal["auto", "float32"] = "auto",
    ) -> Self:
        """Load a model by its name.

        Args:
            name: as `colorizer.tracking.names` spells it: `shipped`, a registered model
                (`colorizer-model2`, `name@alias`, `name/3`), a `models:/...` or `runs:/...` URI, a
                weights file or an ONNX file.
            device: as of `from_file`.
            precision: as of `from_file`.

        Raises:
            ColorizerError: if there is no such model; the line says what there is.
        """
        return cls.from_file(find_weights(name), device=device, precision=precision)
