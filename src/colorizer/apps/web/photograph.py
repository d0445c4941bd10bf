"""A photograph on the page."""

import uuid
from dataclasses import dataclass
from pathlib import Path, PurePath

from colorizer.color.monochrome import Verdict, judge
from colorizer.errors import ColorizerError
from colorizer.inference.options import Tone
from colorizer.methods.hints import Hints
from colorizer.photo.decode import Photo, decode
from colorizer.photo.encode import encode
from colorizer.photo.pixels import shrink

PREVIEW = 1024
"""Pixels of the longer side of what the page shows first."""


@dataclass(eq=False)
class Photograph:
    """A photograph on the page.

    Attributes:
        id: a random id.
        name: the name of the original file.
        file: a copy of the original.
        before: the photograph as a JPEG file whose longer side has at most `PREVIEW` pixels.
        shown: width and height of `before`.
        size: width and height of the photograph itself.
        verdict: whether it is black and white.
        forced: whether it is to be colored although it is in color, or toned and to be kept.
        strokes: a PNG file of the size shown: painted strokes on transparent ground.
        hints: the strokes' colors.
        revision: how often the strokes were replaced.
    """

    id: str
    name: str
    file: Path
    before: bytes
    shown: tuple[int, int]
    size: tuple[int, int]
    verdict: Verdict
    forced: bool = False
    strokes: bytes | None = None
    hints: Hints | None = None
    revision: int = 0

    def is_copied(self, tone: Tone) -> bool:
        """Whether it stays as it is, since it is in color, or toned and toned prints are kept."""
        if self.forced or self.hints is not None:
            return False
        return self.verdict.kind == "color" or (self.verdict.kind == "toned" and tone == "keep")

    def read(self) -> bytes:
        """Return the original file.

        Raises:
            ColorizerError: if it is gone.
        """
        try:
            return self.file.read_bytes()
        except OSError as error:
            raise ColorizerError(f"its file is gone: {error.strerror}: add it again") from None

    def decode(self) -> Photo:
        """Decode the original file.

        Raises:
            ColorizerError: if it is gone.
        """
        return decode(self.read())


def store_photograph(name: str, data: bytes, folder: Path) -> Photograph:
    """Decode a photograph and keep its file.

    Args:
        name: the file's name.
        data: the file's bytes, in a format that `decode` reads.
        folder: where the copy goes.

    Raises:
        ImageError: if it cannot be read.
        ColorizerError: if there is no room to keep it.
    """
    photo = decode(data)
    preview = shrink(photo.rgb, PREVIEW / max(photo.rgb.shape[:2]))
    photo_id = uuid.uuid4().hex
    file = folder / photo_id
    try:
        file.write_bytes(data)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise ColorizerError(f"cannot be kept in {folder}: {error.strerror}") from None
    return Photograph(
        id=photo_id,
        name=PurePath(name).name or "photo",
        file=file,
        before=encode(preview, format="jpeg"),
        shown=preview.shape[1::-1],
        size=photo.levels.shape[1::-1],
        verdict=judge(photo.rgb),
    )
