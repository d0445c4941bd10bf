"""What the page's pictures are asked to show."""

import re
from dataclasses import dataclass
from typing import Literal

from colorizer.color.recoloring import Part
from colorizer.errors import ColorizerError
from colorizer.inference.options import Restoration, Tone

Size = Literal["thumbnail", "preview"]
"""A picture for the strip, or for the stage."""


@dataclass(frozen=True)
class Look:
    """How photographs are colored.

    Attributes:
        model: the name of one of the session's choices.
        strength: multiplies the chroma of the model's colors, not of those painted.
        tone: whether toned prints are colored from their lightness, or kept.
        restore: what is mended before coloring.
        like: the id of a photograph in color that they shall look like; "" for none.
    """

    model: str
    strength: float = 1.0
    tone: Tone = "remove"
    restore: Restoration = ""
    like: str = ""


def parse_part(text: str, size: tuple[int, int]) -> Part:
    """Return the rows and columns of a part of a photograph.

    Args:
        text: left,top,width,height in the photograph's own pixels.
        size: the photograph's width and height.

    Raises:
        ColorizerError: if it is no such text, or lies outside the photograph.

    Example:
        >>> parse_part("10,20,300,200", (4000, 3000))
        (slice(20, 220, None), slice(10, 310, None))
    """
    if re.fullmatch(r"\d+(,\d+){3}", text, re.ASCII):
        left, top, width, height = map(int, text.split(","))
        if width and height and left + width <= size[0] and top + height <= size[1]:
            return slice(top, top + height), slice(left, left + width)
    raise ColorizerError(f"part {text!r}: expected left,top,width,height within {size}")
