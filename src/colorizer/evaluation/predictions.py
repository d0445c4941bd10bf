"""A network's colors, as `evaluate` takes them; `baselines` are the colors that none predicts."""

import torch.nn.functional as F
from torch import Tensor

from colorizer.evaluation.evaluate import Predict
from colorizer.inference.torch_network import TorchNetwork


def by_network(network: TorchNetwork) -> Predict:
    """Return what a network predicts, for `evaluate` on the network's device.

    A network of another size than the photographs' sees them at its own.
    """

    def predict(lightness: Tensor, _: slice) -> Tensor:
        height, width = shape = lightness.shape[2:]
        seen = network.metadata.shape(height, width)
        if shape == seen:
            ab: Tensor = network.predict_ab(lightness)
            return ab
        own = F.interpolate(lightness, seen, mode="bicubic", antialias=True).clamp(0, 100)
        return F.interpolate(network.predict_ab(own), shape, mode="bicubic", antialias=True)

    return predict
