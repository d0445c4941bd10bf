"""Colorizer: a photograph of any size in, the same photograph in color out."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.errors import ColorizerError
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.decode import Format, decode, encode, to_rgb


class Network(Protocol):
    """What predicts the colors: `TorchNetwork` or `OnnxNetwork`."""

    metadata: WeightsMetadata

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch, as `Colorizer.predict_ab`."""

    def resize(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a picture, uint8 (H, W, 3), to the size that the network knows."""

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Share the cores fairly while calls come from as many threads as there are cores."""


class Colorizer:
    """A trained network, ready to color photographs.

    Args:
        network: what predicts the colors.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.metadata = network.metadata

    @classmethod
    def from_file(
        cls, path: Path, *, device: str = "cpu", precision: Literal["auto", "float32"] = "auto"
    ) -> Self:
        """Load a weights file, or an ONNX file that was exported from one.

        Args:
            path: the file; one that ends in .onnx needs ONNX Runtime, others PyTorch.
            device: where PyTorch computes; ONNX Runtime does so on the CPU.
            precision: "auto" computes in bfloat16 where PyTorch's device does so natively, about
                twice as fast and too close for the eye; "float32" gives the same numbers
                everywhere.

        Raises:
            ColorizerError: if it is missing or no model of this project, or what it needs is not
                installed.
        """
        if path.suffix == ".onnx":
            from colorizer.inference.onnx_network import OnnxNetwork

            return cls(OnnxNetwork(path))
        try:
            from colorizer.models.predict import TorchNetwork
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ColorizerError(
                f"{path} needs PyTorch: pip install torch, or export it as ONNX where PyTorch is"
            ) from None
        return cls(TorchNetwork.from_file(path, device=device, precision=precision))

    def __call__(
        self, photo: str | Path | bytes | Image.Image | NDArray[np.uint8], *, strength: float = 1.0
    ) -> Image.Image:
        """Color a photograph.

        Args:
            photo: an image file's path or bytes, a Pillow image, or uint8 (H, W, 3) or (H, W).
            strength: multiplies the colors' chroma.

        Returns:
            RGB, of the photograph's size and with its lightness.

        Raises:
            FileNotFoundError: if there is no such file.
            ImageError: if the file is no image.
            TypeError: if an array is not uint8.
            ValueError: if an array has another shape.
        """
        return Image.fromarray(self.colorize(_to_array(photo), strength=strength))

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch.

        Args:
            lightness: float32 (N, 1, H, W), a tensor or an array, L* in 0..100; the network knows
                pictures of `metadata.size` best.

        Returns:
            float32 (N, 2, H, W), a* and b* in CIELAB units: for a tensor a tensor on the network's
            device, otherwise an array. An ONNX file's network always returns an array.
        """
        return self.network.predict_ab(lightness)

    def colorize(self, rgb: NDArray[np.uint8], *, strength: float = 1.0) -> NDArray[np.uint8]:
        """Color one photograph.

        The network sees the photograph as it saw those it learned from, resized to a square; its
        colors are brought back to the photograph's size and joined with the photograph's own
        lightness.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.
            strength: multiplies the colors' chroma.

        Returns:
            uint8 (H, W, 3), sRGB.
        """
        return recolor(rgb, strength * self.predict_photo(rgb))

    def predict_photo(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict one photograph's colors.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.

        Returns:
            float32 (2, size, size), a* and b* in CIELAB units, of the whole photograph at the size
            that the network knows.
        """
        small = rgb_to_lab(self.network.resize(rgb))
        return np.asarray(self.predict_ab(small[None, :1])[0], np.float32)

    def colorize_bytes(self, data: bytes, *, format: Format = "png") -> bytes:
        """Color an image file: bytes in any format that Pillow reads, an image file's bytes out.

        Raises:
            ImageError: if the bytes are no image.
        """
        return encode(self.colorize(decode(data).rgb), format=format)

    def colorize_many(self, photos: Iterable[bytes], *, format: Format = "png") -> Iterator[bytes]:
        """Color image files on all cores, each decoding while others compute or are encoded.

        Args:
            photos: the files' bytes; taken as they are needed, a few ahead.
            format: what comes out.

        Yields:
            The colored files' bytes, in the order of `photos`.

        Raises:
            ImageError: if one is no image.
        """
        files, cores = iter(photos), os.cpu_count() or 1
        with self.network.one_thread_each(), ThreadPoolExecutor(cores) as threads:
            ahead: deque[Future[bytes]] = deque()
            while True:
                for photo in islice(files, 2 * cores - len(ahead)):
                    ahead.append(threads.submit(self.colorize_bytes, photo, format=format))
                if not ahead:
                    return
                yield ahead.popleft().result()


def _to_array(photo: str | Path | bytes | Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(photo, np.ndarray):
        return np.repeat(photo[..., None], 3, axis=2) if photo.ndim == 2 else photo
    if isinstance(photo, Image.Image):
        return np.array(to_rgb(photo))
    return decode(photo if isinstance(photo, bytes) else Path(photo).read_bytes()).rgb
