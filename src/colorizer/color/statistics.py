"""How colorful people find a photograph."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def colorfulness(rgb: "Tensor") -> "Tensor":
    """Return the colorfulness of each photograph.

    With rg = R - G and yb = (R + G) / 2 - B, it is
    sqrt(var(rg) + var(yb)) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for gray, 33 "averagely colorful", 109 "extremely colorful".

    Reference:
        Hasler and Süsstrunk 2003, "Measuring colorfulness in natural images".
    """
    return _colorfulness(*_opponents(rgb))


def absolute_colorfulness(rgb: "Tensor") -> "Tensor":
    """Return the colorfulness of each photograph as some papers compute it: of |rg| and |yb|.

    Lower than `colorfulness` where opposite hues meet; here to be read beside their figures.

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for gray.

    Reference:
        The code of DDColor (Kang et al. 2023) and CT2 (Weng et al. 2022).
    """
    rg, yb = _opponents(rgb)
    return _colorfulness(rg.abs(), yb.abs())


def _opponents(rgb: "Tensor") -> "tuple[Tensor, Tensor]":
    red, green, blue = rgb.float().flatten(2).unbind(1)
    return red - green, (red + green) / 2 - blue


def _colorfulness(rg: "Tensor", yb: "Tensor") -> "Tensor":
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return spread + 0.3 * (rg.mean(1).square() + yb.mean(1).square()).sqrt()
