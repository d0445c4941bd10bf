"""Colorizer: a photograph of any size in, the same photograph in colour out."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from colorizer.checkpoint import ModelCard, load_model
from colorizer.color import denormalize_ab, normalize_lightness, recolor, rgb_to_lab
from colorizer.hardware import computes_bf16, one_thread_each
from colorizer.hub import DEFAULT, find_weights
from colorizer.images import Format, decode, encode, to_rgb
from colorizer.resampling import resize


class Colorizer:
    """A trained network, ready to colour photographs.

    Args:
        model: a network from `create_model` with its weights.
        card: what it is and the size it was trained on.
        device: where it computes.
        precision: "auto" computes in bfloat16 where the hardware does so natively, about twice as
            fast and too close for the eye; "float32" gives the same numbers everywhere.
    """

    def __init__(
        self,
        model: nn.Module,
        card: ModelCard,
        *,
        device: str = "cpu",
        precision: Literal["auto", "float32"] = "auto",
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.card = card
        self.bf16 = precision == "auto" and computes_bf16(self.device)

    @classmethod
    def from_file(
        cls, path: Path, *, device: str = "cpu", precision: Literal["auto", "float32"] = "auto"
    ) -> "Colorizer":
        """Load a weights file.

        Raises:
            ColorizerError: if it is missing or no weights file of this project.
        """
        return cls(*load_model(path), device=device, precision=precision)

    @classmethod
    def load(
        cls,
        name: str = DEFAULT,
        *,
        device: str = "cpu",
        precision: Literal["auto", "float32"] = "auto",
    ) -> "Colorizer":
        """Load a model by its name.

        Args:
            name: a registered model (`colorizer-model2`, `name@alias`, `name/3`), a `models:/...`
                URI or a weights file, as `colorizer.hub.find_weights` finds it.
            device: where it computes.
            precision: as of the class.

        Raises:
            ColorizerError: if there is no such model; the line says how to get one.
        """
        return cls.from_file(find_weights(name), device=device, precision=precision)

    def __call__(
        self, photo: str | Path | bytes | Image.Image | NDArray[np.uint8], *, strength: float = 1.0
    ) -> Image.Image:
        """Colour a photograph.

        Args:
            photo: an image file's path or bytes, a Pillow image, or uint8 (H, W, 3) or (H, W).
            strength: multiplies the colours' chroma.

        Returns:
            RGB, of the photograph's size and with its lightness.

        Raises:
            FileNotFoundError: if there is no such file.
            ImageError: if the file is no image.
            TypeError: if an array is not uint8.
            ValueError: if an array has another shape.
        """
        return Image.fromarray(self.colorize(_to_array(photo), strength=strength))

    @torch.no_grad()
    def predict_ab(self, lightness: Tensor) -> Tensor:
        """Predict colour for a batch.

        Args:
            lightness: float32 (N, 1, H, W), L* in 0..100; the network knows pictures of
                `card.size` best.

        Returns:
            float32 (N, 2, H, W) on `device`, a* and b* in CIELAB units.
        """
        normalized = normalize_lightness(lightness.to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            ab: Tensor = self.model(normalized)
        return denormalize_ab(ab.float())

    def colorize(
        self,
        rgb: NDArray[np.uint8],
        *,
        strength: float = 1.0,
        grey16: NDArray[np.uint16] | None = None,
    ) -> NDArray[Any]:
        """Colour one photograph.

        The network sees the photograph as it saw those it learned from, resized to a square; its
        colours are brought back to the photograph's size and joined with the photograph's own
        lightness.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.
            strength: multiplies the colours' chroma.
            grey16: uint16 (H, W), the same photograph's levels if it is grey and of 16 bits, whose
                lightness is then the result's.

        Returns:
            uint8 (H, W, 3), sRGB; uint16 if `grey16` is given.
        """
        small = rgb_to_lab(resize(rgb, size=self.card.size, resample=self.card.resample))
        ab = self.predict_ab(torch.from_numpy(small)[None, :1])[0]
        return recolor(rgb if grey16 is None else grey16, strength * ab.cpu().numpy())

    def colorize_bytes(self, data: bytes, *, format: Format = "png") -> bytes:
        """Colour an image file: bytes in any format that Pillow reads, an image file's bytes out.

        Raises:
            ImageError: if the bytes are no image.
        """
        return encode(self.colorize(decode(data).rgb), format=format)

    def colorize_many(self, photos: Iterable[bytes], *, format: Format = "png") -> Iterator[bytes]:
        """Colour image files on all cores, each decoding while others compute or are encoded.

        Args:
            photos: the files' bytes; taken as they are needed, a few ahead.
            format: what comes out.

        Yields:
            The coloured files' bytes, in the order of `photos`.

        Raises:
            ImageError: if one is no image.
        """
        files, cores = iter(photos), os.cpu_count() or 1
        with one_thread_each(), ThreadPoolExecutor(cores) as threads:
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
