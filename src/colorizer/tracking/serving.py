"""The registered model as MLflow loads it: image bytes in, PNG or JPEG bytes out.

MLflow keeps this file as the model's code ("models from code") beside a copy of the package and the
weights, so that the model loads where this repository is not. Its server calls `predict` from many
threads at once; so may a program that loads the model.
"""

import base64
import contextlib
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from colorizer.inference.colorizer import Colorizer
from colorizer.photo.decode import ImageError, count_pixels
from colorizer.photo.encode import Format

FORMATS = get_args(Format)
MEBI, MEGA = 2**20, 10**6

MAX_IMAGE_BYTES = 32 * MEBI
MAX_REQUEST_BYTES = 64 * MEBI
MAX_REQUEST_PIXELS = 64 * MEGA
"""Of one image or of all in a request; decoding takes up to 25 bytes a pixel, at 16 bits."""

LARGE = 16 * MEGA
"""Images of more pixels are colored one at a time, over all requests."""

AT_ONCE = 4  # other images in work, if there are as many cores: what they hold in memory adds up


class RefusedError(MlflowException):
    """A request cannot be answered; one line says why, and the server's status is 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, error_code=INVALID_PARAMETER_VALUE)

    def serialize_as_json(self) -> str:
        """Return the body of the answer: the reason, without all that was sent before it."""
        return json.dumps({"error_code": self.error_code, "message": str(self)})


class ColorizerModel(PythonModel):
    """A colorizer behind MLflow's pyfunc interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights and compile the loops over pixels, so that no request waits for that."""
        self.colorizer = Colorizer.from_file(Path(context.artifacts["weights"]))
        self.colorizer.colorize(np.zeros((8, 8, 3), np.uint8))
        self.several = _workers(min(AT_ONCE, torch.get_num_threads()))
        self.large = _workers(1)

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Color a column of images.

        Args:
            context: MLflow's; unused.
            model_input: a column `image`: a file's bytes, or those as base64.
            params: `strength`, which multiplies the colors' chroma, 1 by default; `format` of the
                results, "png" by default, or "jpeg".

        Returns:
            A column `image` of image files' bytes, each of its input's size.

        Raises:
            RefusedError: if a parameter has another value, an image cannot be read, there is none,
                or they are too large or too many for one request; nothing is colored unless all
                are within the limits.
        """
        options = _check_params(params or {})
        files, pixels = [], []
        for row, image in enumerate(model_input["image"]):
            with _naming(row):
                files.append(_to_bytes(image))
                pixels.append(_count_pixels(files[-1]))
        _check_request(files, sum(pixels))
        colored = []
        for row, (file, size) in enumerate(zip(files, pixels, strict=True)):
            workers = self.large if size > LARGE else self.several
            with _naming(row):
                work = workers.submit(self.colorizer.colorize_bytes, file, **options)
                colored.append(work.result())
        return pd.DataFrame({"image": colored}, index=model_input.index)


def _workers(count: int) -> ThreadPoolExecutor:
    """Return threads that together run as many PyTorch threads as there are cores."""
    share = max(1, torch.get_num_threads() // count)
    return ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(share,))


def _check_params(params: dict[str, Any]) -> dict[str, Any]:
    strength, format = params.get("strength", 1.0), params.get("format", "png")
    if not 0 <= strength < math.inf:  # so that NaN is refused too
        raise RefusedError(f"strength is {strength}: expected a number of at least 0")
    if format not in FORMATS:
        raise RefusedError(f"format is {format!r}: choose {' or '.join(FORMATS)}")
    return {"strength": strength, "format": format}


@contextlib.contextmanager
def _naming(row: int) -> Iterator[None]:
    """Add to an image's error which one it is."""
    try:
        yield
    except ImageError as error:
        raise RefusedError(f"image {row}: {error}") from error


def _to_bytes(image: Any) -> bytes:
    if isinstance(image, str):
        try:
            image = base64.b64decode("".join(image.split()), validate=True)
        except ValueError as error:
            raise ImageError(f"not base64: {error}") from None
    if not isinstance(image, bytes):
        found = "nothing" if pd.isna(image) is True else type(image).__name__
        raise ImageError(f"expected an image file in base64, found {found}")
    if not image:
        raise ImageError("an empty file")
    if len(image) > MAX_IMAGE_BYTES:
        found, limit = f"{len(image) / MEBI:.1f} MiB", f"{MAX_IMAGE_BYTES // MEBI} MiB"
        raise ImageError(f"file too large: {found}; at most {limit} are taken")
    return image


def _count_pixels(file: bytes) -> int:
    """Return how many pixels a file says it holds; 0 if it is damaged, as decoding will tell."""
    pixels = count_pixels(file)
    if pixels > MAX_REQUEST_PIXELS:
        limit = f"{MAX_REQUEST_PIXELS // MEGA} megapixels"
        raise ImageError(f"image too large: at most {limit} are taken")
    return pixels


def _check_request(files: list[bytes], pixels: int) -> None:
    if not files:
        raise RefusedError("no image: the column `image` has no rows")
    size = sum(map(len, files))
    if size > MAX_REQUEST_BYTES or pixels > MAX_REQUEST_PIXELS:
        found = f"{size / MEBI:.1f} MiB and {pixels / MEGA:.1f} megapixels"
        limit = f"{MAX_REQUEST_BYTES // MEBI} MiB and {MAX_REQUEST_PIXELS // MEGA} megapixels"
        raise RefusedError(
            f"{len(files)} images of {found}; at most {limit} are taken at once: send fewer"
        )


mlflow.models.set_model(ColorizerModel())
