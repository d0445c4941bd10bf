"""Sample grids: what a network predicts for photographs while it is trained."""

from pathlib import Path

import torch
from torch import nn

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.grids import Picture, photo_grid
from colorizer.models.predict import InUnits
from colorizer.params import Train
from colorizer.training.run_record import grid_path


@torch.no_grad()
def show_versions(model: nn.Module, photos: LabDataset, count: int) -> dict[str, list[Picture]]:
    """Return the first photographs of the arrays that a training sees.

    Args:
        model: a network from `create_model`, on any device; its mode (train or eval) becomes eval.
        photos: where the photographs come from.
        count: how many.

    Returns:
        "gray", "predicted" and "original", each uint8 (size, size, 3).
    """
    device = next(model.parameters()).device
    squares = photos.squares(torch.arange(min(count, len(photos))))
    lightness, ab = (part.float().to(device) for part in squares)
    predicted = InUnits(model.eval())(lightness)
    versions = {"gray": torch.zeros_like(ab), "predicted": predicted, "original": ab}
    return {
        name: list(lab_to_rgb(torch.cat((lightness, v), dim=1)).movedim(1, -1).cpu().numpy())
        for name, v in versions.items()
    }


def draw_samples(
    model: nn.Module, photos: LabDataset, folder: Path, *, epoch: int, params: Train
) -> None:
    """Draw the sample grid of an epoch into a run's folder, if it is due.

    Args:
        model: as `show_versions`.
        photos: as `show_versions`.
        folder: the run's.
        epoch: which one has ended; the first, the last and every `grid_every`-th has a grid.
        params: how many epochs there are, and how many photographs a grid shows.
    """
    if epoch in (1, params.epochs) or epoch % params.grid_every == 0:
        versions = show_versions(model, photos, params.grid_photos)
        photo_grid(versions).save(grid_path(folder, epoch))
