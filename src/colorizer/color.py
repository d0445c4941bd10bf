"""sRGB to CIELAB and back, and the scale a network sees: the one place that knows the convention.

CIELAB (CIE 15:2004) under illuminant D65 for the 2-degree observer, from sRGB (IEC 61966-2-1), with
the constants of scikit-image, so that the two agree. What is here works on one decoded picture, in
one pass over its pixels that Numba compiles; `colorizer.color_tensor` does batches on any device.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
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

BICUBIC = -0.75  # Keys's parameter (1981), as PyTorch's bicubic upsampling has it
BISECTIONS = 12  # of a chroma that sRGB cannot show: down to 1/4096 of it

Array = TypeVar("Array", NDArray[Any], "Tensor")


def rgb_to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert a picture from sRGB to CIELAB.

    Args:
        rgb: uint8 (H, W, 3), 0..255.

    Returns:
        float32 (3, H, W): L* in 0..100, a* and b* in about -108..98; within 0.001 of exact
        arithmetic.

    Raises:
        TypeError: if `rgb` is not uint8 (a float's range could only be guessed).
        ValueError: if it is not (H, W, 3).

    Example:
        >>> rgb_to_lab(np.full((1, 1, 3), 255, np.uint8)).ravel().round(1) + 0
        array([100.,   0.,   0.], dtype=float32)
    """
    _check_picture(rgb)
    lab = np.empty((3, *rgb.shape[:2]), np.float32)
    _rgb_to_lab(rgb, lab)
    return lab


def recolor(picture: NDArray[Any], ab: NDArray[np.floating]) -> NDArray[Any]:
    """Put new colours under a picture's own lightness.

    A colour that sRGB cannot show at its lightness keeps its hue and loses chroma until sRGB can;
    no channel is clipped.

    Args:
        picture: uint8 (H, W, 3), sRGB, of which only the lightness is used; or uint16 (H, W), the
            levels 0..65535 of a grey picture.
        ab: float32 (2, h, w), CIELAB units, of the whole picture at any size; brought to the
            picture's by bicubic interpolation. What is not finite becomes grey.

    Returns:
        (H, W, 3), sRGB, in the picture's type.

    Raises:
        TypeError: if `picture` is of another type.
        ValueError: if the shapes are others.
    """
    grey = picture.dtype == np.uint16
    if grey and picture.ndim == 2:
        picture = picture[..., None]
    else:
        _check_picture(picture)
    if ab.ndim != 3 or ab.shape[0] != 2 or not ab.size:
        raise ValueError(f"ab has shape {ab.shape}; expected (2, h, w)")
    height, width, _ = picture.shape
    out = np.empty((height, width, 3), picture.dtype)
    rows, columns = _bicubic(height, ab.shape[1]), _bicubic(width, ab.shape[2])
    table = _linear_light(65535) if grey else _LINEAR
    _recolor(picture, table, np.ascontiguousarray(ab, np.float32), *rows, *columns, out)
    return out


def normalize_lightness(lightness: Array) -> Array:
    """Bring L* from 0..100 to the -1..1 that a network sees."""
    return lightness / 50 - 1


def normalize_ab(ab: Array) -> Array:
    """Bring a* and b* from CIELAB units to about -1..1, divided by `AB_SCALE`."""
    return ab / AB_SCALE


def denormalize_ab(ab: Array) -> Array:
    """Bring a network's ab back to CIELAB units."""
    return ab * AB_SCALE


def convention() -> dict[str, object]:
    """Return what a checkpoint has to say of colour for its weights to be used rightly."""
    return {"space": "CIELAB D65/2", "lightness": "L*/50 - 1", "ab_scale": AB_SCALE}


def _check_picture(rgb: NDArray[np.uint8]) -> None:
    if rgb.dtype != np.uint8:
        raise TypeError(f"rgb is {rgb.dtype}; expected uint8 in 0..255")
    if rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"rgb has shape {rgb.shape}; expected (H, W, 3)")


