"""Kinds of pictures in color that are near black and white, each made from a real photograph."""

import numpy as np
from scans import Kind, Plane, Random, Rgb, blur, clouds, frame, to_levels

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor


def as_it_is(rgb: Rgb, random: Random) -> Rgb:
    """A photograph in color."""
    return rgb


def muted(rgb: Rgb, random: Random) -> Rgb:
    """Colors of half their chroma and less."""
    return recolor(rgb, random.uniform(0.35, 0.6) * _ab(rgb))


def hand_colored(rgb: Rgb, random: Random) -> Rgb:
    """Thin, blurred washes of color on what is colorful in a gray or a brown print."""
    side = min(rgb.shape[:2])
    ab = blur(_ab(rgb), random.uniform(0.01, 0.03) * side)
    chroma = np.hypot(*ab)
    painted = np.quantile(chroma, random.uniform(0.3, 0.5))
    wash = np.clip((chroma - painted) / 4 + 0.5, 0, 1) * random.uniform(0.4, 0.8)
    brown = random.uniform((0, 0), (6, 14)).astype(np.float32)[:, None, None]
    return recolor(rgb, brown * (1 - wash) + ab * wash)


def autochrome(rgb: Rgb, random: Random) -> Rgb:
    """Pale, warm colors in grains of starch."""
    warm = random.uniform((1, 4), (4, 10)).astype(np.float32)[:, None, None]
    grain = random.normal(0, random.uniform(4, 9), (2, *rgb.shape[:2])).astype(np.float32)
    return recolor(rgb, random.uniform(0.45, 0.7) * _ab(rgb) + warm + grain)


def faded_color(rgb: Rgb, random: Random) -> Rgb:
    """A color print that lost cyan, then yellow: a magenta cast over weak colors."""
    density = 255 - rgb.astype(np.float32)
    kept = random.uniform((0.4, 0.8, 0.55), (0.65, 0.95, 0.8))
    return to_levels((255 - density * kept) * random.uniform((0.95, 0.85, 0.8), (1, 0.95, 0.95)))


def faded_in_border(rgb: Rgb, random: Random) -> Rgb:
    """The same in a white or cream border."""
    paper = random.uniform((235, 222, 190), (252, 248, 235))
    return frame(faded_color(rgb, random), random, paper)


def desert(rgb: Rgb, random: Random) -> Rgb:
    """Colors that all lie near sand's."""
    ab = _ab(rgb)
    sand = random.uniform((4, 14), (10, 26)).astype(np.float32)[:, None, None]
    narrow = random.uniform((0.35, 0.4), (0.55, 0.65)).astype(np.float32)[:, None, None]
    return recolor(rgb, sand + narrow * (ab - ab.mean((1, 2), keepdims=True)))


def fog(rgb: Rgb, random: Random) -> Rgb:
    """A street in fog, thicker toward the top."""
    height = len(rgb)
    passed = np.linspace(random.uniform(0.25, 0.4), random.uniform(0.5, 0.75), height)
    passed = passed.astype(np.float32)[:, None, None]
    air = random.uniform((185, 188, 190), (215, 220, 226))
    return to_levels(rgb * passed + air * (1 - passed))


def product_on_white(rgb: Rgb, random: Random) -> Rgb:
    """An object on a white ground, on a quarter to a half of the picture."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    across, down = random.uniform(0.55, 0.8, 2)
    outline = np.hypot(x / across, y / down) + 0.1 * clouds(rgb, random, 0.1)
    inside = np.clip((1 - outline) * min(height, width) / 8, 0, 1)[..., None]
    shadow = 245 - 40 * np.exp(-(((y - down) / 0.15) ** 2) - x**2 / across)[..., None]
    return to_levels(rgb * inside + shadow * (1 - inside))


def lamplight(rgb: Rgb, random: Random) -> Rgb:
    """A room by lamps, with the balance of daylight."""
    return to_levels(rgb * random.uniform((0.95, 0.65, 0.35), (1, 0.8, 0.55)))


def underwater(rgb: Rgb, random: Random) -> Rgb:
    """Red that water took, and its blue over all."""
    return to_levels(rgb * random.uniform((0.4, 0.75, 0.85), (0.6, 0.9, 1)) + (0, 12, 25))


COLORED: tuple[Kind, ...] = (
    as_it_is,
    muted,
    hand_colored,
    autochrome,
    faded_color,
    faded_in_border,
    desert,
    fog,
    product_on_white,
    lamplight,
    underwater,
)


def _ab(rgb: Rgb) -> Plane:
    return rgb_to_lab(rgb)[1:]
