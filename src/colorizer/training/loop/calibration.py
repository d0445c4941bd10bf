"""A trained network's colors, made as strong and as uneven as those of photographs.

A network that minimizes an expected error predicts what is unsure near gray. Multiplying its chroma
makes up for that, but raises what is a guess as much as what is certain; an exponent above 1 raises
what is certain more. Both are fitted on photographs that the network did not learn from: on those
it did, it is surer than it should be.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE, denormalize_ab, normalize_ab
from colorizer.color.lab_torch import lab_to_rgb
from colorizer.color.statistics import colorfulness
from colorizer.data.dataset import LabDataset
from colorizer.errors import ColorizerError
from colorizer.models import create_model
from colorizer.models.heads import ChromaCurve
from colorizer.models.predict import InUnits
from colorizer.params.recipe import Recipe

logger = logging.getLogger(__name__)

SIDE = 64  # pixels of a photograph's side that are looked at
AT_ONCE = 16  # photographs
EXPONENTS = 0.5, 4.0  # between which the best one is searched
HALVINGS = 12  # of what is left to search in
CORRECTIONS = 3  # of the gain that mean chroma asks for, which counts pixels without color too
COLORED = 8.0  # CIELAB units of chroma above which a pixel has a color, as in `color_bias`
TINY = 1e-6  # for a network that predicts no color at all


def calibrated(
    model: str,
    arguments: Mapping[str, Any],
    weights: dict[str, Tensor],
    photos: LabDataset,
    *,
    recipe: Recipe,
    device: torch.device,
) -> dict[str, Tensor]:
    """Return a training's weights with the chroma curve fitted, if the recipe asks for one.

    Args:
        model: a name in `list_models()`.
        arguments: what `create_model` was given.
        weights: the trained ones.
        photos: all training photographs; the last `recipe.calibrate` of them were kept out.
        recipe: the model's own.
        device: where the network predicts them.
    """
    if not recipe.calibrate:
        return weights
    network = create_model(model, **arguments)
    network.load_state_dict(weights)
    _, kept_out = photos.divide(recipe.calibrate)
    calibrate(network, kept_out, device)
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def calibrate(network: nn.Module, photos: LabDataset, device: torch.device) -> None:
    """Fit a network's `ChromaCurve`, in place.

    Of all curves that give the photographs their chroma, over pixels that have a color, the one is
    taken that gives them their mean colorfulness too, or the nearest to it.

    Args:
        network: with a `curve` that is a `ChromaCurve`; it ends on the CPU.
        photos: which it did not learn from.
        device: where it predicts them.

    Raises:
        ColorizerError: if the network has no such curve.
    """
    curve = find_curve(network)
    curve.gain.fill_(1.0)
    curve.exponent.fill_(1.0)
    preds, target = _predict(network.to(device).eval(), photos, device)
    network.cpu()
    straight = normalize_ab(preds[:, 1:])
    chroma, true_chroma = _chroma(preds) / AB_SCALE, _chroma(target)
    wanted = _colorfulness(target)

    def bent() -> Tensor:
        parts = [curve(part) for part in torch.split(straight, AT_ONCE)]
        return torch.cat((target[:, :1], denormalize_ab(torch.cat(parts))), dim=1)

    def excess(exponent: float) -> float:
        """Return how much more colorful than the originals photographs of their chroma are."""
        curve.exponent.fill_(exponent)
        mean = (chroma**exponent).mean().clamp(min=TINY)
        curve.gain.copy_(true_chroma.mean() / AB_SCALE / mean)
        for _ in range(CORRECTIONS):
            curve.gain /= _ratio(_chroma(bent()), true_chroma)
        return _colorfulness(bent()) - wanted

    excess(_root(excess, *EXPONENTS))
    logger.info(
        "chroma curve: %.3f * chroma ** %.2f, of %d photographs kept out of training",
        float(curve.gain),
        float(curve.exponent),
        len(photos),
    )


def find_curve(network: nn.Module) -> ChromaCurve:
    """Return a network's curve.

    Raises:
        ColorizerError: if it has none.
    """
    curve: Any = getattr(network, "curve", None)
    if not isinstance(curve, ChromaCurve):
        raise ColorizerError(
            "recipe.calibrate fits a chroma curve, and this network has none: set the model's "
            "`curve: true` in params.yaml, or `calibrate: 0`"
        )
    return curve


def _predict(network: nn.Module, photos: LabDataset, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return predictions and originals, CIELAB: (N, 3, h, w) each."""
    step = max(1, photos.size // SIDE)
    predict = InUnits(network)
    preds: list[Tensor] = []
    target: list[Tensor] = []
    for lightness, ab in photos.lab_batches(AT_ONCE, device=device):
        for lab, parts in ((predict(lightness), preds), (ab, target)):
            parts.append(torch.cat((lightness, lab), dim=1)[..., ::step, ::step].cpu())
    return torch.cat(preds), torch.cat(target)


def _colorfulness(lab: Tensor) -> float:
    return float(
        torch.cat([colorfulness(lab_to_rgb(part)) for part in torch.split(lab, AT_ONCE)]).mean()
    )


def _ratio(chroma: Tensor, true_chroma: Tensor) -> Tensor:
    """Return the chroma over the true one, where one of them is a color."""
    counted = (chroma > COLORED) | (true_chroma > COLORED)
    return (chroma[counted].sum() / true_chroma[counted].sum()).nan_to_num(1.0).clamp(min=TINY)


def _chroma(lab: Tensor) -> Tensor:
    return torch.hypot(*lab[:, 1:].unbind(1))


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function is 0, or the end of the interval that is nearest to it."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return high
