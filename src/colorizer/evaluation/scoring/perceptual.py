"""LPIPS and FID, distances as pretrained networks see them: an option, since these have weights."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from colorizer.errors import ColorizerError

if TYPE_CHECKING:
    from torchmetrics.image.fid import FrechetInceptionDistance

    from colorizer.evaluation.scoring.pair import Pair

NEEDS = (
    "LPIPS and FID (perceptual) need torchvision, torch-fidelity and the weights of AlexNet and "
    "Inception v3, which are downloaded once: {reason}; install what is missing with `pip install "
    "torchvision torch-fidelity`, put the weights into {folder}, or leave the option off"
)


class Perceptual:
    """LPIPS of each photograph, and FID of all that were seen since it was last asked for.

    Args:
        lpips: from two batches of float32 (N, 3, H, W), 0..1, to (N,).
        frechet: torchmetrics' FID, whose network takes uint8.

    Reference:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric";
        Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", which asks for many more
        photographs than 1,000: a FID of few is too large, and is to be compared with none of
        another number.
    """

    def __init__(
        self, lpips: Callable[[Tensor, Tensor], Tensor], frechet: "FrechetInceptionDistance"
    ) -> None:
        self._lpips = lpips
        self._frechet = frechet
        self._device = frechet.device
        self._one_at_a_time = Lock()

    @classmethod
    def load(cls, device: torch.device) -> "Perceptual":
        """Load the networks, by torchmetrics.

        Raises:
            ColorizerError: if a package or a network's weights are missing.
        """
        # slow to import, and an option
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        try:
            network = LearnedPerceptualImagePatchSimilarity("alex").net.to(device)
            frechet = FrechetInceptionDistance().to(device)
        except (ImportError, OSError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            folder = f"{torch.hub.get_dir()}/checkpoints"
            raise ColorizerError(NEEDS.format(reason=reason, folder=folder)) from None

        def lpips(preds: Tensor, target: Tensor) -> Tensor:
            with torch.no_grad():
                distances: Tensor = network(preds, target, normalize=True)
            return distances.flatten()

        return cls(lpips, frechet)

    def lpips(self, preds: Tensor, target: Tensor) -> Tensor:
        """Return the LPIPS of each photograph, and remember all for FID; safe from many threads.

        Args:
            preds: uint8 (N, 3, H, W), sRGB; at least 32 pixels high and wide for AlexNet.
            target: the same, of the originals.

        Returns:
            (N,); 0 is the original.
        """
        preds, target = preds.to(self._device), target.to(self._device)
        with self._one_at_a_time:
            self._frechet.update(preds, real=False)
            self._frechet.update(target, real=True)
            return self._lpips(preds.float() / 255, target.float() / 255).cpu()

    def fid(self) -> float:
        """Return the FID of all photographs seen, and forget them."""
        value = float(self._frechet.compute())
        self._frechet.reset()
        return value


def lpips(pair: "Pair") -> Tensor:
    """Return the LPIPS of each photograph, (N,), by the networks that the pair brings."""
    assert pair.perceptual is not None
    return pair.perceptual.lpips(*pair.rgb)
