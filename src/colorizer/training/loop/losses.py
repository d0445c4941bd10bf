"""What training minimizes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorizer.color.ab_quantization import bin_centers
from colorizer.color.lab import denormalize_ab
from colorizer.errors import ColorizerError
from colorizer.training.loop.ab_encoding import encode, nearest_bin


def l2(preds: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the study's L2: the mean of the squared differences.

    Args:
        preds: (N, 2, H, W), normalized ab.
        target: the same shape and units.
        weights: (N, 1, H, W), how much each pixel counts; by default all alike.

    Returns:
        float32 scalar, the mean over photographs, channels and pixels.

    Reference:
        The study, section V: L2 = 1/N sum (y_i - y^_i)^2.
    """
    if weights is None:
        return F.mse_loss(preds.float(), target.float())
    return (weights * F.mse_loss(preds.float(), target.float(), reduction="none")).mean()


HUBER = 0.1  # of normalized ab, 11 CIELAB units


def huber(preds: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the Huber loss, which minds a large error less than L2 does.

    Args:
        preds: (N, 2, H, W), normalized ab.
        target: the same shape and units.
        weights: (N, 1, H, W), how much each pixel counts; by default all alike.

    Returns:
        float32 scalar: quadratic below `HUBER` and linear beyond, with the slope of L2 there.
    """
    errors = 2 * F.huber_loss(preds.float(), target.float(), delta=HUBER, reduction="none")
    return errors.mean() if weights is None else (weights * errors).mean()


def gradient(preds: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute difference of neighboring pixels' differences.

    It tells colors that bleed over an edge from those that end there.

    Args:
        preds: (N, 2, H, W), normalized ab.
        target: the same shape and units.

    Returns:
        float32 scalar, the mean over both directions.
    """
    error = preds.float() - target.float()
    down, across = error.diff(dim=-2).abs().mean(), error.diff(dim=-1).abs().mean()
    return (down + across) / 2


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the cross-entropy of color as one of `bin_centers`.

    Args:
        logits: (N, Q, h, w).
        target: (N, 2, H, W), normalized ab; its mean over each of the h x w pixels is what is
            learned.
        weights: (Q,), how much a pixel of each bin counts.

    Returns:
        float32 scalar, the mean over photographs and pixels.

    Reference:
        Zhang, Isola and Efros 2016, equation 2.
    """
    height, width = logits.shape[-2:]
    small = F.adaptive_avg_pool2d(target.float(), (height, width))
    bins, shares = encode(denormalize_ab(small))
    log_probability = F.log_softmax(logits.float(), dim=1).gather(1, bins)
    entropy = -(shares * log_probability).sum(1)
    return (weights[bins[:, 0]] * entropy).mean()


class Objective(nn.Module):
    """A network and its loss as one module: photographs and their colors in, a scalar out.

    Args:
        network: from `create_model`.
        loss: "l2", "huber" or "bins", their `cross_entropy`; the last needs a network that predicts
            bins.
        gradient_weight: of `gradient`, added to the first two.
        bin_weights: (Q,), how much a pixel of each bin counts, of `rebalancing_weights`; by default
            all alike.

    Raises:
        ColorizerError: if the loss and the network do not fit.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: str,
        *,
        gradient_weight: float = 0.0,
        bin_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        if loss == "bins":
            if not hasattr(network, "logits"):
                raise ColorizerError(
                    "the loss `bins` needs a network that predicts bins: set `head: bins`"
                )
            if bin_weights is None:
                bin_weights = torch.ones(len(bin_centers()))
        self.network = network
        self.loss = loss
        self.gradient_weight = gradient_weight
        self.register_buffer("bin_weights", bin_weights, persistent=False)

    def of(self, network: nn.Module) -> "Objective":
        """Return the same loss of another network."""
        weights = self.bin_weights
        assert weights is None or isinstance(weights, Tensor)
        return Objective(
            network, self.loss, gradient_weight=self.gradient_weight, bin_weights=weights
        )

    def forward(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the mean loss of a batch: (N, 1, H, W) and (N, 2, H, W), both normalized."""
        network: Any = self.network
        weights: Any = self.bin_weights
        if self.loss == "bins":
            return cross_entropy(network.logits(lightness), ab, weights)
        preds = network(lightness)
        if weights is not None:
            weights = weights[nearest_bin(denormalize_ab(ab))][:, None]
        loss = (l2 if self.loss == "l2" else huber)(preds, ab, weights)
        if self.gradient_weight:
            loss = loss + self.gradient_weight * gradient(preds, ab)
        return loss
