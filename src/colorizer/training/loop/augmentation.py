"""Photographs as a network has not seen them yet: mirrored, and cut out."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CHOICES = 4  # random numbers that a photograph takes


def draw_choices(length: int, *, seed: int, epoch: int) -> Tensor:
    """Return the random numbers of an epoch's photographs, which depend on (seed, epoch) alone.

    Returns:
        float32 (length, `CHOICES`), 0..1, a row for each photograph whatever the order they come in
        and however many processes share them.
    """
    state = np.random.RandomState([seed % 2**32, epoch, 1])
    return torch.from_numpy(state.random_sample((length, CHOICES))).float()


def augment(
    lightness: Tensor, ab: Tensor, choices: Tensor, *, flip: bool, crop: float
) -> tuple[Tensor, Tensor]:
    """Mirror and cut photographs, lightness and color alike.

    Args:
        lightness: (N, 1, H, W).
        ab: (N, 2, H, W).
        choices: float (N, `CHOICES`), 0..1.
        flip: mirror half of them left to right.
        crop: the least share of each side that is kept, somewhere in the picture, and brought back
            to its size; 1 keeps all.

    Returns:
        The same shapes and units.
    """
    if not flip and crop == 1:
        return lightness, ab
    mirror, zoom, down, across = choices.to(lightness.device).unbind(1)
    scale = 1 - (1 - crop) * zoom
    sign = torch.where(mirror < 0.5, -1.0, 1.0) if flip else torch.ones_like(mirror)
    zero = torch.zeros_like(scale)
    slack = 1 - scale
    moves = torch.stack(
        (
            torch.stack((sign * scale, zero, slack * (2 * across - 1)), dim=1),
            torch.stack((zero, scale, slack * (2 * down - 1)), dim=1),
        ),
        dim=1,
    )
    both = torch.cat((lightness, ab), dim=1)
    grid = F.affine_grid(moves, list(both.shape), align_corners=False)
    moved = F.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    return moved[:, :1], moved[:, 1:]
