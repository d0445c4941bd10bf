"""The study's deep network: six levels, joined by skips, with dilation.

Reference: Bayraktar and Senyurt, "Black and White Image Colorization with Deep Learning",
section III; where it is silent, the choices are those of `model1`.
"""

from collections.abc import Sequence

from torch import nn

from colorizer.models.layers import Init, Norm, SkipUNet, check_levels


def model3(
    widths: Sequence[int] = (32, 64, 128, 256, 256, 256),
    dilations: Sequence[int] = (1, 2, 2, 2, 2, 2),
    norm: Norm = "none",
    init: Init = "kaiming",
) -> nn.Module:
    """Build the deep model.

    "six convolutional layers and six transpose convolutional layers. It not only employs skip
    connections but also integrates dilation layers (or 'a trous' layers) into the convolutional
    stages. These dilation layers expand the receptive field [...] without a substantial increase in
    parameters." Read so: the six convolutions are themselves dilated, which adds no parameters; the
    first one, which sees the photograph, stays dense so that its skip carries every pixel.
    """
    check_levels("model3", widths, 6)
    check_levels("model3", dilations, 6, what="dilations")
    return SkipUNet(widths, dilations, norm=norm, init=init)
