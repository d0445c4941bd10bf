"""sRGB to CIELAB and back, and the scale a network sees: the one place that knows the convention.

CIELAB (CIE 15:2004) under illuminant D65 for the 2-degree observer, from sRGB (IEC 61966-2-1), with
the constants of scikit-image, so that the two agree. Colour is always on axis -3: (..., 3, H, W).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AB_SCALE = 110.0
"""CIELAB units of a or b that a network sees as 1; sRGB's ab lie in -107.9 .. 98.3."""

WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of illuminant D65, 2-degree observer (ASTM E308)."""

RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
"""Linear sRGB to XYZ: ITU-R BT.709's primaries and white."""

EPSILON = 0.008856
KAPPA = 7.787  # slope of the linear part near black: f(t) = KAPPA * t + 16 / 116


def to_planes(rgb: NDArray[np.uint8]) -> Tensor:
    """Turn a decoded picture, uint8 (H, W, 3), into a tensor of planes, uint8 (3, H, W)."""
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIELAB.

    Args:
        rgb: uint8 (..., 3, H, W), 0..255.

    Returns:
        float32 (..., 3, H, W): L* in 0..100, a* and b* in about -108..98.

    Raises:
        TypeError: if `rgb` is not uint8 (a float's range could only be guessed).
        ValueError: if axis -3 is not 3 long.

    Example:
        >>> rgb_to_lab(torch.full((3, 1, 1), 255, dtype=torch.uint8)).flatten().round().abs()
        tensor([100.,   0.,   0.])
    """
    if rgb.dtype != torch.uint8:
        raise TypeError(f"rgb is {rgb.dtype}; expected torch.uint8 in 0..255")
    _check_channels(rgb, "rgb")
    return _xyz_to_lab(_mix(_linearize(rgb.float() / 255), torch.tensor(RGB_TO_XYZ)))


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIELAB to sRGB; colours that sRGB cannot show are clipped channel by channel.

    Args:
        lab: float (..., 3, H, W), L* in 0..100, a* and b* in CIELAB units.

    Returns:
        uint8 (..., 3, H, W), 0..255, rounded.

    Raises:
        ValueError: if axis -3 is not 3 long.
    """
    _check_channels(lab, "lab")
    matrix = torch.tensor(RGB_TO_XYZ, dtype=torch.float64).inverse().float()
    rgb = _companded(_mix(_lab_to_xyz(lab.float()), matrix).clamp(0, 1))
    return (rgb * 255).round().to(torch.uint8)


def normalize_lightness(lightness: Tensor) -> Tensor:
    """Bring L* from 0..100 to the -1..1 that a network sees."""
    return lightness / 50 - 1


def normalize_ab(ab: Tensor) -> Tensor:
    """Bring a* and b* from CIELAB units to about -1..1, divided by `AB_SCALE`."""
    return ab / AB_SCALE


def denormalize_ab(ab: Tensor) -> Tensor:
    """Bring a network's ab back to CIELAB units."""
    return ab * AB_SCALE


def convention() -> dict[str, object]:
    """Return what a checkpoint has to say of colour for its weights to be used rightly."""
    return {"space": "CIELAB D65/2", "lightness": "L*/50 - 1", "ab_scale": AB_SCALE}


def _check_channels(image: Tensor, name: str) -> None:
    if image.ndim < 3 or image.shape[-3] != 3:
        raise ValueError(f"{name} has shape {tuple(image.shape)}; expected (..., 3, H, W)")


def _linearize(rgb: Tensor) -> Tensor:
    return torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def _companded(linear: Tensor) -> Tensor:
    power = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, power, linear * 12.92)


def _mix(image: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,...jhw->...ihw", matrix.to(image.device), image)


def _white(like: Tensor) -> Tensor:
    return torch.tensor(WHITE, device=like.device).view(3, 1, 1)


def _xyz_to_lab(xyz: Tensor) -> Tensor:
    t = xyz / _white(xyz)
    f = torch.where(t > EPSILON, t.clamp(min=EPSILON) ** (1 / 3), KAPPA * t + 16 / 116)
    x, y, z = f.unbind(-3)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=-3)


def _lab_to_xyz(lab: Tensor) -> Tensor:
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    f = torch.stack((y + a / 500, y, y - b / 200), dim=-3)
    return torch.where(f > 0.2068966, f**3, (f - 16 / 116) / KAPPA) * _white(lab)
