"""CIELAB's constants, and the loops over pixels that Numba compiles.

They share a file because Numba keeps what it compiled until this file changes, whatever it calls
in others.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

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

BISECTIONS = 12  # of a chroma that sRGB cannot show: down to 1/4096 of it
ROUNDING = 1e-4  # linear light beyond sRGB's ends that is rounding: a third of a level of 8 bits

# The loops that Numba compiles. They go row by row, so that what a step leaves for the next stays
# in the first cache, and each inner loop does one thing, so that it is vectorized. Arithmetic is
# float32 and never reordered: the same picture gives the same bytes on every machine.

_inlined = njit(inline="always", error_model="numpy")
_F = np.float32


def compiled(loop: Any) -> Any:
    """Compile a loop at its first call, and keep what is compiled if there is a place for it."""
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(loop)
    except RuntimeError:  # nowhere to keep what is compiled, as in a read-only container
        return njit(nogil=True, error_model="numpy")(loop)


def linear_light(top: int) -> NDArray[np.float32]:
    """Return the linear light of each of sRGB's levels 0..top."""
    levels = np.arange(top + 1) / top
    curve = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    return curve.astype(_F)


LINEAR = linear_light(255)
_TO_WHITE = (np.array(RGB_TO_XYZ) / np.array(WHITE)[:, None]).astype(_F)
_FROM_WHITE = (np.linalg.inv(np.array(RGB_TO_XYZ)) * np.array(WHITE)).astype(_F)
_OFFSET = _F(16 / 116)


@compiled
def rgb_to_lab_loop(rgb: Any, lab: Any) -> None:
    """Fill CIELAB, float32 (3, H, W), with that of uint8 (H, W, 3)."""
    height, width, _ = rgb.shape
    linear = np.empty((3, width), _F)
    for y in range(height):
        for x in range(width):
            linear[0, x] = LINEAR[rgb[y, x, 0]]
            linear[1, x] = LINEAR[rgb[y, x, 1]]
            linear[2, x] = LINEAR[rgb[y, x, 2]]
        lightness, a, b = lab[0, y], lab[1, y], lab[2, y]
        for x in range(width):
            fx = _f(_dot(_TO_WHITE[0], linear[0, x], linear[1, x], linear[2, x]))
            fy = _f(_dot(_TO_WHITE[1], linear[0, x], linear[1, x], linear[2, x]))
            fz = _f(_dot(_TO_WHITE[2], linear[0, x], linear[1, x], linear[2, x]))
            lightness[x] = _F(116) * fy - _F(16)
            a[x] = _F(500) * (fx - fy)
            b[x] = _F(200) * (fy - fz)


@compiled
def recolor_loop(
    picture: Any,
    table: Any,
    ab: Any,
    row: Any,
    row_weight: Any,
    column: Any,
    column_weight: Any,
    out: Any,
) -> None:
    """Fill `out`, (H, W, 3), as `recolor`; rows and columns are those of `_bicubic`."""
    height, width, _ = picture.shape
    top = _F(table.size - 1)
    rounding = _F(ROUNDING) * (_F(255) / top)  # a third of a level
    narrow = np.empty(ab.shape[2], _F)  # a row of a or b, as wide as ab
    wide = np.empty((2, width), _F)
    lightness = np.empty(width, _F)  # as f(Y)
    linear = np.empty((3, width), _F)
    for y in range(height):
        for channel in range(2):
            _enlarge_rows(ab[channel], row[:, y], row_weight[:, y], narrow)
            _enlarge_columns(narrow, column, column_weight, wide[channel])
        _luminance(picture[y], table, lightness)
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
            if not _is_shown(linear[0, x], linear[1, x], linear[2, x], rounding):
                r, g, b = _less_chroma(lightness[x], wide[0, x], wide[1, x], rounding)
                linear[0, x], linear[1, x], linear[2, x] = r, g, b
        for channel in range(3):
            for x in range(width):
                linear[channel, x] = _level(linear[channel, x]) * top + _F(0.5)
        for x in range(width):
            out[y, x, 0] = np.int32(linear[0, x])
            out[y, x, 1] = np.int32(linear[1, x])
            out[y, x, 2] = np.int32(linear[2, x])


@_inlined
def _enlarge_rows(plane: Any, row: Any, weight: Any, narrow: Any) -> None:
    """Fill a row as wide as `plane` with the weighted sum of four of its rows."""
    s0, s1, s2, s3 = plane[row[0]], plane[row[1]], plane[row[2]], plane[row[3]]
    for x in range(narrow.size):
        narrow[x] = weight[0] * s0[x] + weight[1] * s1[x] + weight[2] * s2[x] + weight[3] * s3[x]


@_inlined
def _enlarge_columns(narrow: Any, column: Any, weight: Any, wide: Any) -> None:
    """Fill a row as wide as the picture with weighted sums of four pixels of `narrow`."""
    for x in range(wide.size):
        total = weight[0, x] * narrow[column[0, x]]
        total += weight[1, x] * narrow[column[1, x]]
        total += weight[2, x] * narrow[column[2, x]]
        wide[x] = total + weight[3, x] * narrow[column[3, x]]


@_inlined
def _luminance(pixels: Any, table: Any, luminance: Any) -> None:
    """Fill a row with the linear luminance Y, 0..1, of (W, 1) gray or (W, 3) sRGB levels."""
    if pixels.shape[1] == 1:
        for x in range(luminance.size):
            luminance[x] = table[pixels[x, 0]]
    else:
        for x in range(luminance.size):
            r, g, b = table[pixels[x, 0]], table[pixels[x, 1]], table[pixels[x, 2]]
            luminance[x] = _dot(_TO_WHITE[1], r, g, b)


@njit(error_model="numpy")
def _less_chroma(fy: Any, a: Any, b: Any, rounding: Any) -> Any:
    """Return the linear light of the most colorful shade of a hue and lightness in sRGB."""
    ty = _f_inverse(fy)
    best = ty, ty, ty  # gray
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
        if _is_shown(red, green, blue, rounding):
            shown, best = share, (red, green, blue)
        else:
            hidden = share
    return best


@_inlined
def _is_shown(red: Any, green: Any, blue: Any, rounding: Any) -> Any:
    """Whether sRGB has a color, up to rounding. False for NaN."""
    low, high = -rounding, _F(1) + rounding
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
