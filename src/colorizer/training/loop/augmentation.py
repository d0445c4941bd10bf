"""Photographs as a network has not seen them yet: mirrored, and cut out."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CHOICES = 5  # random numbers that a photograph takes

ROUNDING = 1e-3  # of half a pixel: more than float32 loses in finding one


def draw_choices(length: int, *, seed: int, epoch: int) -> Tensor:
    """Return the random numbers of an epoch's photographs, which depend on (seed, epoch) alone.

    Returns:
        float32 (length, `CHOICES`), 0..1, a row for each photograph whatever the order they come in
        and however many processes share them.
    """
    state = np.random.RandomState([seed % 2**32, epoch, 1])
    later = np.random.RandomState([seed % 2**32, epoch, 2])  # the first stream stays what it was
    drawn = state.random_sample((length, 4)), later.random_sample((length, CHOICES - 4))
    return torch.from_numpy(np.concatenate(drawn, axis=1)).float()


def augment(
    lightness: Tensor,
    ab: Tensor,
    choices: Tensor,
    *,
    flip: bool,
    crop: float,
    aspect: float = 1.0,
    side: int | None = None,
    shapes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mirror and cut photographs, lightness and color alike.

    Args:
        lightness: (N, 1, H, W).
        ab: (N, 2, H, W).
        choices: float (N, `CHOICES`), 0..1.
        flip: mirror half of them left to right.
        crop: the least share of each side that is kept, somewhere in the picture, and brought back
            to its size; 1 keeps all.
        aspect: the longest that one side of what is kept may be, in the other; 1 keeps squares.
        side: pixels of the squares returned; by default the size stays.
        shapes: int64 (N, 2), of photographs on square canvases. Of these, squares on their short
            sides are cut, and what lies beside them is never seen.

    Returns:
        The same units; (N, 1, side, side) and (N, 2, side, side), or the same shapes.
    """
    height, width = lightness.shape[-2:]
    size = (height, width) if side is None else (side, side)
    asked = flip or crop < 1 or aspect > 1 or shapes is not None
    if not asked and size == (height, width):
        return lightness, ab
    choices = choices.to(lightness.device)
    areas = torch.ones_like(choices[:, :2]) if shapes is None else shapes.to(choices) / height
    moves = _moves(choices, areas, flip=flip, crop=crop, aspect=aspect)
    both = torch.cat((lightness, ab), dim=1)
    grid = F.affine_grid(moves, [*both.shape[:2], *size], align_corners=False)
    if shapes is not None:
        grid = _inside(grid, areas, height)
    moved = F.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    return moved[:, :1], moved[:, 1:]


def _moves(choices: Tensor, areas: Tensor, *, flip: bool, crop: float, aspect: float) -> Tensor:
    """Return from where in its picture each photograph's part comes: (N, 2, 3), for `affine_grid`.

    `areas`, (N, 2), are the shares of the picture's height and width that the photograph takes.
    """
    mirror, zoom, down, across, bend = choices.unbind(1)
    high, wide = areas.unbind(1)
    share = (1 - (1 - crop) * zoom) * torch.minimum(high, wide)
    stretch = aspect ** (bend - 0.5)  # both sides' product stays
    tall, broad = torch.minimum(share / stretch, high), torch.minimum(share * stretch, wide)
    sign = torch.where(mirror < 0.5, -1.0, 1.0) if flip else torch.ones_like(mirror)
    zero = torch.zeros_like(share)
    moves = (
        (sign * broad, zero, (wide - broad) * (2 * across - 1) + (wide - 1)),
        (zero, tall, (high - tall) * (2 * down - 1) + (high - 1)),
    )
    return torch.stack([torch.stack(row, dim=1) for row in moves], dim=1)


def _inside(grid: Tensor, areas: Tensor, side: int) -> Tensor:
    """Keep a grid (N, h, w, 2) on pixels of the photographs: none is blended with its canvas."""
    last = 2 * areas.flip(1) - 1 - (1 + ROUNDING) / side  # x before y
    return torch.minimum(grid.clamp(min=-1 + 1 / side), last[:, None, None])
