"""How colourful photographs are, to people's eyes."""

from torch import Tensor


def colourfulness(rgb: Tensor) -> Tensor:
    """Return the colourfulness of each photograph.

    With rg = R - G and yb = (R + G) / 2 - B, it is
    sqrt(var(rg) + var(yb)) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for grey, 33 "averagely colourful", 109 "extremely colourful".

    Reference:
        Hasler and Süsstrunk 2003, "Measuring colourfulness in natural images".
    """
    return _colourfulness(*_opponents(rgb))


def absolute_colourfulness(rgb: Tensor) -> Tensor:
    """Return the colourfulness of each photograph as some papers compute it: of |rg| and |yb|.

    Lower than `colourfulness` where opposite hues meet; here to be read beside their figures.

    Args:
        rgb: uint8 (N, 3, H, W), sRGB.

    Returns:
        (N,): 0 for grey.

    Reference:
        The code of DDColor (Kang et al. 2023) and CT2 (Weng et al. 2022).
    """
    rg, yb = _opponents(rgb)
    return _colourfulness(rg.abs(), yb.abs())


def _opponents(rgb: Tensor) -> tuple[Tensor, Tensor]:
    red, green, blue = rgb.float().flatten(2).unbind(1)
    return red - green, (red + green) / 2 - blue


def _colourfulness(rg: Tensor, yb: Tensor) -> Tensor:
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return spread + 0.3 * (rg.mean(1).square() + yb.mean(1).square()).sqrt()
