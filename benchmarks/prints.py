"""Kinds of black-and-white prints, each made from a real photograph's lightness."""

import numpy as np
from PIL import ImageDraw
from scans import (
    Kind,
    Random,
    Rgb,
    blur,
    clouds,
    distance,
    filter_light,
    frame,
    ink,
    ramp,
    shift,
    to_levels,
    tone,
)

from colorizer.color.recoloring import recolor


def neutral(rgb: Rgb, random: Random) -> Rgb:
    """A print that is gray but for a trace of a cast."""
    return tone(rgb, [random.uniform(-1.5, 1.5, 2)] * 2)


def sepia(rgb: Rgb, random: Random) -> Rgb:
    """Brown, most in the middle tones."""
    middle = random.uniform((5, 12), (13, 28))
    return tone(rgb, [middle * 0.6, middle, random.uniform((0, 4), (4, 18))])


def cyanotype(rgb: Rgb, random: Random) -> Rgb:
    """Prussian blue on white or cream paper."""
    dark = random.uniform((-4, -45), (10, -28))
    return tone(rgb, [dark * 0.7, dark, random.uniform((-8, -22), (0, -10)), (-1, 4)])


def selenium(rgb: Rgb, random: Random) -> Rgb:
    """Purple and brown in the shadows, gray in the lights."""
    return tone(rgb, [random.uniform((4, -6), (10, 5)), random.uniform((1, -3), (5, 3)), (0, 1)])


def split_tone(rgb: Rgb, random: Random) -> Rgb:
    """Cold shadows and warm lights, or the reverse."""
    cold, warm = random.uniform((-5, -18), (2, -8)), random.uniform((0, 8), (6, 20))
    return tone(rgb, [cold, warm] if random.random() < 0.7 else [warm, cold])


def cast(rgb: Rgb, random: Random) -> Rgb:
    """A scanner's or a phone's cast over all."""
    return to_levels(neutral(rgb, random) * random.uniform(0.75, 1, 3) + random.uniform(0, 12, 3))


def yellowed(rgb: Rgb, random: Random) -> Rgb:
    """Paper that yellowed, on one side more than on the other."""
    weight = np.clip(ramp(rgb, random) * 1.2 + 0.1 * clouds(rgb, random, 0.3), 0, 1)
    return filter_light(
        neutral(rgb, random), random.uniform((0.9, 0.8, 0.5), (1, 0.93, 0.75)), weight
    )


