"""Lightness as old prints and their scans have it, so that a network is not surprised by them.

Only what a network sees is aged; the colors that it should say stay those of the photograph. Every
effect comes to a photograph by chance, in the order in which prints meet it: the lens, the paper,
the press, years in a box, the scanner, the file.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

USED = 0.6  # of the photographs; the others stay as they are
RADIUS = 4  # pixels that a blur reaches
BLOCK = 8  # pixels of JPEG's blocks

QUANTIZATION = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""ITU-T T.81, table K.1: of luminance."""


@dataclass(frozen=True)
class Dice:
    """Random numbers of some photographs in a batch, the same whatever others are asked for.

    Attributes:
        generator: on the device.
        count: photographs in the whole batch, which several processes may share.
        own: int64 (N,), places in the batch of the photographs that are asked for.
    """

    generator: torch.Generator
    count: int
    own: Tensor

    def uniform(self, low: float = 0.0, high: float = 1.0, *shape: int) -> Tensor:
        """Return numbers in low..high: (N, 1, 1, 1), or (N, *shape)."""
        size, device = (self.count, *(shape or (1, 1, 1))), self.generator.device
        drawn = torch.rand(size, generator=self.generator, device=device)
        return low + (high - low) * drawn[self.own]

    def normal(self, *shape: int) -> Tensor:
        """Return numbers of mean 0 and deviation 1: (N, *shape)."""
        size, device = (self.count, *shape), self.generator.device
        return torch.randn(size, generator=self.generator, device=device)[self.own]

    def meets(self, chance: float) -> Tensor:
        """Return which of the photographs something with this chance comes to: int64 (M,)."""
        return (self.uniform().flatten() < chance).nonzero()[:, 0]


def degrade(
    lightness: Tensor, *, seed: int, count: int | None = None, own: Tensor | None = None
) -> Tensor:
    """Age photographs.

    Args:
        lightness: (N, 1, H, W), L* in 0..100.
        seed: of what happens to them.
        count: photographs in the whole batch; by default N.
        own: int64 (N,), these photographs' places in it; by default all.

    Returns:
        The same shape and unit.
    """
    count = len(lightness) if count is None else count
    own = torch.arange(count, device=lightness.device) if own is None else own
    aged = lightness.clone()

    def dice(number: int, own: Tensor) -> Dice:
        return Dice(torch.Generator(lightness.device).manual_seed(seed + number), count, own)

    used = dice(0, own).meets(USED)
    for number, (chance, effect) in enumerate(EFFECTS, start=1):
        rows = used[dice(number, own[used]).meets(chance)]
        if len(rows):
            numbers = dice(number + len(EFFECTS), own[rows])
            aged[rows] = effect(aged[rows], numbers).clamp(0, 100)
    return aged


def _blur(x: Tensor, dice: Dice) -> Tensor:
    """Blur by a Gaussian of 0.5 to 2 pixels, a width for each photograph."""
    steps = torch.arange(-RADIUS, RADIUS + 1, device=x.device)
    kernel = torch.exp(-(steps**2) / (2 * dice.uniform(0.5, 2.0) ** 2))  # (N, 1, 1, 2 R + 1)
    kernel = kernel / kernel.sum(-1, keepdim=True)
    rows = F.pad(x, (RADIUS,) * 4, mode="replicate").movedim(0, 1)  # (1, N, ...), a group each
    rows = F.conv2d(rows, kernel, groups=len(x))
    return F.conv2d(rows, kernel.mT, groups=len(x)).movedim(1, 0)


def _tone(x: Tensor, dice: Dice) -> Tensor:
    """Lighten or darken the middle tones by a power."""
    return 100 * (x / 100).clamp(min=1e-4) ** dice.uniform(-0.45, 0.45).exp()


def _fade(x: Tensor, dice: Dice) -> Tensor:
    """Leave neither black nor white."""
    low, high = dice.uniform(0, 28), dice.uniform(72, 100)
    return low + x / 100 * (high - low)


def _harden(x: Tensor, dice: Dice) -> Tensor:
    """Raise the contrast until shadows and lights are lost."""
    return 50 + (x - 50) * dice.uniform(1.0, 1.5)


