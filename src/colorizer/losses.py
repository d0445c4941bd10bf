"""What training minimizes."""

import torch.nn.functional as F
from torch import Tensor


def l2(preds: Tensor, target: Tensor) -> Tensor:
    """Return the study's L2: the mean of the squared differences.

    Args:
        preds: (N, 2, H, W), normalized ab.
        target: the same shape and units.

    Returns:
        float32 scalar, the mean over photographs, channels and pixels.

    Reference:
        The study, section V: L2 = 1/N sum (y_i - y^_i)^2.
    """
    return F.mse_loss(preds.float(), target.float())
