"""The way that tutorials show: Pillow and scikit-image for each photograph, a plain training loop.

It is kept fair: it does what it has to and nothing twice, on as many workers as there are cores.
"""

import io
import warnings
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from skimage.color import lab2rgb, rgb2lab
from skimage.transform import resize
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


def photo_to_lab(data: bytes, size: int, *, by: str = "skimage") -> NDArray[np.float32]:
    """Decode, resize with antialiasing, convert: float32 (3, size, size) in CIELAB units."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    if by == "skimage":
        square = resize(np.asarray(image), (size, size), anti_aliasing=True)
    else:
        square = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
    return rgb2lab(square).transpose(2, 0, 1).astype(np.float32)


class Photographs(Dataset[tuple[Tensor, Tensor]]):
    """Photographs that are decoded whenever they are asked for."""

    def __init__(self, files: Sequence[bytes], size: int) -> None:
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        lab = torch.from_numpy(photo_to_lab(self.files[index], self.size, by="pillow"))
        return lab[:1] / 50 - 1, lab[1:] / 110


def make_loader(
    files: Sequence[bytes], size: int, batch_size: int, workers: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Return a loader that shuffles, with workers that stay."""
    return DataLoader(
        Photographs(files, size),
        batch_size=batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: DataLoader[tuple[Tensor, Tensor]],
    device: torch.device,
) -> float:
    """Train for an epoch in float32; return the mean loss."""
    model.train()
    total = 0.0
    for lightness, ab in loader:
        lightness, ab = lightness.to(device), ab.to(device)
        optimizer.zero_grad()
        loss = F.mse_loss(model(lightness), ab)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(lightness)
    return total / len(loader.dataset)  # type: ignore[arg-type]


def recolor(data: bytes, ab: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], bytes]:
    """Color a photograph whose ab (h, w, 2) is given.

    Returns:
        What a network would have been shown, L* (size, size), and the JPEG file.
    """
    lab = rgb2lab(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    lightness = resize(lab[..., 0], (size, size), anti_aliasing=True)
    lab[..., 1:] = resize(ab, lab.shape[:2], order=3)
    rgb = (to_rgb(lab) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "jpeg", quality=95, subsampling=0)
    return lightness, buffer.getvalue()


def to_rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert CIELAB (H, W, 3) to sRGB in 0..1, without scikit-image's warning about clipping."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return lab2rgb(lab)
