"""The registered model as MLflow loads it: image bytes in, PNG bytes out.

MLflow keeps this file as the model's code ("models from code") beside a copy of the package and the
weights, so that the model loads where this repository is not.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from colorizer.images import ImageError
from colorizer.predictor import Colorizer


class ColorizerModel(PythonModel):
    """A colorizer behind MLflow's pyfunc interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights and compile what has to be, once, so that no request waits for it."""
        self.colorizer = Colorizer.from_file(Path(context.artifacts["weights"]))
        self.colorizer.colorize(np.zeros((8, 8, 3), np.uint8))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Colour a column of images.

        Args:
            context: MLflow's; unused.
            model_input: a column `image`: a file's bytes, or those as base64.
            params: none are known.

        Returns:
            A column `image` of PNG bytes, each of its input's size.

        Raises:
            ImageError: if an image cannot be read; the line says which.
        """
        images = [self._colorize(row, image) for row, image in enumerate(model_input["image"])]
        return pd.DataFrame({"image": images}, index=model_input.index)

    def _colorize(self, row: int, image: bytes | str) -> bytes:
        try:
            return self.colorizer.colorize_bytes(_to_bytes(image))
        except ImageError as error:
            raise ImageError(f"image {row}: {error}") from error


def _to_bytes(image: bytes | str) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"neither bytes nor base64: {error}") from error


mlflow.models.set_model(ColorizerModel())
