"""CIELAB's constants, and the loops over pixels that Numba compiles.

They share a file. Numba keeps what it compiled until it changes, whatever it calls in others.
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

# Loops go row by row, so that what a step leaves stays in the first cache; an inner loop does one
# thing, to be vectorized. Arithmetic is float32 and never reordered: the same bytes everywhere.

_inlined = njit(inline="always", error_model="numpy")
_row_step = njit(error_model="numpy")  # is compiled faster by itself
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
NEXT = np.append(linear_light(510)[1::2], _F(np.inf))  # from which light on a level is the next one
STEPS = 4095  # of linear light, so many that none has room for two levels
LEVELS = np.searchsorted(NEXT, (np.arange(STEPS + 1) - 1e-3) / STEPS).astype(np.uint8)
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
            for channel in range(3):
                linear[channel, x] = LINEAR[rgb[y, x, channel]]
        lightness, a, b = lab[0, y], lab[1, y], lab[2, y]
        for x in range(width):
            fx = _f(_dot(_TO_WHITE[0], linear[0, x], linear[1, x], linear[2, x]))
            fy = _f(_dot(_TO_WHITE[1], linear[0, x], linear[1, x], linear[2, x]))
            fz = _f(_dot(_TO_WHITE[2], linear[0, x], linear[1, x], linear[2, x]))
            lightness[x] = _F(116) * fy - _F(16)
            a[x] = _F(500) * (fx - fy)
            b[x] = _F(200) * (fy - fz)


@compiled
def recolor_loop(picture: Any, table: Any, ab: Any, rows: Any, columns: Any, out: Any) -> None:
    """Fill `out`, (H, W, 3), as `recolor`; rows and columns are those of `_bicubic`."""
    (row, row_weight), (column, column_weight) = rows, columns
    height, width, _ = picture.shape
    deep = table.size > 256
    rounding = _F(ROUNDING / 257) if deep else _F(ROUNDING)  # a third of a level
    enlarged = np.empty((4, 2, width), _F)  # four rows of ab, as wide as the picture
    ready = 0  # of ab's rows
    wide, fy, linear = np.empty((2, width), _F), np.empty(width, _F), np.empty((3, width), _F)
    where, scratch = np.empty(width, np.int32), np.empty((5, width), _F)
    hidden, levels = np.zeros(-(-width // 8) * 8, np.uint8), np.empty((3, width), np.uint16)
    for y in range(height):
        for source in range(max(ready, row[0, y]), row[3, y] + 1):
            _enlarge_columns(ab[:, source], column, column_weight, enlarged[source % 4])
        ready = row[3, y] + 1
        _mix_rows(enlarged, row[:, y], row_weight[:, y], wide)
        _f_of_luminance(picture[y], table, fy)
        for x in range(width):
            linear[0, x], linear[1, x], linear[2, x] = _lab_to_linear(fy[x], wide[0, x], wide[1, x])
        count = _find_hidden(linear, rounding, hidden, where)
        _reduce_chroma(fy, wide, where[:count], rounding, scratch[:, :count], linear)
        _write_levels(linear, deep, levels, out[y])


@_row_step
def _enlarge_columns(narrow: Any, column: Any, weight: Any, wide: Any) -> None:
    """Fill a row of a and b, as wide as the picture, with weighted sums of four pixels each."""
    for channel in range(2):
        plane = narrow[channel]
        for x in range(wide.shape[1]):
            left = weight[0, x] * plane[column[0, x]] + weight[1, x] * plane[column[1, x]]
            right = weight[2, x] * plane[column[2, x]] + weight[3, x] * plane[column[3, x]]
            wide[channel, x] = left + right


@_row_step
def _mix_rows(enlarged: Any, row: Any, weight: Any, wide: Any) -> None:
    """Fill a row of a and b with the weighted sum of four; row `n` of ab is the one at `n % 4`."""
    for channel in range(2):
        s0, s1 = enlarged[row[0] % 4, channel], enlarged[row[1] % 4, channel]
        s2, s3 = enlarged[row[2] % 4, channel], enlarged[row[3] % 4, channel]
        for x in range(wide.shape[1]):
            above = weight[0] * s0[x] + weight[1] * s1[x]
            wide[channel, x] = above + (weight[2] * s2[x] + weight[3] * s3[x])


@_row_step
def _f_of_luminance(pixels: Any, table: Any, fy: Any) -> None:
    """Fill a row with f(Y) of (W, 1) gray or (W, 3) sRGB levels."""
    in_color = 0
    if pixels.shape[1] == 3:
        for x in range(fy.size):
            in_color |= (pixels[x, 0] ^ pixels[x, 1]) | (pixels[x, 0] ^ pixels[x, 2])
    if in_color:
        for x in range(fy.size):
            r, g, b = table[pixels[x, 0]], table[pixels[x, 1]], table[pixels[x, 2]]
            fy[x] = _dot(_TO_WHITE[1], r, g, b)
    else:
        for x in range(fy.size):
            fy[x] = table[pixels[x, 0]]
    for x in range(fy.size):
        fy[x] = _f(fy[x])


@_row_step
def _find_hidden(linear: Any, rounding: Any, hidden: Any, where: Any) -> Any:
    """Fill `where` with the places of colors that sRGB cannot show; return how many there are."""
    for x in range(linear.shape[1]):
        hidden[x] = not _is_shown(linear[0, x], linear[1, x], linear[2, x], rounding)
    eights, count = hidden.view(np.uint64), 0
    for eight in range(eights.size):
        if eights[eight]:
            for x in range(8 * eight, 8 * eight + 8):
                if hidden[x]:
                    where[count] = x
                    count += 1
    return count


@_row_step
def _reduce_chroma(fy: Any, ab: Any, where: Any, rounding: Any, scratch: Any, linear: Any) -> None:
    """Give pixels, gathered to be bisected together, the chroma that sRGB can show; gray if NaN."""
    light, a, b, low, high = scratch
    for i in range(where.size):
        x = where[i]
        light[i], a[i], b[i] = fy[x], ab[0, x], ab[1, x]
        low[i], high[i] = _F(0), _F(1)  # shares of the chroma that are shown, and are not
    for _ in range(BISECTIONS):
        for i in range(where.size):
            share = (low[i] + high[i]) * _F(0.5)
            red, green, blue = _lab_to_linear(light[i], share * a[i], share * b[i])
            shown = _is_shown(red, green, blue, rounding)
            low[i], high[i] = (share, high[i]) if shown else (low[i], share)
    for i in range(where.size):
        gray = _f_inverse(light[i])
        color = gray, gray, gray
        if low[i] > 0:
            color = _lab_to_linear(light[i], low[i] * a[i], low[i] * b[i])
        linear[0, where[i]], linear[1, where[i]], linear[2, where[i]] = color


@_row_step
def _write_levels(linear: Any, deep: Any, levels: Any, out: Any) -> None:
    """Fill a row, (W, 3), with the sRGB levels of linear light, (3, W), by way of `levels`."""
    for channel in range(3):
        for x in range(len(out)):
            light = linear[channel, x] = min(max(linear[channel, x], _F(0)), _F(1))
            scaled = _level(light) * _F(65535) + _F(0.5) if deep else light * _F(STEPS)
            levels[channel, x] = np.uint16(scaled)
    if deep:
        for x in range(len(out)):
            out[x, 0], out[x, 1], out[x, 2] = levels[0, x], levels[1, x], levels[2, x]
    else:
        for x in range(len(out)):
            r, g, b = LEVELS[levels[0, x]], LEVELS[levels[1, x]], LEVELS[levels[2, x]]
            out[x, 0] = r + (linear[0, x] >= NEXT[r])
            out[x, 1] = g + (linear[1, x] >= NEXT[g])
            out[x, 2] = b + (linear[2, x] >= NEXT[b])


@_inlined
def _is_shown(red: Any, green: Any, blue: Any, rounding: Any) -> Any:
    """Whether sRGB has a color, up to rounding. False for NaN."""
    lowest, highest = min(min(red, green), blue), max(max(red, green), blue)
    return (lowest >= -rounding) & (highest <= _F(1) + rounding)


@_inlined
def _lab_to_linear(fy: Any, a: Any, b: Any) -> Any:
    """Return the linear red, green and blue of a color, which may lie beyond sRGB's."""
    tx, ty, tz = _f_inverse(fy + a * _F(1 / 500)), _f_inverse(fy), _f_inverse(fy - b * _F(1 / 200))
    return (
        _dot(_FROM_WHITE[0], tx, ty, tz),
        _dot(_FROM_WHITE[1], tx, ty, tz),
        _dot(_FROM_WHITE[2], tx, ty, tz),
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
def _level(light: Any) -> Any:
    """Return sRGB's level, 0..1, of linear light, 0..1."""
    fourth_root = np.sqrt(np.sqrt(max(light, _F(1e-6))))
    root = _cube_root(fourth_root)
    power = _F(1.055) * fourth_root * root * root - _F(0.055)  # light ** (1/4 + 1/4 * 2/3 = 1/2.4)
    return power if light > _F(0.0031308) else _F(12.92) * light
