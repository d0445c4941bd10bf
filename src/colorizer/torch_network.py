"""A network computed by PyTorch."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colorizer.card import ModelCard
from colorizer.checkpoint import load_model
from colorizer.color import denormalize_ab, normalize_lightness
from colorizer.hardware import computes_bf16, one_thread_each
from colorizer.resampling import resize

Precision = Literal["auto", "float32"]


class TorchNetwork:
    """A network computed by PyTorch, on any device.

    Args:
        model: a network from `create_model` with its weights.
        card: what it is and the size it was trained on.
        device: where it computes.
        precision: "auto" computes in bfloat16 where the hardware does so natively, about twice as
            fast and too close for the eye; "float32" gives the same numbers everywhere.
    """

    def __init__(
        self,
        model: nn.Module,
        card: ModelCard,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.card = card
        self.bf16 = precision == "auto" and computes_bf16(self.device)

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
        """Predict colour for a batch, as `Colorizer.predict_ab`: a tensor, or an array of one."""
        given = torch.as_tensor(lightness).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            ab = self.model(normalize_lightness(given))
        ab = denormalize_ab(ab.float())
        return ab if isinstance(lightness, Tensor) else ab.cpu().numpy()

    def resize(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a picture, uint8 (H, W, 3), to the size that the network knows."""
        return resize(rgb, size=self.card.size, resample=self.card.resample)

    def one_thread_each(self) -> AbstractContextManager[None]:
        """Compute with one thread a call while calls come from as many as there are cores."""
        return one_thread_each()
