"""The pictures of a pair: the center of a photograph, with its own colors and with others."""

import hashlib
import io
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from colorizer.apps.turing.trials import Side, Trial
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.tone import is_black_and_white
from colorizer.errors import ColorizerError, UsageError
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.folder import find_photos
from colorizer.photo.decode import ImageError, decode
from colorizer.photo.parallel import map_photos
from colorizer.photo.resize import resize

logger = logging.getLogger(__name__)

SIZE = 256
"""Pixels of a picture's side, as in Zhang, Isola and Efros 2016."""

AHEAD = 64  # pairs in memory, of 0.4 MB each


class Pictures:
    """Makes the pictures of pairs, and caches the latest.

    Args:
        folder: of the photographs.
        photos: each file's SHA-256, by its path in the folder.
        colorizers: the models, by their ids in the study.
    """

    def __init__(
        self, folder: Path, photos: Mapping[str, str], colorizers: Mapping[int, Colorizer]
    ) -> None:
        self.folder = folder
        self.photos = photos
        self.colorizers = colorizers
        self._lock = Lock()  # both pictures of a pair are asked for at once
        self._kept = lru_cache(AHEAD)(self._make)

    def png(self, method: int, trial: Trial, side: Side) -> bytes:
        """Return one of a pair's pictures as a PNG file. All files have the same length.

        Raises:
            ColorizerError: if the photograph cannot be read any more or has changed, or the model
                is not served.
        """
        with self._lock:
            original, fake = self._kept(method, trial.photo, trial.other)
        return fake if side == trial.fake else original

    def _make(self, method: int, photo: str, other: str | None) -> tuple[bytes, bytes]:
        square = self._read(photo)
        if other is not None:
            return encode(square), encode(recolor(square, rgb_to_lab(self._read(other))[1:]))
        if method not in self.colorizers:
            raise ColorizerError("the model of this session is not served now: begin another one")
        return encode(square), encode(self.colorizers[method].colorize(square))

    def _read(self, photo: str) -> NDArray[np.uint8]:
        try:
            data = (self.folder / photo).read_bytes()
        except OSError as error:
            raise ColorizerError(f"{photo}: {error.strerror}") from None
        if hashlib.sha256(data).hexdigest() != self.photos.get(photo):
            raise ColorizerError(f"{photo} has changed since the study was opened")
        return center_square(decode(data).rgb)


def center_square(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the square in the middle of a picture, uint8 (H, W, 3), as uint8 (SIZE, SIZE, 3)."""
    height, width, _ = rgb.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(rgb[top : top + side, left : left + side], size=SIZE, resample="bicubic")


def encode(rgb: NDArray[np.uint8]) -> bytes:
    """Encode a picture as an uncompressed PNG file, so that its length reveals nothing."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "png", compress_level=0)
    return buffer.getvalue()


def find_color_photos(folder: Path, *, needed: int) -> dict[str, str]:
    """Find the photographs in color in a folder; copies of a file count once.

    Args:
        folder: searched with its subfolders. Unreadable files are logged by name, black-and-white
            photographs and sepia prints by number; both are left out.
        needed: the least number of photographs.

    Returns:
        Each file's SHA-256, by its path in the folder.

    Raises:
        ColorizerError: if the folder is missing or has fewer.
    """
    if not folder.is_dir():
        raise UsageError(f"--photos is {folder}: no such folder")
    files = find_photos(folder)
    found: dict[str, str] = {}
    gray = 0
    bar = tqdm(map_photos(_identify, files), total=len(files), desc="read", disable=None)
    for path, digest in zip(files, bar, strict=True):
        if isinstance(digest, ImageError):
            name = str(path).encode(errors="backslashreplace").decode()
            logger.warning("left out: %s: %s", name, digest)
        elif digest is None:
            gray += 1
        else:
            found.setdefault(digest, path.relative_to(folder).as_posix())
    if gray:
        logger.warning("left out, being black and white: %d", gray)
    if len(found) < needed:
        raise ColorizerError(
            f"{folder}: {len(found)} readable photographs in color; expected at least {needed}, "
            "since nobody sees one twice: add some, or ask for fewer with --pairs and --practice"
        )
    return {name: digest for digest, name in found.items()}


def digest_of(photos: Mapping[str, str]) -> str:
    """Return the SHA-256 of a set of photographs: of their names and digests."""
    lines = "".join(f"{digest} {name}\n" for name, digest in sorted(photos.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _identify(path: Path) -> str | ImageError | None:
    """Return the SHA-256 of a color photograph, None for a gray one, or the error."""
    try:
        str(path).encode()
        data = path.read_bytes()
        photo = decode(data)
    except UnicodeEncodeError:
        return ImageError("its name is not UTF-8: rename it")
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(error.strerror or str(error))
    if photo.single_channel or is_black_and_white(photo.rgb):
        return None
    return hashlib.sha256(data).hexdigest()
