"""What a network's encoder sees in a photograph, before any color: for methods that need it."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from colorizer.color.lab import normalize_lightness, rgb_to_lab
from colorizer.errors import ColorizerError
from colorizer.models.flagship import DEVIATION, MEAN, MULTIPLE, EncoderDecoder
from colorizer.models.heads import BinsNetwork
from colorizer.models.weights import load_model
from colorizer.photo.resize import resize

LONGER_SIDE, SMALL = 256, 160  # pixels, of photographs for `features` and for `descriptor`
PLACES, WHOLE = 3, 4  # which of the encoder's outputs: at strides 16 and 32


class Encoder:
    """The encoder of a flagship's network, which ImageNet has taught what things are.

    Args:
        body: the network's encoder and decoder.
    """

    def __init__(self, body: EncoderDecoder) -> None:
        self._encoder = body.encoder.eval()

    @classmethod
    def from_file(cls, path: Path) -> "Encoder":
        """Take it out of a weights file.

        Raises:
            ColorizerError: if the file is missing, no weights file, or another network's.
        """
        network, metadata = load_model(path)
        if not isinstance(network, BinsNetwork) or not isinstance(network.body, EncoderDecoder):
            raise ColorizerError(f"{path} is a {metadata.model}: expected a flagship's weights")
        return cls(network.body)

    def features(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what a photograph's places show, (C, h, w), by its lightness alone."""
        return self._encode(rgb, LONGER_SIDE, PLACES)

    def descriptor(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what a photograph shows as a whole, (C,), of unit length."""
        pooled = self._encode(rgb, SMALL, WHOLE).mean((1, 2))
        return np.asarray(pooled / max(float(np.linalg.norm(pooled)), 1e-9), np.float32)

    @torch.no_grad()
    def _encode(self, rgb: NDArray[np.uint8], longer_side: int, output: int) -> NDArray[np.float32]:
        scale = longer_side / MULTIPLE / max(rgb.shape[:2])
        height, width = (MULTIPLE * max(1, round(side * scale)) for side in rgb.shape[:2])
        lightness = rgb_to_lab(resize(rgb, size=(height, width), resample="bicubic"))[None, :1]
        x = ((normalize_lightness(torch.from_numpy(lightness)) + 1) / 2 - MEAN) / DEVIATION
        return np.asarray(self._encoder(x.expand(-1, 3, -1, -1))[output][0])
