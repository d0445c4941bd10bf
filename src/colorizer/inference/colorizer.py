"""Colorizer: a photograph of any size in, the same photograph in color out."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import check_picture
from colorizer.color.recoloring import recolor
from colorizer.errors import MissingExtraError
from colorizer.inference.inputs import PhotoLike, to_rgb
from colorizer.inference.like import Like, LikePhotos, predict_like, to_likes
from colorizer.inference.network import Network, seen
from colorizer.inference.onnx_network import OnnxNetwork, digest, find_graph
from colorizer.inference.options import Options
from colorizer.inference.second_look import look_again
from colorizer.methods.hints import Hints
from colorizer.methods.probabilities import LikelyColors, confidence, likely_colors
from colorizer.methods.propagation import spread
from colorizer.photo.decode import decode
from colorizer.photo.encode import Format, encode
from colorizer.photo.marking import Mark
from colorizer.photo.parallel import map_photos


class Colorizer:
    """A trained network, ready to color photographs.

    Args:
        network: what predicts the colors.
        file: that it was loaded from, if it was.
    """

    def __init__(self, network: Network, file: Path | None = None) -> None:
        self.network = network
        self.metadata = network.metadata
        self._file = file

    @cached_property
    def model(self) -> str:
        """The network's name, and the first 12 digits of its weights file's SHA-256."""
        name = self.metadata.model
        return f"{name} {digest(self._file)[:12]}" if self._file else name

    @classmethod
    def from_file(
        cls, path: Path, *, device: str = "cpu", precision: Literal["auto", "float32"] = "auto"
    ) -> Self:
        """Load a weights file, or an ONNX file that was exported from one.

        Args:
            path: the file. ONNX Runtime computes one that ends in .onnx, and on the CPU also a
                weights file beside which its graph lies (`colorizer export --beside`); PyTorch
                computes others.
            device: where it computes; ONNX Runtime does so on the CPU.
            precision: "auto" computes in bfloat16 where PyTorch's device does so natively, about
                twice as fast and too close for the eye; "float32" gives the same numbers
                everywhere.

        Raises:
            ColorizerError: if it is missing or no model of this project, or what it needs is not
                installed.
        """
        graph = path if path.suffix == ".onnx" else find_graph(path) if device == "cpu" else None
        if graph is not None:
            return cls(OnnxNetwork(graph), path)
        try:
            from colorizer.inference.torch_network import TorchNetwork
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtraError(str(path), "PyTorch", "torch") from None
        return cls(TorchNetwork.from_file(path, device=device, precision=precision), path)

    @overload
    def __call__(
        self, photo: PhotoLike, *, strength: float = 1.0, like: LikePhotos = ()
    ) -> Image.Image: ...

    @overload
    def __call__(
        self, photo: list[Any] | tuple[Any, ...], *, strength: float = 1.0, like: LikePhotos = ()
    ) -> list[Image.Image]: ...

    def __call__(
        self, photo: LikePhotos, *, strength: float = 1.0, like: LikePhotos = ()
    ) -> Image.Image | list[Image.Image]:
        """Color a photograph, or a list of them on all cores.

        Args:
            photo: an image file's path or bytes; a Pillow image; an array of sRGB levels, (H, W),
                (H, W, 1), (H, W, 3) or (H, W, 4), of uint8, uint16, bool, or floats in 0..1; or a
                list of these.
            strength: multiplies the colors' chroma.
            like: a photograph in color, or a list, that the result shall look like.

        Returns:
            RGB, of the photograph's size and with its lightness; for a list a list. `info["xmp"]`,
            for Pillow's `save(..., xmp=...)`, says that the colors are invented.

        Raises:
            FileNotFoundError: if there is no such file.
            ImageError: if the file is no image, or holds several pictures.
            TypeError, ValueError: if it is nothing of these, or an array of other shape or range.
            ColorizerError: if `like` is black and white, or the network compares no photographs.
        """
        options = Options(strength=strength, like=tuple(to_likes(like)))

        def color(one: PhotoLike) -> Image.Image:
            rgb = to_rgb(one)
            ab = strength * self.predict_photo(rgb, options.like)
            image = Image.fromarray(recolor(rgb, ab))
            image.info["xmp"] = self._xmp(options)
            return image

        if not isinstance(photo, list | tuple):
            return color(photo)
        with self.network.one_thread_each():
            return list(map_photos(color, photo))

    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch.

        Args:
            lightness: float32 (N, 1, H, W), a tensor or an array, L* in 0..100; the network knows
                pictures of `metadata.size` best.

        Returns:
            float32 (N, 2, H, W), a* and b* in CIELAB units: for a tensor a tensor on the network's
            device, otherwise an array.
        """
        return self.network.predict_ab(lightness)

    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        """Predict color and how likely each is, as `Network.predict_ab_and_classes`."""
        return self.network.predict_ab_and_classes(lightness)

    def colorize(self, rgb: NDArray[np.uint8], *, strength: float = 1.0) -> NDArray[np.uint8]:
        """Color one photograph: colors predicted at `metadata.shape`, with its own lightness.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.
            strength: multiplies the colors' chroma.

        Returns:
            uint8 (H, W, 3), sRGB.
        """
        return recolor(rgb, strength * self.predict_photo(rgb))

    def predict_photo(
        self, rgb: NDArray[np.uint8], likes: Sequence[Like] = ()
    ) -> NDArray[np.float32]:
        """Predict one photograph's colors.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.
            likes: photographs in color that it shall look like.

        Returns:
            float32 (2, h, w), a* and b* in CIELAB units, of the whole photograph, at the size at
            which the network sees it, `metadata.shape`; with faces seen by `look_again`, at a
            larger one.

        Raises:
            TypeError: if `rgb` is of another type.
            ValueError: if it has another shape.
            NoFeaturesError: if it shall look like others, and the network compares none.
        """
        if likes:
            check_picture(rgb)
            return predict_like(self.network, rgb, likes).ab
        return look_again(self.network, rgb, self.predict_ab(seen(self.metadata, rgb))[0])

    def confidence(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how sure the network is: (h, w), 0..1, as `methods.probabilities.confidence`."""
        return confidence(self.photo_classes(rgb)[1])

    def likely_colors(
        self, rgb: NDArray[np.uint8], x: int, y: int, *, count: int = 6, hints: Hints | None = None
    ) -> LikelyColors:
        """Return the likely colors of a pixel of a photograph, the most likely first.

        Args:
            rgb: uint8 (H, W, 3), of which only the lightness is used.
            x: the pixel's column, from 0.
            y: its row.
            count: how many colors, at most.
            hints: a person's; those that reach the pixel come first.

        Raises:
            NoClassesError: if the network predicts no classes.
        """
        height, width = rgb.shape[:2]
        ab, probabilities, centers = self.photo_classes(rgb)
        found = spread(rgb, hints, ab) if hints else None
        place = (x + 0.5) / width, (y + 0.5) / height
        return likely_colors(probabilities, centers, place, count=count, hints=found)

    def photo_classes(
        self, rgb: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Predict one photograph: colors as `predict_photo`, classes (Q, h, w) and their colors."""
        ab, probabilities, centers = self.predict_ab_and_classes(seen(self.metadata, rgb))
        colors = look_again(self.network, rgb, ab[0])
        return colors, np.asarray(probabilities[0], np.float32), centers

    def colorize_bytes(
        self, data: bytes, *, format: Format = "png", strength: float = 1.0
    ) -> bytes:
        """Color an image file: bytes as `decode` takes them, a marked image file's bytes out.

        Args:
            data: the file.
            format: what comes out.
            strength: multiplies the colors' chroma.

        Raises:
            ImageError: if the bytes are no image, or hold several pictures.
        """
        rgb = self.colorize(decode(data).rgb, strength=strength)
        return encode(rgb, format=format, xmp=self._xmp(Options(strength=strength), data))

    def _xmp(self, options: Options, data: bytes = b"") -> bytes:
        return Mark.of(data, self.model, options.parameters).write(b"")

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
        with self.network.one_thread_each():
            yield from map_photos(lambda photo: self.colorize_bytes(photo, format=format), photos)
