"""What makes a photograph a print and a scan of it: tones, stains, frames, ink, noise, JPEG."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]
Random = np.random.Generator
Kind = Callable[[Rgb, Random], Rgb]
"""Makes a picture of one kind of a photograph; both are uint8 (H, W, 3), sRGB."""

QUALITIES = (40, 60, 75, 85, 92)


def scan(rgb: Rgb, random: Random) -> bytes:
    """Return a picture as a JPEG file, with a scanner's noise."""
    noise = random.normal(0, random.uniform(0.3, 1.5), rgb.shape)
    buffer = io.BytesIO()
    subsampling = int(random.choice((0, 2), p=(0.3, 0.7)))
    quality = int(random.choice(QUALITIES))
    Image.fromarray(to_levels(rgb + noise)).save(
        buffer, "jpeg", quality=quality, subsampling=subsampling
    )
    return buffer.getvalue()


def to_levels(picture: NDArray[np.floating]) -> Rgb:
    """Round and clip levels."""
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def tone(rgb: Rgb, colors: Sequence[ArrayLike]) -> Rgb:
    """Give a photograph's lightness colors: ab from black to white, at even steps between."""
    lightness = rgb_to_lab(rgb)[0]
    at = np.linspace(0, 100, len(colors))
    ab = [np.interp(lightness, at, channel) for channel in np.array(colors, float).T]
    return recolor(rgb, np.stack(ab).astype(np.float32))


def filter_light(rgb: Rgb, transmission: ArrayLike, weight: Plane) -> Rgb:
    """Lay a colored filter over a picture, as strong as `weight`, (H, W) in 0..1, says."""
    passed = np.asarray(transmission, np.float32) ** weight[..., None]
    return to_levels(rgb * passed)


def frame(rgb: Rgb, random: Random, color: ArrayLike, most: float = 0.12) -> Rgb:
    """Put a border of paper around a picture, up to `most` of its shorter side wide."""
    height, width = rgb.shape[:2]
    edges = (random.uniform(0.4, 1, 4) * most * min(height, width)).astype(int) + 2
    (top, bottom, left, right) = edges
    framed = np.empty((height + top + bottom, width + left + right, 3), np.float32)
    framed[:] = color
    framed += 2 * clouds(framed, random, 0.02)[..., None]
    framed[top : top + height, left : left + width] = rgb
    return to_levels(framed)


def ink(
    rgb: Rgb, color: ArrayLike, draw: Callable[[ImageDraw.ImageDraw, tuple[int, int]], None]
) -> Rgb:
    """Print on a picture in one ink."""
    height, width = rgb.shape[:2]
    mask = Image.new("L", (width, height))
    draw(ImageDraw.Draw(mask), (width, height))
    weight = np.asarray(mask.filter(ImageFilter.GaussianBlur(0.6)), np.float32)[..., None] / 300
    return to_levels(rgb * (1 - weight) + np.asarray(color, np.float32) * weight)


def shift(channel: Plane, by: float, axis: int) -> Plane:
    """Move a channel by part of a pixel."""
    whole = int(np.floor(by))
    part = by - whole
    near, far = np.roll(channel, whole, axis), np.roll(channel, whole + 1, axis)
    return (1 - part) * near + part * far


def ramp(rgb: Rgb, random: Random) -> Plane:
    """Return a plane from 0 on one side of a picture to 1 on the other, at any angle."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : rgb.shape[0] * 1j, -1 : 1 : rgb.shape[1] * 1j]
    along = x * np.cos(angle) + y * np.sin(angle)
    return ((along - along.min()) / np.ptp(along)).astype(np.float32)


def distance(rgb: Rgb, random: Random) -> Plane:
    """Return the distance from a random place, as a part of the shorter side."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width]
    center = random.uniform(0, 1, 2) * (height, width)
    return (np.hypot(y - center[0], x - center[1]) / min(height, width)).astype(np.float32)


def clouds(rgb: NDArray[np.generic], random: Random, size: float) -> Plane:
    """Return noise of about -2..2 in clouds of a size given as a part of the shorter side."""
    height, width = rgb.shape[:2]
    side = max(1, round(size * min(height, width)))
    small = random.normal(0, 1, (height // side + 2, width // side + 2)).astype(np.float32)
    return _resize(small, (width, height))


def blur(planes: Plane, radius: float) -> Plane:
    """Blur each plane of an array (C, H, W) by making it smaller and large again."""
    height, width = planes.shape[1:]
    size = (max(1, round(width / (1 + radius))), max(1, round(height / (1 + radius))))
    return np.stack([_resize(_resize(plane, size), (width, height)) for plane in planes])


def _resize(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
