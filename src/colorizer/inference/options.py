"""How photographs' files are colored, as a person chooses."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from colorizer.inference.like import Like
from colorizer.inference.similar import Similar
from colorizer.methods.hints import Hint
from colorizer.photo.marking import digest

Tone = Literal["remove", "keep"]
"""What becomes of a toned print, such as sepia: it is colored from its lightness, or stays."""
TONES: tuple[Tone, ...] = get_args(Tone)

Restoration = Literal["", "light"]
"""What is mended before coloring: nothing, or what `colorizer.photo.restoration` mends."""
RESTORATIONS: tuple[Restoration, ...] = get_args(Restoration)


@dataclass(frozen=True)
class Options:
    """How photographs are colored.

    Attributes:
        format: of the files written, one of `FORMATS`' values; None for each file's own.
        strength: the colors' chroma as a multiple of what the network predicts.
        force: also color photographs that are in color, from their lightness.
        tone: "keep" leaves toned prints as they are, unless they are forced.
        overwrite: replace files that exist.
        compare: also write a sheet with both, side by side.
        hints: colors given to pixels of the one photograph that they are of.
        strokes: the same as a picture, uint8 (H, W, 4), as `Hints.collect` takes it.
        confidence: also draw how sure the network is.
        restore: "light" removes dust and scratches and spreads faded tones before coloring; the
            result's lightness is the restored one.
        mark: say in the metadata that the colors are invented.
        visible_mark: also write "colorized" into the picture's corner.
        like: photographs in color that the result shall look like.
        similar: where those are found that are most like each photograph; None for `like` alone.
        method: which of `BY_REFERENCE` takes their colors; "" for the network.
    """

    format: str | None = None
    strength: float = 1.0
    force: bool = False
    tone: Tone = "remove"
    overwrite: bool = False
    compare: bool = False
    hints: tuple[Hint, ...] = ()
    strokes: NDArray[np.uint8] | None = None
    confidence: bool = False
    restore: Restoration = ""
    mark: bool = True
    visible_mark: bool = False
    like: tuple[Like, ...] = ()
    similar: Similar | None = None
    method: str = ""

    @property
    def parameters(self) -> str:
        """What decides the colors besides photograph and model, such as "strength 1.3"; or ""."""
        said = [] if self.strength == 1 else [f"strength {self.strength:g}"]
        if self.restore:
            said.append(f"restore {self.restore}")
        if self.guided:
            strokes = b"" if self.strokes is None else np.ascontiguousarray(self.strokes).tobytes()
            said.append(f"hints {digest(repr(self.hints).encode() + strokes)}")
        if self.like:
            said.append(f"like {digest(' '.join(like.digest for like in self.like).encode())}")
        if self.similar:
            said.append(f"like similar of {self.similar.digest}")
        if self.method:
            said.append(f"method {self.method}")
        if self.visible_mark:
            said.append("visible mark")
        return ", ".join(said)

    @property
    def guided(self) -> bool:
        """Whether a person gives some of the colors."""
        return bool(self.hints) or self.strokes is not None