def _bicubic(length: int, source: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return which four of `source` samples make each of `length`, and their weights: (4, length).

    Pixels are areas: the outer edges of both grids coincide (`align_corners=False`).
    """
    position = (np.arange(length) + 0.5) * source / length - 0.5
    first = np.floor(position) - 1
    indices = first + np.arange(4)[:, None]
    d, a = np.abs(position - indices), BICUBIC
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    weights = np.where(d <= 1, near, far).astype(np.float32)
    return indices.clip(0, source - 1).astype(np.int32), weights


# The loops that Numba compiles. They go row by row, so that what a step leaves for the next stays
# in the first cache, and each inner loop does one thing, so that it is vectorized. Arithmetic is
# float32 and never reordered: the same picture gives the same bytes on every machine.

_inlined = njit(inline="always", error_model="numpy")
_F = np.float32


def _compiled(loop: Any) -> Any:
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(loop)
    except RuntimeError:  # nowhere to keep what is compiled, as in a read-only container
        return njit(nogil=True, error_model="numpy")(loop)


def _linear_light(top: int) -> NDArray[np.float32]:
    """Return the linear light of each of sRGB's levels 0..top."""
    levels = np.arange(top + 1) / top
    curve = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    return curve.astype(_F)


_LINEAR = _linear_light(255)
_TO_WHITE = (np.array(RGB_TO_XYZ) / np.array(WHITE)[:, None]).astype(_F)
_FROM_WHITE = (np.linalg.inv(np.array(RGB_TO_XYZ)) * np.array(WHITE)).astype(_F)
_OFFSET = _F(16 / 116)


@_compiled
def _rgb_to_lab(rgb: Any, lab: Any) -> None:
    height, width, _ = rgb.shape
    linear = np.empty((3, width), _F)
    for y in range(height):
        for x in range(width):
            linear[0, x] = _LINEAR[rgb[y, x, 0]]
            linear[1, x] = _LINEAR[rgb[y, x, 1]]
            linear[2, x] = _LINEAR[rgb[y, x, 2]]
        lightness, a, b = lab[0, y], lab[1, y], lab[2, y]
        for x in range(width):
            fx = _f(_dot(_TO_WHITE[0], linear[0, x], linear[1, x], linear[2, x]))
            fy = _f(_dot(_TO_WHITE[1], linear[0, x], linear[1, x], linear[2, x]))
            fz = _f(_dot(_TO_WHITE[2], linear[0, x], linear[1, x], linear[2, x]))
            lightness[x] = _F(116) * fy - _F(16)
            a[x] = _F(500) * (fx - fy)
            b[x] = _F(200) * (fy - fz)


@_compiled
def _recolor(
    picture: Any,
    table: Any,
    ab: Any,
    row: Any,
    row_weight: Any,
    column: Any,
    column_weight: Any,
    out: Any,
) -> None:
    height, width, channels = picture.shape
    top = _F(table.size - 1)
    narrow = np.empty(ab.shape[2], _F)  # a row of a or b, as wide as ab
    wide = np.empty((2, width), _F)
    lightness = np.empty(width, _F)  # as f(Y)
    linear = np.empty((3, width), _F)
    for y in range(height):
        for channel in range(2):
            source, w = ab[channel], row_weight[:, y]
            s0, s1 = source[row[0, y]], source[row[1, y]]
            s2, s3 = source[row[2, y]], source[row[3, y]]
            for x in range(narrow.size):
                narrow[x] = w[0] * s0[x] + w[1] * s1[x] + w[2] * s2[x] + w[3] * s3[x]
            for x in range(width):
                total = column_weight[0, x] * narrow[column[0, x]]
                total += column_weight[1, x] * narrow[column[1, x]]
                total += column_weight[2, x] * narrow[column[2, x]]
                wide[channel, x] = total + column_weight[3, x] * narrow[column[3, x]]
        if channels == 1:
            for x in range(width):
                lightness[x] = table[picture[y, x, 0]]
        else:
            for x in range(width):
                r, g, b = (
                    table[picture[y, x, 0]],
                    table[picture[y, x, 1]],
                    table[picture[y, x, 2]],
                )
                lightness[x] = _dot(_TO_WHITE[1], r, g, b)
        for x in range(width):
            fy = _f(lightness[x])
            lightness[x] = fy
            tx = _f_inverse(fy + wide[0, x] * _F(1 / 500))
            ty = _f_inverse(fy)
            tz = _f_inverse(fy - wide[1, x] * _F(1 / 200))
            linear[0, x] = _dot(_FROM_WHITE[0], tx, ty, tz)
            linear[1, x] = _dot(_FROM_WHITE[1], tx, ty, tz)
            linear[2, x] = _dot(_FROM_WHITE[2], tx, ty, tz)
        for x in range(width):
            if not _is_shown(linear[0, x], linear[1, x], linear[2, x]):
                r, g, b = _less_chroma(lightness[x], wide[0, x], wide[1, x])
                linear[0, x], linear[1, x], linear[2, x] = r, g, b
        for channel in range(3):
            for x in range(width):
                linear[channel, x] = _level(linear[channel, x]) * top + _F(0.5)
        for x in range(width):
            out[y, x, 0] = np.int32(linear[0, x])
            out[y, x, 1] = np.int32(linear[1, x])
            out[y, x, 2] = np.int32(linear[2, x])


@njit(error_model="numpy")
def _less_chroma(fy: Any, a: Any, b: Any) -> Any:
    """Return the linear light of the most colourful shade of a hue and lightness in sRGB."""
    ty = _f_inverse(fy)
    best = ty, ty, ty  # grey
    shown, hidden = _F(0), _F(1)  # shares of the chroma
    for _ in range(BISECTIONS):
        share = (shown + hidden) * _F(0.5)
        tx = _f_inverse(fy + share * a * _F(1 / 500))
        tz = _f_inverse(fy - share * b * _F(1 / 200))
        red, green, blue = (
            _dot(_FROM_WHITE[0], tx, ty, tz),
            _dot(_FROM_WHITE[1], tx, ty, tz),
            _dot(_FROM_WHITE[2], tx, ty, tz),
        )
        if _is_shown(red, green, blue):
            shown, best = share, (red, green, blue)
        else:
            hidden = share
    return best


@_inlined
def _is_shown(red: Any, green: Any, blue: Any) -> Any:
    """Whether sRGB has a colour; a third of a level beyond its ends is rounding. False for NaN."""
    low, high = _F(-1e-4), _F(1 + 1e-4)
    return (
        (red >= low)
        & (green >= low)
        & (blue >= low)
        & (red <= high)
        & (green <= high)
        & (blue <= high)
    )


@_inlined
def _dot(weights: Any, x: Any, y: Any, z: Any) -> Any:
    return weights[0] * x + weights[1] * y + weights[2] * z


@_inlined
def _cube_root(t: Any) -> Any:
    """Cube root of a float32 > 0: dividing the exponent by 3, then Halley's iteration, twice."""
    root = np.int32(_F(t).view(np.int32) // np.int32(3) + np.int32(709921077)).view(_F)
    cube = root * root * root
    root = root * (cube + t + t) / (cube + cube + t)
    cube = root * root * root
    return root * (cube + t + t) / (cube + cube + t)


@_inlined
def _f(t: Any) -> Any:
    """CIELAB's f of a part of the white, 0..1."""
    return _cube_root(t) if t > _F(EPSILON) else _F(KAPPA) * t + _OFFSET


@_inlined
def _f_inverse(f: Any) -> Any:
    return f * f * f if f > _F(0.2068966) else (f - _OFFSET) * _F(1 / KAPPA)


@_inlined
def _level(linear: Any) -> Any:
    """Return sRGB's level of linear light, 0..1."""
    light = min(max(linear, _F(0)), _F(1))
    fourth_root = np.sqrt(np.sqrt(max(light, _F(1e-6))))
    root = _cube_root(fourth_root)
    power = _F(1.055) * fourth_root * root * root - _F(0.055)  # light ** (1/4 + 1/4 * 2/3 = 1/2.4)
    return power if light > _F(0.0031308) else _F(12.92) * light
