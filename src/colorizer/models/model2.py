"""The study's intermediate network: three levels, joined by skips.

Reference: Bayraktar and Senyurt, "Black and White Image Colorization with Deep Learning",
section III; where it is silent, the choices are those of `model1`.
"""

from collections.abc import Sequence

from torch import nn

from colorizer.models.layers import Init, Norm, SkipUNet, check_levels


def model2(
    widths: Sequence[int] = (32, 64, 128), norm: Norm = "none", init: Init = "kaiming"
) -> nn.Module:
    """Build the intermediate model.

    "It includes three convolutional layers and three transpose convolutional layers, maintaining
    the input as the Lightness (L) channel. The addition of skip connections between corresponding
    encoder and decoder layers [...]". The head is U-Net's 1x1: the study names 2x2 for model1 only.
    """
    check_levels("model2", widths, 3)
    return SkipUNet(widths, [1] * len(widths), norm=norm, init=init)