def _stain(x: Tensor, dice: Dice) -> Tensor:
    """Make the paper uneven, in a few large spots."""
    field = dice.normal(1, 4, 4)
    return x + 6 * F.interpolate(field, x.shape[-2:], mode="bicubic", align_corners=True)


def _halftone(x: Tensor, dice: Dice) -> Tensor:
    """Print in dots, of a screen of 3 to 6 pixels at any angle."""
    down = torch.arange(x.shape[-2], device=x.device).view(1, 1, -1, 1)
    across = torch.arange(x.shape[-1], device=x.device).view(1, 1, 1, -1)
    angle, pace = dice.uniform(0, math.pi / 2), 2 * math.pi / dice.uniform(3, 6)
    first = torch.cos(pace * (across * angle.cos() + down * angle.sin()))
    second = torch.cos(pace * (down * angle.cos() - across * angle.sin()))
    dots = (50 + 2 * (x - 50 + 25 * (first + second))).clamp(0, 100)
    return torch.lerp(x, dots, dice.uniform(0.2, 0.7))


def _noise(x: Tensor, dice: Dice) -> Tensor:
    """Add noise, each pixel's its own."""
    return x + dice.uniform(1, 6) * dice.normal(*x.shape[1:])


def _grain(x: Tensor, dice: Dice) -> Tensor:
    """Add film's grain, which is coarser than pixels."""
    height, width = x.shape[-2:]
    coarse = dice.normal(1, math.ceil(height / 2), math.ceil(width / 2))
    return x + dice.uniform(2, 8) * F.interpolate(coarse, (height, width), mode="bilinear")


def _dust(x: Tensor, dice: Dice) -> Tensor:
    """Put black or white specks on it."""
    height, width = x.shape[-2:]
    drawn = dice.uniform(0, 1, 1, math.ceil(height / 2), math.ceil(width / 2))
    specks = F.interpolate((drawn < 0.002).float(), (height, width))
    return torch.where(specks > 0, 100 * dice.uniform().round(), x)


def _scratch(x: Tensor, dice: Dice) -> Tensor:
    """Draw a light line, nearly upright."""
    down = torch.arange(x.shape[-2], device=x.device).view(1, 1, -1, 1)
    across = torch.arange(x.shape[-1], device=x.device).view(1, 1, 1, -1)
    distance = across - x.shape[-1] * dice.uniform() - down * dice.uniform(-0.05, 0.05)
    return torch.where(distance.abs() < 0.8, dice.uniform(60, 100), x)


def _compress(x: Tensor, dice: Dice) -> Tensor:
    """Write and read a JPEG file of quality 15 to 70, as its lightness meets that.

    Reference:
        ITU-T T.81; the quality's scale is that of the Independent JPEG Group.
    """
    count, _, height, width = x.shape
    padded = F.pad(x, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    rows, columns = (side // BLOCK for side in padded.shape[-2:])
    quality = dice.uniform(15, 70).view(-1, 1, 1, 1, 1)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    steps = (torch.tensor(QUANTIZATION, device=x.device) * scale).round().clamp(min=1)
    cosines = _cosines(x.device)
    blocks = padded.view(count, rows, BLOCK, columns, BLOCK).transpose(2, 3) * 2.55 - 128
    coded = (cosines @ blocks @ cosines.mT / steps).round() * steps
    decoded = (cosines.mT @ coded @ cosines + 128) / 2.55
    whole = decoded.transpose(2, 3).reshape(padded.shape)
    return whole[..., :height, :width]


def _cosines(device: torch.device) -> Tensor:
    """Return the orthonormal cosine transform of a block's row: (8, 8)."""
    place = torch.arange(BLOCK, device=device)
    angles = math.pi * place[:, None] * (2 * place + 1) / (2 * BLOCK)
    norms = torch.where(place[:, None] == 0, 1 / BLOCK, 2 / BLOCK).sqrt()
    return norms * angles.cos()


EFFECTS: tuple[tuple[float, Callable[[Tensor, Dice], Tensor]], ...] = (
    (0.35, _blur),
    (0.5, _tone),
    (0.2, _harden),
    (0.05, _halftone),
    (0.35, _fade),
    (0.15, _stain),
    (0.15, _grain),
    (0.08, _dust),
    (0.06, _scratch),
    (0.3, _noise),
    (0.25, _compress),
)
"""By chance, and in this order."""
