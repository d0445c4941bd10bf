"""CIELAB to sRGB for batches of tensors, on any device; the convention is `colorizer.color.lab`'s.

Color is always on axis -3: (..., 3, H, W).
"""

import torch
from torch import Tensor

from colorizer.color.kernels import KAPPA, RGB_TO_XYZ, WHITE


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIELAB to sRGB; colors that sRGB cannot show are clipped channel by channel.

    Args:
        lab: float (..., 3, H, W), L* in 0..100, a* and b* in CIELAB units.

    Returns:
        uint8 (..., 3, H, W), 0..255, rounded.

    Raises:
        ValueError: if axis -3 is not 3 long.
    """
    if lab.ndim < 3 or lab.shape[-3] != 3:
        raise ValueError(f"lab has shape {tuple(lab.shape)}; expected (..., 3, H, W)")
    matrix = torch.tensor(RGB_TO_XYZ, dtype=torch.float64).inverse().float().to(lab.device)
    linear = torch.einsum("ij,...jhw->...ihw", matrix, _lab_to_xyz(lab.float()))
    return (_companded(linear.clamp(0, 1)) * 255).round().to(torch.uint8)


def _lab_to_xyz(lab: Tensor) -> Tensor:
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    f = torch.stack((y + a / 500, y, y - b / 200), dim=-3)
    white = torch.tensor(WHITE, device=lab.device).view(3, 1, 1)
    return torch.where(f > 0.2068966, f**3, (f - 16 / 116) / KAPPA) * white


def _companded(linear: Tensor) -> Tensor:
    power = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, power, linear * 12.92)