def faded(rgb: Rgb, random: Random) -> Rgb:
    """Tones that bleached into yellow paper, most at the edges."""
    paper = random.uniform((225, 210, 160), (245, 235, 205)).astype(np.float32)
    height, width = rgb.shape[:2]
    y, x = np.abs(np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    weight = np.clip(np.maximum(x, y) ** 2 * random.uniform(0.5, 0.9) + 0.1, 0, 0.9)[..., None]
    return to_levels(neutral(rgb, random) * (1 - weight) + paper * weight)


def tea_stain(rgb: Rgb, random: Random) -> Rgb:
    """One to three brown stains, darker at their rims, on up to a quarter of the print."""
    picture = neutral(rgb, random)
    for _ in range(random.integers(1, 4)):
        from_center = distance(rgb, random) / random.uniform(0.1, 0.24)
        from_center += 0.15 * clouds(rgb, random, 0.1)
        rim = 0.6 + 0.4 * np.clip(from_center, 0, 1) ** 8
        weight = np.clip((1 - from_center) * 12, 0, 1) * rim
        tea = random.uniform((0.8, 0.6, 0.35), (0.95, 0.8, 0.6))
        picture = filter_light(picture, tea, weight)
    return picture


def red_stamp(rgb: Rgb, random: Random) -> Rgb:
    """An archive's round stamp."""

    def draw(canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        x, y = random.uniform(0.15, 0.85, 2) * size
        radius, line = random.uniform(0.07, 0.13) * min(size), max(1, min(size) // 90)
        for part in (radius, 0.75 * radius):
            box = (x - part, y - part, x + part, y + part)
            canvas.ellipse(box, outline=255, width=2 * line)
        for row in (-0.3, 0, 0.3):
            ends = (x - 0.5 * radius, y + row * radius, x + 0.5 * radius, y + row * radius)
            canvas.line(ends, fill=255, width=line)

    return ink(neutral(rgb, random), random.uniform((150, 15, 20), (215, 50, 70)), draw)


def handwriting(rgb: Rgb, random: Random) -> Rgb:
    """One to four lines in blue ink."""

    def draw(canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        width, height = size
        x = np.linspace(random.uniform(0.05, 0.3), random.uniform(0.6, 0.95), 160) * width
        for y in random.uniform(0.1, 0.9, random.integers(1, 5)) * height:
            loops = np.sin(np.arange(160) * random.uniform(0.5, 0.9)) * random.uniform(0.4, 1, 160)
            loops *= min(size) / 40
            points = zip((x + loops).tolist(), (y + 1.3 * loops).tolist(), strict=True)
            canvas.line(list(points), fill=255, width=max(1, min(size) // 130))

    return ink(neutral(rgb, random), random.uniform((20, 30, 110), (60, 80, 190)), draw)


def cream_border(rgb: Rgb, random: Random) -> Rgb:
    """The print's own border, white to cream."""
    return frame(neutral(rgb, random), random, random.uniform((235, 222, 180), (252, 248, 235)))


def album_page(rgb: Rgb, random: Random) -> Rgb:
    """A page of an album around the print: brown, green, blue, red or black."""
    pages = (
        (95, 65, 40),
        (60, 80, 60),
        (50, 60, 100),
        (110, 35, 40),
        (25, 24, 26),
        (190, 160, 110),
    )
    inner = frame(neutral(rgb, random), random, (245, 240, 225), most=0.04)
    return frame(inner, random, random.choice(pages))


def fringes(rgb: Rgb, random: Random) -> Rgb:
    """Channels that a scanner's carriage left apart by about a pixel."""
    pixels = random.uniform(0.4, 1.3, 2) * random.choice((-1, 1), 2)
    axes = random.integers(0, 2, 2)
    channels = neutral(rgb, random).astype(np.float32)
    for channel, by, axis in zip((0, 2), pixels, axes, strict=True):
        channels[..., channel] = shift(channels[..., channel], by, int(axis))
    return to_levels(channels)


def moire(rgb: Rgb, random: Random) -> Rgb:
    """Colored waves where a screen met the scanner's."""
    height, width = rgb.shape[:2]
    angle, period = random.uniform(0, np.pi), random.uniform(3, 16)
    y, x = np.mgrid[:height, :width]
    wave = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period
    ab = np.stack([np.sin(wave), np.sin(wave + random.uniform(1, 3))]) * random.uniform(2, 5)
    return recolor(rgb, ab.astype(np.float32))


def noisy(rgb: Rgb, random: Random) -> Rgb:
    """A phone's picture in poor light: noise in color, in grains of up to some pixels."""
    grain = random.normal(0, 1, (3, *rgb.shape[:2])).astype(np.float32)
    grain = np.moveaxis(blur(grain, random.uniform(0, 1.5)), 0, -1)
    return to_levels(neutral(rgb, random) + grain / grain.std() * random.uniform(3, 7))


def shoebox(rgb: Rgb, random: Random) -> Rgb:
    """Toned, yellowed on one side, with fringes of half a pixel and a border: all at once."""
    toned = selenium(rgb, random) if random.random() < 0.5 else sepia(rgb, random)
    channels = np.asarray(filter_light(toned, (0.97, 0.9, 0.7), ramp(rgb, random)), np.float32)
    channels[..., 0] = shift(channels[..., 0], random.uniform(0.3, 0.7), 0)
    return frame(to_levels(channels), random, random.uniform((225, 212, 170), (250, 244, 225)))


PRINTS: tuple[Kind, ...] = (
    neutral,
    sepia,
    cyanotype,
    selenium,
    split_tone,
    cast,
    yellowed,
    faded,
    tea_stain,
    red_stamp,
    handwriting,
    cream_border,
    album_page,
    fringes,
    moire,
    noisy,
    shoebox,
)
