"""Old prints before they are colored: faded tones spread, casts straightened, dust removed.

What is missing under dust is filled from its edge. Nothing else is invented.
"""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizer.errors import MissingExtraError
from colorizer.photo.pixels import bands, to_8_bits

UNFADED, FADED = 0.1, 0.2  # from black or white to the last tones, of the way between the two
RESTORED = 0.04  # the same, of what was faded
OUTSIDE = 0.005  # of the pixels, at either end, that are darker or lighter than the last tones
MOST_CONTRAST = 4.0  # times what is there, so that an empty page stays one

SHORTER_SIDE = 1500  # pixels at which damage is looked for
TILE, EDGE = 512, 32  # pixels filled at a time, and those around that are looked at
REACH = 3  # pixels around a hole that fill it


def require_restoration() -> None:
    """Raise unless OpenCV is installed.

    Raises:
        MissingExtraError: if it is not.
    """
    if find_spec("cv2") is None:
        raise MissingExtraError("--restore", "OpenCV", "restore")


def restore(levels: NDArray[Any]) -> NDArray[Any]:
    """Spread a scan's tones, straighten its cast, and remove dust and scratches.

    A photograph without faded tones or damage hardly changes.

    Args:
        levels: uint8 or uint16, (H, W) or (H, W, 3), sRGB.

    Returns:
        The same type and shape.

    Raises:
        MissingExtraError: if OpenCV is not installed.
    """
    require_restoration()
    restored = spread_tones(levels)
    _fill(restored, find_damage_of(restored))
    return restored


def spread_tones(levels: NDArray[Any]) -> NDArray[Any]:
    """Bring each channel's darkest and lightest tones near to black and white if they faded.

    A picture whose tones reach near to black and white stays as it is.

    Args:
        levels: uint8 or uint16, (H, W) or (H, W, 3).

    Returns:
        The same type and shape.
    """
    white = np.iinfo(levels.dtype).max
    spread = np.empty_like(levels)
    channels = levels[..., None] if levels.ndim == 2 else levels
    sampled = channels[:: max(1, len(levels) // 1000), :: max(1, levels.shape[1] // 1000)]
    steps = np.arange(white + 1) / white
    quantiles = (OUTSIDE, 1 - OUTSIDE)
    lows, highs = np.quantile(sampled.reshape(-1, channels.shape[2]), quantiles, axis=0) / white
    black, light = _unfade(lows), 1 - _unfade(1 - highs)
    for channel, (low, high) in enumerate(zip(lows, highs, strict=True)):
        contrast = min((light - black) / max(high - low, 1e-9), MOST_CONTRAST)
        middle, to = (low + high) / 2, (black + light) / 2
        table = np.rint(((steps - middle) * contrast + to).clip(0, 1) * white).astype(levels.dtype)
        for rows in bands(levels.shape):
            spread.reshape(channels.shape)[rows, :, channel] = table[channels[rows, :, channel]]
    return spread


def _unfade(away: NDArray[np.floating]) -> float:
    """Return how far from black or white all channels' last tones are to be.

    The most faded channel decides, without a jump anywhere. None moves further away than it is.
    """
    restored = np.interp(away.max(), (0, UNFADED, FADED, 1), (0, UNFADED, RESTORED, RESTORED))
    return float(min(restored, away.min()))


def find_damage_of(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Find dust and scratches on a scan of any size.

    Args:
        levels: uint8 or uint16, (H, W) or (H, W, 3).

    Returns:
        uint8 (h, w), 1 where there is damage, of the whole scan, no larger than that needs.
    """
    import cv2

    from colorizer.photo.damage import find_damage

    scale = SHORTER_SIDE / min(levels.shape[:2])
    if scale < 1:
        levels = cv2.resize(levels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    levels = to_8_bits(levels)
    return find_damage(cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY) if levels.ndim == 3 else levels)


def _fill(levels: NDArray[Any], damage: NDArray[np.uint8]) -> None:
    """Fill what is damaged from its edge, in place, a tile at a time."""
    import cv2

    height, width = levels.shape[:2]
    rows = np.arange(height) * damage.shape[0] // height
    columns = np.arange(width) * damage.shape[1] // width
    channels = levels.reshape(height, width, -1)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            y = slice(max(0, top - EDGE), top + TILE + EDGE)
            x = slice(max(0, left - EDGE), left + TILE + EDGE)
            hole = damage[rows[y, None], columns[None, x]]
            inside = np.zeros_like(hole)
            place = slice(top - y.start, top - y.start + TILE)
            inside[place, left - x.start : left - x.start + TILE] = 1
            if not (hole & inside).any():
                continue
            for channel in range(channels.shape[2]):
                part = np.ascontiguousarray(channels[y, x, channel])
                filled = cv2.inpaint(part, hole, REACH, cv2.INPAINT_TELEA)
                np.copyto(channels[y, x, channel], filled, where=(hole & inside) > 0)
