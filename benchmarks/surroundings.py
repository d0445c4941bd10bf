"""Kinds of prints in surroundings, inks and light, and of pictures in color as cameras spoil them.

They were made after the weights were fitted and were blind then; the second look at what lies
within the margins was chosen by them.
"""

import numpy as np
from PIL import ImageDraw
from prints import neutral
from scans import (
    Kind,
    Plane,
    Random,
    Rgb,
    blur,
    clouds,
    filter_light,
    frame,
    ink,
    ramp,
    to_levels,
    tone,
)

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor

INKS = ((150, 20, 40), (40, 40, 140), (90, 30, 110), (20, 90, 70))
PATCHES = (
    (180, 40, 45),
    (50, 120, 60),
    (40, 60, 150),
    (225, 190, 30),
    (175, 60, 130),
    (0, 130, 160),
)


def color_target(rgb: Rgb, random: Random) -> Rgb:
    """An archive's scan: the print on gray or white, and a strip of colored patches below it."""
    height, width = rgb.shape[:2]
    ground = random.choice((118, 200, 245))
    page = np.full((round(1.25 * height), round(1.1 * width), 3), ground, np.float32)
    top, left = height // 20, width // 20
    page[top : top + height, left : left + width] = neutral(rgb, random)
    side = max(4, min(height // 8, width // 14))
    row = len(page) - side - height // 30
    for place, patch in enumerate((*PATCHES, *((level,) * 3 for level in (20, 90, 160, 240)))):
        column = left + round(1.2 * side * place)
        page[row : row + side, column : column + side] = patch
    return to_levels(page)


def on_a_table(rgb: Rgb, random: Random) -> Rgb:
    """Photographed from above on a table of wood, which is up to a third of the picture."""
    height, width = rgb.shape[:2]
    edge = round(random.uniform(0.04, 0.12) * min(height, width)) + 2
    shape = (height + 2 * edge, width + 2 * edge)
    y, x = np.mgrid[: shape[0], : shape[1]]
    grain = np.sin(y / random.uniform(3, 9) + 2 * clouds(y, random, 0.3)) + clouds(y, random, 0.02)
    wood = random.uniform((110, 65, 30), (190, 135, 85))
    page = wood * (1 + 0.12 * grain[..., None]) + 0 * x[..., None]
    page[edge : edge + height, edge : edge + width] = neutral(rgb, random)
    light = 1 - 0.3 * ramp(page, random)[..., None]
    return to_levels(page * light)


def adhesive_tape(rgb: Rgb, random: Random) -> Rgb:
    """Two to five strips of tape that became brown, and shine."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width] / min(height, width)
    tape = np.zeros((height, width), np.float32)
    for _ in range(random.integers(2, 6)):
        angle, place = random.uniform(0, np.pi), random.uniform(0, 1, 2)
        along = (x - place[0]) * np.cos(angle) + (y - place[1]) * np.sin(angle)
        across = (y - place[1]) * np.cos(angle) - (x - place[0]) * np.sin(angle)
        tape[(np.abs(along) < random.uniform(0.1, 0.3)) & (np.abs(across) < 0.04)] = 1
    brown = random.uniform((0.75, 0.55, 0.2), (0.95, 0.8, 0.5))
    return filter_light(neutral(rgb, random), brown, tape)


def fluorescent(rgb: Rgb, random: Random) -> Rgb:
    """A phone's picture under tubes: green in the middle, pink at the edges, as its lens shades."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    edge = np.clip((x**2 + y**2) / 2, 0, 1)[..., None]
    green, pink = (
        random.uniform((0.82, 0.95, 0.75), (0.95, 1, 0.9)),
        random.uniform((0.75, 0.65, 0.7), (0.9, 0.8, 0.85)),
    )
    return to_levels(neutral(rgb, random) * ((1 - edge) * green + edge * pink))


def many_stamps(rgb: Rgb, random: Random) -> Rgb:
    """Three to six stamps in several inks, and numbers by pencil in another."""
    stamped = neutral(rgb, random)
    for _ in range(random.integers(3, 7)):

        def draw(canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
            side = min(size) * random.uniform(0.1, 0.22)
            left, top = random.uniform(0, 0.9, 2) * size
            line = max(1, min(size) // 120)
            shape = canvas.ellipse if random.random() < 0.5 else canvas.rectangle
            shape((left, top, left + side, top + side * 0.7), outline=255, width=line)
            for part in (0.25, 0.4, 0.55):
                canvas.line(
                    (left + 0.15 * side, top + part * side, left + 0.85 * side, top + part * side),
                    fill=255,
                    width=line,
                )

        stamped = ink(stamped, random.choice(INKS), draw)
    return stamped


def mold(rgb: Rgb, random: Random) -> Rgb:
    """Soft spots in green, violet and black where it was damp."""
    spoiled = neutral(rgb, random)
    for low, high in (((0.6, 0.75, 0.5), (0.9, 0.95, 0.8)), ((0.7, 0.55, 0.7), (0.9, 0.8, 0.9))):
        spots = np.clip(clouds(rgb, random, 0.06) - random.uniform(0.6, 1.4), 0, 1)
        spots *= np.clip(clouds(rgb, random, 0.4) + 0.5, 0, 1)
        spoiled = filter_light(spoiled, random.uniform(low, high), spots)
    return spoiled


def ink_spill(rgb: Rgb, random: Random) -> Rgb:
    """A stain of blue or violet ink over up to a fifth of the print, darker at its rim."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width] / min(height, width)
    place = random.uniform(0.1, 0.9, 2)
    away = np.hypot(y - place[0], x - place[1]) + 0.04 * clouds(rgb, random, 0.08)
    radius = random.uniform(0.08, 0.25)
    inside = np.clip((radius - away) * 30, 0, 1)
    rim = 0.6 * np.exp(-(((away - radius) / 0.012) ** 2))
    blue = random.uniform((0.35, 0.35, 0.7), (0.65, 0.6, 0.95))
    return filter_light(neutral(rgb, random), blue, (inside + rim).astype(np.float32))


def window_reflection(rgb: Rgb, random: Random) -> Rgb:
    """Behind glass, in which a window's blue light lies over a part, and in a golden frame."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width] / min(height, width)
    place, size = random.uniform(0, 0.7, 2), random.uniform(0.15, 0.4, 2)
    pane = np.clip((size[0] - np.abs(y - place[0] - size[0])) * 8, 0, 1)
    pane = pane * np.clip((size[1] - np.abs(x - place[1] - size[1])) * 8, 0, 1)
    light = random.uniform((25, 35, 50), (55, 75, 100))
    shown = to_levels(neutral(rgb, random) + pane[..., None] * light)
    return frame(shown, random, random.uniform((130, 95, 35), (190, 150, 80)), most=0.1)


def red_chalk(rgb: Rgb, random: Random) -> Rgb:
    """A carbon print in red chalk's pigment."""
    dark, middle = random.uniform((18, 10), (32, 20)), random.uniform((22, 16), (38, 28))
    return tone(rgb, [dark, middle, random.uniform((6, 6), (14, 14)), (2, 6)])


def held_in_hand(rgb: Rgb, random: Random) -> Rgb:
    """Photographed in a hand, whose fingers cover a lower corner."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width] / min(height, width)
    held = neutral(rgb, random).astype(np.float32)
    right, bottom = x.max() * random.integers(0, 2), y.max()
    skin = random.uniform((150, 95, 70), (230, 180, 150))
    for finger in range(random.integers(1, 4)):
        tip = np.hypot((x - right) / 0.28, (y - bottom + 0.13 * finger) / 0.06)
        shade = 1 - 0.35 * np.clip(tip, 0, 1)[..., None]
        inside = np.clip((1 - tip) * 12, 0, 1)[..., None]
        held = held * (1 - inside) + skin * shade * inside
    return to_levels(held)


LATER_PRINTS: tuple[Kind, ...] = (
    color_target,
    on_a_table,
    adhesive_tape,
    fluorescent,
    many_stamps,
    mold,
    ink_spill,
    window_reflection,
    red_chalk,
    held_in_hand,
)


def forest(rgb: Rgb, random: Random) -> Rgb:
    """Colors that all lie near the green of leaves."""
    ab = _ab(rgb)
    green = random.uniform((-18, 10), (-8, 22)).astype(np.float32)[:, None, None]
    return recolor(rgb, green + random.uniform(0.4, 0.6) * (ab - ab.mean((1, 2), keepdims=True)))


def teal_and_orange(rgb: Rgb, random: Random) -> Rgb:
    """Graded like a film: teal shadows and orange lights over weaker colors."""
    lightness = rgb_to_lab(rgb)[0] / 100
    teal, orange = random.uniform((-14, -14), (-6, -6)), random.uniform((5, 8), (12, 18))
    grade = np.stack(
        [np.interp(lightness, (0, 1), pair) for pair in zip(teal, orange, strict=True)]
    )
    return recolor(rgb, (random.uniform(0.5, 0.8) * _ab(rgb) + grade).astype(np.float32))


def cross_processed(rgb: Rgb, random: Random) -> Rgb:
    """A slide in the chemistry of negatives: each channel has a curve of its own."""
    share = rgb.astype(np.float32) / 255
    red = share[..., 0] ** random.uniform(0.7, 0.9)
    green = share[..., 1] ** random.uniform(0.85, 1.1)
    blue = random.uniform(0.1, 0.25) + random.uniform(0.5, 0.7) * share[..., 2]
    return to_levels(255 * np.dstack([red, green, blue]))


def vintage_filter(rgb: Rgb, random: Random) -> Rgb:
    """A phone's filter: gray blacks, cream whites, colors at six tenths."""
    weak = recolor(rgb, random.uniform(0.5, 0.7) * _ab(rgb)).astype(np.float32)
    black, white = (
        random.uniform((30, 25, 35), (55, 50, 60)),
        random.uniform((235, 225, 190), (250, 242, 220)),
    )
    return to_levels(black + weak / 255 * (white - black))


def overexposed(rgb: Rgb, random: Random) -> Rgb:
    """Too much light: half of it is near white."""
    light = (rgb.astype(np.float32) / 255) ** 2.2 * random.uniform(2, 4)
    return to_levels(255 * np.clip(light, 0, 1) ** (1 / 2.2))


def underexposed(rgb: Rgb, random: Random) -> Rgb:
    """Too little light, and a sensor's noise."""
    light = (rgb.astype(np.float32) / 255) ** 2.2 * random.uniform(0.05, 0.15)
    dark = 255 * light ** (1 / 2.2)
    return to_levels(dark + random.normal(0, random.uniform(2, 4), rgb.shape))


def old_video(rgb: Rgb, random: Random) -> Rgb:
    """A frame of a tape: colors blurred, moved to the right, and weak."""
    ab = blur(_ab(rgb), 0.03 * min(rgb.shape[:2]))
    moved = np.roll(ab, round(0.01 * rgb.shape[1]), axis=2)
    return recolor(rgb, random.uniform(0.5, 0.8) * moved)


def drugstore_print(rgb: Rgb, random: Random) -> Rgb:
    """A print of the seventies: yellowed, low in contrast, with a white border and a date."""
    faded = 40 + 0.75 * rgb.astype(np.float32) * random.uniform((0.95, 0.9, 0.7), (1, 1, 0.85))

    def draw(canvas: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        canvas.text((size[0] * 0.8, size[1] * 0.96), "JUL 76", fill=255)

    return ink(frame(to_levels(faded), random, (246, 242, 230)), (60, 60, 60), draw)


def old_postcard(rgb: Rgb, random: Random) -> Rgb:
    """Printed by stones in few flat tints on cream paper."""
    ab = blur(_ab(rgb), 0.01 * min(rgb.shape[:2]))
    step = random.uniform(12, 20)
    tints = random.uniform(0.6, 0.9) * step * np.rint(ab / step)
    cream = np.array((1, 9), np.float32)[:, None, None]
    return recolor(rgb, (tints + cream).astype(np.float32))


def from_a_screen(rgb: Rgb, random: Random) -> Rgb:
    """A screen photographed by a phone: blue, in lines, darker toward one side."""
    lines = 1 - 0.15 * (np.arange(len(rgb)) % 3 == 0)[:, None, None]
    blue = random.uniform((0.7, 0.8, 0.95), (0.85, 0.92, 1))
    side = 1 - 0.4 * ramp(rgb, random)[..., None]
    return to_levels(rgb * lines * blue * side)


LATER_COLORED: tuple[Kind, ...] = (
    forest,
    teal_and_orange,
    cross_processed,
    vintage_filter,
    overexposed,
    underexposed,
    old_video,
    drugstore_print,
    old_postcard,
    from_a_screen,
)


def _ab(rgb: Rgb) -> Plane:
    return rgb_to_lab(rgb)[1:]
