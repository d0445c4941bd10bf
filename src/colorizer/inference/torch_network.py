"""A network computed by PyTorch."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colorizer.errors import NoClassesError, NoFeaturesError
from colorizer.inference.features import all_of, has_features
from colorizer.models.hardware import computes_bf16
from colorizer.models.heads import BinsNetwork
from colorizer.models.predict import InUnits, ab_and_classes
from colorizer.models.weights import load_model
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.parallel import one_thread_each

Precision = Literal["auto", "float32"]


class TorchNetwork:
    """A network computed by PyTorch, on any device.

    Args:
        model: a network from `create_model` with its weights.
        metadata: what it is and the size it was trained on.
        device: where it computes.
        precision: "auto" computes in bfloat16 where the hardware does so natively, about twice as
            fast and too close for the eye; "float32" gives the same numbers everywhere.
    """

    def __init__(
        self,
        model: nn.Module,
        metadata: WeightsMetadata,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.metadata = metadata
        self.bf16 = precision == "auto" and computes_bf16(self.device)
        self._in_units = InUnits(self.model)

    @classmethod
    def from_file(
        cls, path: Path, *, device: str = "cpu", precision: Precision = "auto"
    ) -> "TorchNetwork":
        """Load a weights file.

        Raises:
            ColorizerError: if it is missing or no weights file of this project.
        """
        return cls(*load_model(path), device=device, precision=precision)

    @torch.no_grad()
    def predict_ab(self, lightness: Any) -> Any:
        """Predict color for a batch, as `Colorizer.predict_ab`: a tensor, or an array of one."""
        given = torch.as_tensor(lightness).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            ab = self._in_units(given)
        return ab if isinstance(lightness, Tensor) else ab.cpu().numpy()

    @torch.no_grad()
    def predict_ab_and_classes(self, lightness: Any) -> tuple[Any, Any, NDArray[np.float32]]:
        """Predict color and how likely each is, as `Network.predict_ab_and_classes`."""
        if not isinstance(self.model, BinsNetwork):
            raise NoClassesError(self.metadata.model)
        given = torch.as_tensor(lightness).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            found = ab_and_classes(self.model, given)
        centers: NDArray[np.float32] = self.model.centers.float().cpu().numpy()
        ab, shares = found if isinstance(lightness, Tensor) else (t.cpu().numpy() for t in found)
        return ab, shares, centers

    @torch.no_grad()
    def predict_ab_and_features(self, lightness: Any) -> tuple[Any, Any]:
        """Predict color and features, as `Network.predict_ab_and_features`."""
        if not has_features(self.model):
            raise NoFeaturesError(self.metadata.model)
        given = torch.as_tensor(lightness).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            ab, _, features = all_of(self.model, given)
        if isinstance(lightness, Tensor):
            return ab, features
        return ab.cpu().numpy(), features.cpu().numpy()

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Compute with one thread a call while calls come from as many as there are cores."""
        return one_thread_each()
