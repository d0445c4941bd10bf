"""Photographs side by side: gray, predicted, original."""

from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.models.predict import InUnits
from colorizer.params import Train
from colorizer.training.run_record import grid_path

GAP = 4  # pixels between two photographs
CAPTION = 22  # pixels


@torch.no_grad()
def show_versions(model: nn.Module, photos: LabDataset, count: int) -> dict[str, Tensor]:
    """Return the first photographs as people see them.

    Args:
        model: a network from `create_model`, on any device; its mode (train or eval) becomes eval.
        photos: where the photographs come from.
        count: how many.

    Returns:
        "gray", "predicted" and "original", each uint8 (count, 3, size, size) on the CPU.
    """
    device = next(model.parameters()).device
    squares = photos.squares(torch.arange(min(count, len(photos))))
    lightness, ab = (part.float().to(device) for part in squares)
    predicted = InUnits(model.eval())(lightness)
    versions = {"gray": torch.zeros_like(ab), "predicted": predicted, "original": ab}
    return {
        name: lab_to_rgb(torch.cat((lightness, v), dim=1)).cpu() for name, v in versions.items()
    }


def photo_grid(columns: Mapping[str, Tensor], *, side: int | None = None) -> Image.Image:
    """Draw photographs in rows, a version of them in each captioned column.

    Args:
        columns: by caption, uint8 (N, 3, H, W), the same photographs in the same order.
        side: pixels to show each photograph in; by default its own size, but at least 96.
    """
    first = next(iter(columns.values()))
    rows, height = first.shape[0], first.shape[-2]
    side = side or max(height, 96)
    step = side + GAP
    size = (step * len(columns) + GAP, step * rows + GAP + CAPTION)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, (caption, photos) in enumerate(columns.items()):
        left = GAP + column * step
        center = (left + side / 2, CAPTION / 2 + 1)
        draw.text(center, caption, "black", font=ImageFont.load_default(13), anchor="mm")
        for row, photo in enumerate(photos):
            picture = Image.fromarray(photo.permute(1, 2, 0).numpy())
            shown = picture.resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(shown, (left, CAPTION + GAP + row * step))
    return sheet


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
