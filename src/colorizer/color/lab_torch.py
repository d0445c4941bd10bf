"""CIELAB to sRGB for batches of tensors, on any device; the convention is `colorizer.color.lab`'s.

Color is always on axis -3: (..., 3, H, W). Colors that sRGB cannot show lose chroma, as in
`colorizer.color.recoloring`, so that scores and figures are of the pixels that users get.
"""

import torch
from torch import Tensor

from colorizer.color.kernels import BISECTIONS, KAPPA, RGB_TO_XYZ, ROUNDING, WHITE


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIELAB to sRGB.

    Args:
        lab: float (..., 3, H, W), L* in 0..100, a* and b* in CIELAB units; what sRGB cannot show
            is converted as `fit_to_srgb` has it.

    Returns:
        uint8 (..., 3, H, W), 0..255, rounded.

    Raises:
        ValueError: if axis -3 is not 3 long.
    """
    linear = _linear(fit_to_srgb(lab)).clamp(0, 1)
    return (_companded(linear) * 255).round().to(torch.uint8)


def fit_to_srgb(lab: Tensor) -> Tensor:
    """Reduce the chroma of colors that sRGB cannot show until it can; lightness and hue stay.

    The rule is that of `recolor`, to the last bisection.

    Args:
        lab: float (..., 3, H, W), CIELAB.

    Returns:
        float32 (..., 3, H, W); colors that sRGB can show are unchanged. What is not finite, or has
        no shade that sRGB can show, becomes gray.

    Raises:
        ValueError: if axis -3 is not 3 long.
    """
    if lab.ndim < 3 or lab.shape[-3] != 3:
        raise ValueError(f"lab has shape {tuple(lab.shape)}; expected (..., 3, H, W)")
    lab = lab.float()
    hidden = ~_is_shown(_linear(lab))  # (..., H, W)
    if not hidden.any():
        return lab
    pixels = lab.movedim(-3, -1)  # (..., H, W, 3)
    fitted = pixels.clone()
    fitted[hidden] = _less_chroma(pixels[hidden])
    return fitted.movedim(-1, -3)


def _less_chroma(colors: Tensor) -> Tensor:
    """Return the most colorful shades, of the same hue and lightness, in sRGB: (M, 3) -> (M, 3)."""
    lightness, ab = colors[:, :1], colors[:, 1:]
    shown = torch.zeros_like(lightness)  # shares of the chroma
    beyond = torch.ones_like(lightness)
    for _ in range(BISECTIONS):
        share = (shown + beyond) / 2
        shade = torch.cat((lightness, share * ab), dim=1)
        fits = _is_shown(_linear(shade.T[:, None]))[0, :, None]
        shown, beyond = torch.where(fits, share, shown), torch.where(fits, beyond, share)
    faded = torch.where(shown > 0, shown * ab, 0.0)  # where ab is not finite, shown is 0
    return torch.cat((lightness, faded), dim=1)


def _is_shown(linear: Tensor) -> Tensor:
    """Say which colors sRGB has: (..., 3, H, W) -> bool (..., H, W), False for NaN."""
    return ((linear >= -ROUNDING) & (linear <= 1 + ROUNDING)).all(-3)


def _linear(lab: Tensor) -> Tensor:
    """Return sRGB's linear light, in 0..1 where sRGB has the color: (..., 3, H, W)."""
    matrix = torch.tensor(RGB_TO_XYZ, dtype=torch.float64).inverse().float().to(lab.device)
    return torch.einsum("ij,...jhw->...ihw", matrix, _lab_to_xyz(lab))


def _lab_to_xyz(lab: Tensor) -> Tensor:
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    f = torch.stack((y + a / 500, y, y - b / 200), dim=-3)
    white = torch.tensor(WHITE, device=lab.device).view(3, 1, 1)
    return torch.where(f > 0.2068966, f**3, (f - 16 / 116) / KAPPA) * white


def _companded(linear: Tensor) -> Tensor:
    power = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, power, linear * 12.92)
