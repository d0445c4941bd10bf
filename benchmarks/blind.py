"""Kinds of prints and of pictures in color that nothing was chosen by: made after the rule was.

Whoever chooses anything by them, moves them to another file and makes others.
"""

import numpy as np
from prints import neutral, sepia
from scans import Kind, Random, Rgb, clouds, filter_light, ramp, to_levels

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor


def on_a_cloth(rgb: Rgb, random: Random) -> Rgb:
    """Photographed on a checked tablecloth, not in its middle."""
    height, width = rgb.shape[:2]
    top, bottom, left, right = (random.uniform(0.02, 0.16, 4) * min(height, width) + 2).astype(int)
    shape = (height + top + bottom, width + left + right)
    y, x = np.mgrid[: shape[0], : shape[1]] // max(2, min(shape) // 24)
    checks = ((y + x) % 2)[..., None]
    dark, light = random.uniform(20, 200, 3), random.uniform(170, 250, 3)
    cloth = (1 - checks) * dark + checks * light + 4 * clouds(y, random, 0.01)[..., None]
    cloth[top : top + height, left : left + width] = neutral(rgb, random)
    return to_levels(cloth * (1 - 0.25 * ramp(cloth, random)[..., None]))


def on_wallpaper(rgb: Rgb, random: Random) -> Rgb:
    """A sepia print in a dark frame on a wall with a colored pattern."""
    height, width = rgb.shape[:2]
    edge, wood = round(0.12 * min(height, width)), max(2, round(0.03 * min(height, width)))
    shape = (height + 2 * edge, width + 2 * edge)
    y, x = np.mgrid[: shape[0], : shape[1]] / (0.05 * min(shape))
    pattern = (np.sin(y) * np.sin(x + np.floor(y / np.pi)) > 0.3)[..., None]
    wall = np.where(pattern, random.uniform(60, 220, 3), random.uniform(150, 240, 3))
    inner = (slice(edge, edge + height), slice(edge, edge + width))
    wall[edge - wood : edge + height + wood, edge - wood : edge + width + wood] = (45, 28, 18)
    wall[inner] = sepia(rgb, random)
    return to_levels(wall)


def beside_another(rgb: Rgb, random: Random) -> Rgb:
    """A black-and-white print, and a strip of a picture in color that lies beside it."""
    strip = max(8, round(random.uniform(0.06, 0.14) * rgb.shape[1]))
    gap = np.full((len(rgb), 6, 3), 245, np.uint8)
    return np.hstack([neutral(rgb, random), gap, rgb[:, :strip]])


BLIND_PRINTS: tuple[Kind, ...] = (on_a_cloth, on_wallpaper, beside_another)


def gray_subject(rgb: Rgb, random: Random) -> Rgb:
    """Something gray in the middle, such as a statue or an elephant, among colors."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    across, down = random.uniform(0.35, 0.75, 2)
    outline = np.hypot(x / across, y / down) + 0.1 * clouds(rgb, random, 0.1)
    kept = np.clip((outline - 1) * 8, 0, 1) * 0.95 + 0.05
    return recolor(rgb, (kept * rgb_to_lab(rgb)[1:]).astype(np.float32))


def gray_sky_above(rgb: Rgb, random: Random) -> Rgb:
    """Overcast: the upper half to two thirds has no color."""
    y = np.linspace(0, 1, len(rgb))[:, None]
    kept = np.clip((y - random.uniform(0.5, 0.67)) * 12, 0, 1)
    return recolor(rgb, (kept * rgb_to_lab(rgb)[1:]).astype(np.float32))


def through_a_window(rgb: Rgb, random: Random) -> Rgb:
    """A gray window frame around a view in color, under a cast."""
    height, width = rgb.shape[:2]
    edge = round(random.uniform(0.05, 0.14) * min(height, width))
    frame = np.full((height + 2 * edge, width + 2 * edge, 3), 70, np.float32)
    frame += 15 * clouds(frame, random, 0.05)[..., None]
    frame[edge : edge + height, edge : edge + width] = rgb
    light = ramp(frame, random)
    return filter_light(to_levels(frame), random.uniform(0.85, 1, 3), light)


BLIND_COLORED: tuple[Kind, ...] = (gray_subject, gray_sky_above, through_a_window)
