"""Kinds of prints and of pictures in color that the verdict's rule was never chosen on.

They were made before the rule was, and their results were looked at once it was final.
"""

import numpy as np
from PIL import ImageDraw
from prints import neutral
from scans import (
    Kind,
    Plane,
    Random,
    Rgb,
    clouds,
    filter_light,
    frame,
    ink,
    ramp,
    to_levels,
)

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor


def foxing(rgb: Rgb, random: Random) -> Rgb:
    """Twenty to 120 rusty spots with soft rims, in clusters."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / min(height, width)
    clusters = random.uniform(0, 1, (4, 2)) * (height, width) / min(height, width)
    weight = np.zeros((height, width), np.float32)
    for _ in range(random.integers(20, 120)):
        place = random.choice(clusters) + random.normal(0, 0.25, 2)
        radius = random.uniform(0.004, 0.02)
        away = np.hypot(y - place[0], x - place[1]) / radius
        weight = np.maximum(weight, random.uniform(0.4, 1) * np.exp(-(away**2)))
    return filter_light(
        neutral(rgb, random), random.uniform((0.7, 0.5, 0.25), (0.9, 0.7, 0.5)), weight
    )


def felt_pen_frame(rgb: Rgb, random: Random) -> Rgb:
    """An editor's crop marks: a thick frame in red, green or blue, and a cross."""

    def draw(canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        near, far = random.uniform(0.05, 0.2, 2) * size, random.uniform(0.8, 0.95, 2) * size
        line = max(2, min(size) // int(random.integers(30, 70)))
        canvas.rectangle((*near, *far), outline=255, width=line)
        if random.random() < 0.5:
            canvas.line((*near, *(near + 0.2 * (far - near))), fill=255, width=line)

    pens = ((200, 25, 35), (20, 120, 60), (25, 60, 170))
    return ink(neutral(rgb, random), random.choice(pens), draw)


def red_edges(rgb: Rgb, random: Random) -> Rgb:
    """A black-and-white picture on color paper, whose cyan and some magenta faded at the edges."""
    height, width = rgb.shape[:2]
    y, x = np.abs(np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    lost = np.clip(np.maximum(x, y) * 2 - random.uniform(0.6, 1.2), 0, 1)[..., None]
    lost = lost * random.uniform((0.25, 0.1, 0), (0.5, 0.25, 0.1))
    return to_levels(255 - (255 - neutral(rgb, random).astype(np.float32)) * (1 - lost))


def two_lights(rgb: Rgb, random: Random) -> Rgb:
    """Photographed by a phone, between a lamp on one side and a window on the other."""
    lamp = random.uniform((0.95, 0.75, 0.5), (1, 0.88, 0.72))
    window = random.uniform((0.75, 0.85, 0.95), (0.9, 0.95, 1))
    near = ramp(rgb, random)[..., None] ** random.uniform(0.7, 1.5)
    light = random.uniform(0.7, 1) * (near * lamp + (1 - near) * window)
    grain = random.normal(0, random.uniform(1, 4), rgb.shape)
    return to_levels(neutral(rgb, random) * light + grain)


def newspaper_clipping(rgb: Rgb, random: Random) -> Rgb:
    """A halftone on brown paper, with a caption in black below it and torn white around."""
    height, width = rgb.shape[:2]
    paper = random.uniform((205, 180, 130), (235, 220, 185))
    gray = neutral(rgb, random).mean(2, keepdims=True) / 255
    y, x = np.mgrid[:height, :width]
    period = random.uniform(3, 6)
    dots = np.sin(2 * np.pi * (x + y) / period) * np.sin(2 * np.pi * (x - y) / period)
    inked = np.clip(gray + 0.12 * dots[..., None], 0, 1) * 0.85 + 0.12
    page = np.full((height + height // 4, width, 3), paper, np.float32)
    page[:height] *= inked
    for row in range(height + height // 20, len(page) - 4, max(6, height // 25)):
        words = random.random(width // 4).repeat(4)[:width] < 0.6
        page[row : row + 3, np.flatnonzero(words)] *= 0.25
    page += 3 * clouds(page, random, 0.1)[..., None]
    return frame(to_levels(page), random, (248, 248, 246), most=0.08)


def colored_corners(rgb: Rgb, random: Random) -> Rgb:
    """A page of an album, and corners of colored paper that hold the print."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width]
    side = random.uniform(0.08, 0.14) * min(height, width)
    corner = np.minimum(y, height - 1 - y) + np.minimum(x, width - 1 - x) < side
    paper = random.choice(((170, 30, 40), (30, 110, 60), (190, 150, 60), (40, 60, 140)))
    print_ = np.where(corner[..., None], paper, neutral(rgb, random))
    page = random.choice(((60, 70, 60), (40, 36, 34), (120, 100, 75), (200, 190, 170)))
    return frame(to_levels(print_), random, page)


def silver_mirroring(rgb: Rgb, random: Random) -> Rgb:
    """A bluish sheen on the shadows, toward the edges."""
    height, width = rgb.shape[:2]
    y, x = np.abs(np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    print_ = neutral(rgb, random).astype(np.float32)
    at_edges = np.maximum(x, y) ** 3 * (1 + 0.2 * clouds(rgb, random, 0.2))
    weight = (np.clip(at_edges, 0, 1) * (1 - print_.mean(2) / 255) ** 2)[..., None]
    sheen = random.uniform((120, 130, 155), (165, 175, 200))
    return to_levels(print_ * (1 - weight) + sheen * weight)


UNSEEN_PRINTS: tuple[Kind, ...] = (
    foxing,
    felt_pen_frame,
    red_edges,
    two_lights,
    newspaper_clipping,
    colored_corners,
    silver_mirroring,
)


def sunset(rgb: Rgb, random: Random) -> Rgb:
    """Light that is orange below and violet above."""
    low = np.linspace(0, 1, len(rgb), dtype=np.float32)[:, None, None]
    orange = random.uniform((0.95, 0.55, 0.25), (1, 0.7, 0.45))
    violet = random.uniform((0.5, 0.4, 0.5), (0.7, 0.55, 0.7))
    return to_levels(rgb * (low * orange + (1 - low) * violet))


def snow(rgb: Rgb, random: Random) -> Rgb:
    """What is light is white, with blue shadows; what is dark keeps its color."""
    lightness = rgb_to_lab(rgb)[0]
    middle = np.quantile(lightness, random.uniform(0.3, 0.5))
    weight = np.clip((lightness - middle) / 15 + 0.5, 0, 1)[..., None]
    white = np.clip(150 + lightness, 0, 250)[..., None] * random.uniform((0.9, 0.94, 1), (1, 1, 1))
    return to_levels(rgb * (1 - weight) + white * weight)


def night_street(rgb: Rgb, random: Random) -> Rgb:
    """Little light, some of it from lamps of sodium, and a sensor's noise."""
    dark = 255 * (rgb.astype(np.float32) / 255) ** random.uniform(1.4, 2)
    lamps = np.clip(clouds(rgb, random, 0.4) / 2 + 0.5, 0, 1)[..., None]
    light = lamps * (1, 0.8, 0.45) + (1 - lamps) * (0.75, 0.8, 0.95)
    return to_levels(dark * light + random.normal(4, random.uniform(1, 4), rgb.shape))


def flesh(rgb: Rgb, random: Random) -> Rgb:
    """A close-up of a face: colors near those of skin, redder and paler from place to place."""
    ab = rgb_to_lab(rgb)[1:]
    skin = random.uniform((8, 10), (16, 22)).astype(np.float32)[:, None, None]
    return recolor(rgb, skin + random.uniform(0.4, 0.6) * (ab - ab.mean((1, 2), keepdims=True)))


def autumn(rgb: Rgb, random: Random) -> Rgb:
    """Leaves and wood: greens and blues turn to yellow and brown."""
    a, b = rgb_to_lab(rgb)[1:]
    warm = np.stack((0.5 * a + random.uniform(4, 10), 0.6 * np.abs(b) + random.uniform(6, 12)))
    return recolor(rgb, warm.astype(np.float32))


def brown_interior(rgb: Rgb, random: Random) -> Rgb:
    """A paneled room by lamps: near sepia, with weak colors of its own."""
    ab = rgb_to_lab(rgb)[1:]
    weak = recolor(rgb, random.uniform(0.5, 0.8) * ab)
    return to_levels(weak * random.uniform((0.9, 0.7, 0.45), (1, 0.8, 0.6)))


def overcast_sea(rgb: Rgb, random: Random) -> Rgb:
    """Gray-blue air over weak colors."""
    ab = rgb_to_lab(rgb)[1:]
    air = random.uniform((-4, -14), (0, -6)).astype(np.float32)[:, None, None]
    return recolor(rgb, air + _below(rgb, random) * ab)


def _below(rgb: Rgb, random: Random) -> Plane:
    """Return how much of a color the air leaves, less toward the top, (H, 1)."""
    left = np.linspace(random.uniform(0.3, 0.5), random.uniform(0.6, 0.9), len(rgb))
    return left.astype(np.float32)[:, None]


UNSEEN_COLORED: tuple[Kind, ...] = (
    sunset,
    snow,
    night_street,
    flesh,
    autumn,
    brown_interior,
    overcast_sea,
)
