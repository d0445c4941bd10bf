"""Photographs in memory, as `evaluate` takes them."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.references import References
from colorizer.photo.face_boxes import Face

Picture = NDArray[np.uint8]


def references_of(
    pictures: Sequence[Picture], ids: Sequence[str], faces: Sequence[list[Face]] = ()
) -> References:
    """Make pictures, uint8 (H, W, 3) each, references as they are."""
    return References(
        list(ids),
        [picture.shape[:2] for picture in pictures],
        list(faces) or [[] for _ in pictures],
        digest="",
        pixels=np.concatenate([picture.ravel() for picture in pictures]),
    )


def random_references(count: int, side: int, *, patches: int = 1) -> References:
    """Make squares of random lightness; of random colors too, in `patches` times as many fields."""
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(count, 1, side, side, generator=generator) * 60 + 20
    ab = torch.rand(count, 2, patches, patches, generator=generator) * 80 - 40
    fields = torch.nn.functional.interpolate(ab, (side, side), mode="nearest")
    lab: Tensor = torch.cat((lightness, fields), dim=1)
    rgb = lab_to_rgb(lab).movedim(1, -1).contiguous().numpy()
    return references_of(list(rgb), [f"a/<{n}>.jpg" for n in range(count)])


def reader(photos: References) -> Callable[[str], Picture]:
    """Return what opens the references in place of the photographs that they were made of."""
    return lambda photo_id: photos[photos.ids.index(photo_id)].rgb
