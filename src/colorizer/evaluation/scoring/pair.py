"""What scores look at: photographs as they were colored, beside their originals."""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from colorizer.color.statistics import absolute_colorfulness, colorfulness

if TYPE_CHECKING:
    from colorizer.evaluation.scoring.perceptual import Perceptual
    from colorizer.photo.face_boxes import Face

DARKEST, BRIGHTEST = 10.0, 95.0  # L* between which color is seen
DARK = 30.0  # L* below which pixels lie in the dark
COLORED = 8.0  # C above which a pixel has a color


class Pair:
    """Photographs as they were colored, beside their originals.

    Both are of the 8-bit pixels that users get. What scores share is computed once.

    Args:
        preds: float32 (N, 3, H, W), CIELAB.
        target: the same of the originals.
        rgb: the two as sRGB, uint8 (N, 3, H, W).
        own_ab: what was predicted and what would have been right, each float (N, 2, h, w), CIELAB
            units, at the size at which the network sees the photographs.
        faces: boxes around the faces in each original.
        histogram: of the colors of all originals of the set, by `color_histogram`, where a score
            needs it.
        perceptual: the networks of LPIPS and FID, if they are asked for.
    """

    def __init__(
        self,
        preds: Tensor,
        target: Tensor,
        rgb: tuple[Tensor, Tensor],
        *,
        own_ab: tuple[Tensor, Tensor],
        faces: "Sequence[Sequence[Face]]",
        histogram: Tensor | None = None,
        perceptual: "Perceptual | None" = None,
    ) -> None:
        self.preds = preds
        self.target = target
        self.rgb = rgb
        self.own_ab = own_ab
        self.faces = faces
        self.histogram = histogram
        self.perceptual = perceptual
        self.max_lightness = BRIGHTEST

    @cached_property
    def colorfulness(self) -> tuple[Tensor, Tensor]:
        """The colorfulness of the two, (N,)."""
        return colorfulness(self.rgb[0]), colorfulness(self.rgb[1])

    @cached_property
    def absolute_colorfulness(self) -> tuple[Tensor, Tensor]:
        """The `absolute_colorfulness` of the two, (N,)."""
        return absolute_colorfulness(self.rgb[0]), absolute_colorfulness(self.rgb[1])

    @cached_property
    def chroma(self) -> tuple[Tensor, Tensor]:
        """The chroma of the two, (N, H, W), CIELAB units."""
        return torch.hypot(*self.preds[:, 1:].unbind(1)), torch.hypot(*self.target[:, 1:].unbind(1))

    @cached_property
    def hue(self) -> tuple[Tensor, Tensor]:
        """The hue of the two, (N, H, W), degrees in 0..360."""
        return hue_of(self.preds), hue_of(self.target)

    @cached_property
    def seen(self) -> Tensor:
        """Which pixels' color is seen: bool (N, H, W)."""
        lightness = self.target[:, 0]
        return (lightness > DARKEST) & (lightness < self.max_lightness)

    @cached_property
    def colored(self) -> Tensor:
        """Which pixels are seen and have a color in one of the two: bool (N, H, W)."""
        chroma, true_chroma = self.chroma
        return self.seen & ((chroma > COLORED) | (true_chroma > COLORED))

    @cached_property
    def dark(self) -> "Pair":
        """The same pair, of which only the pixels in the dark are seen."""
        dark = copy.copy(self)
        dark.max_lightness = DARK
        for name in ("seen", "colored"):  # which depend on it; what else is known is shared
            vars(dark).pop(name, None)
        return dark


def hue_of(lab: Tensor) -> Tensor:
    """Return the hue of CIELAB colors: (N, 3, ...) -> (N, ...), degrees in 0..360."""
    return torch.rad2deg(torch.atan2(lab[:, 2], lab[:, 1])) % 360


def hue_error(hue: Tensor, true_hue: Tensor) -> Tensor:
    """Return how far one hue is from another, degrees in 0..180."""
    return ((hue - true_hue + 180) % 360 - 180).abs()


def mean_hue(lab: Tensor) -> Tensor:
    """Return the chroma-weighted circular mean hue of each photograph.

    Args:
        lab: float (N, 3, H, W), CIELAB.

    Returns:
        (N,), degrees in 0..360; 0 for a grayscale photograph.
    """
    return hue_of(lab.float().flatten(2).mean(2))
