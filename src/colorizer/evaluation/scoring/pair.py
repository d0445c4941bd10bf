"""What scores look at: a batch of predictions beside the originals, in the pixels users get."""

import copy
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from colorizer.color.lab_torch import fit_to_srgb, lab_to_rgb
from colorizer.color.statistics import absolute_colorfulness, colorfulness

if TYPE_CHECKING:
    from colorizer.evaluation.scoring.perceptual import Perceptual

DARKEST, BRIGHTEST = 10.0, 95.0  # L* between which color is seen
DARK = 30.0  # L* below which pixels lie in the dark
COLORED = 8.0  # C above which a pixel has a color


class Pair:
    """A batch predicted, beside its originals.

    Both are as `colorize` shows them: colors that sRGB cannot show have lost chroma. What scores
    share is computed once.

    Args:
        lightness: float32 (N, 1, H, W), L* in 0..100.
        own_ab: float32 (N, 2, H, W), CIELAB units, as the network predicts it.
        true_ab: the same of the originals.
        histogram: of all originals' colors, by `color_histogram`, where a score needs it.
        perceptual: the networks of LPIPS and FID, where they are asked for.

    Attributes:
        preds, target: float32 (N, 3, H, W), CIELAB as shown.
    """

    def __init__(
        self,
        lightness: Tensor,
        own_ab: Tensor,
        true_ab: Tensor,
        *,
        histogram: Tensor | None = None,
        perceptual: "Perceptual | None" = None,
    ) -> None:
        self.own_ab = own_ab
        self.true_ab = true_ab
        self.histogram = histogram
        self.perceptual = perceptual
        self.max_lightness = BRIGHTEST
        self.preds = fit_to_srgb(torch.cat((lightness, own_ab), dim=1))
        self.target = fit_to_srgb(torch.cat((lightness, true_ab), dim=1))

    @cached_property
    def rgb(self) -> tuple[Tensor, Tensor]:
        """The two as sRGB, uint8 (N, 3, H, W)."""
        return lab_to_rgb(self.preds), lab_to_rgb(self.target)

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


def mean_hue(lab: Tensor) -> Tensor:
    """Return the chroma-weighted circular mean hue of each photograph.

    Args:
        lab: float (N, 3, H, W), CIELAB.

    Returns:
        (N,), degrees in 0..360; 0 for a grayscale photograph.
    """
    return hue_of(lab.float().flatten(2).mean(2))
