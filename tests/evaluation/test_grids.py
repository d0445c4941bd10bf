from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from colorizer.color.lab import AB_SCALE, rgb_to_lab
from colorizer.color.lab_torch import lab_to_rgb
from colorizer.data.dataset import LabDataset
from colorizer.evaluation.grids import CAPTION, GAP, Picture, photo_grid
from colorizer.evaluation.samples import draw_samples, show_versions
from colorizer.params import Train
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from colorizer.training.run_record import GRIDS, list_grids

WHITE = (255, 255, 255)
COLORFUL = ("mirflickr/im2.jpg", "mirflickr/im3.jpg", "mirflickr/im4.jpg")


class Flat(nn.Module):
    """A network that predicts one color everywhere."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.ab = nn.Parameter(torch.tensor([a, b]).view(1, 2, 1, 1) / AB_SCALE)
        self.shown: list[Tensor] = []

    def forward(self, lightness: Tensor) -> Tensor:
        self.shown.append(lightness)
        return self.ab.expand(len(lightness), 2, *lightness.shape[-2:])


def lab_of(pictures: Tensor) -> Tensor:
    """Return the CIELAB of uint8 (N, 3, H, W)."""
    return torch.from_numpy(np.stack([rgb_to_lab(p.permute(1, 2, 0).numpy()) for p in pictures]))


@pytest.fixture(scope="module")
def originals(sample_photos: dict[str, bytes]) -> Tensor:
    shown = [resize(decode(sample_photos[n]).rgb, size=24, resample="bilinear") for n in COLORFUL]
    return torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def photos(originals: Tensor) -> LabDataset:
    lab = lab_of(originals).half()
    return LabDataset(lab[:, :1], lab[:, 1:], list(COLORFUL), digest="")


def flat(*colors: tuple[int, int, int], side: int = 100) -> list[Picture]:
    """Return a photograph of one color for each color given."""
    return [np.full((side, side, 3), color, np.uint8) for color in colors]


def planes(pictures: list[Picture]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1)


def test_versions_are_pictures_of_the_first_photographs(photos: LabDataset) -> None:
    versions = show_versions(Flat(0, 0), photos, 2)
    assert list(versions) == ["gray", "predicted", "original"]
    for version in versions.values():
        assert [picture.shape for picture in version] == [(24, 24, 3)] * 2
        assert {str(picture.dtype) for picture in version} == {"uint8"}


@pytest.mark.parametrize("count", [1, 3])
def test_originals_are_the_first_photographs(
    photos: LabDataset, originals: Tensor, count: int
) -> None:
    shown = planes(show_versions(Flat(0, 0), photos, count)["original"])
    difference = (shown.int() - originals[:count].int()).abs()
    assert difference.max() <= 4  # what float16 leaves of bright lightness, after gamma
    assert difference.float().mean() < 0.2


@pytest.mark.parametrize("count", [1, 3])
def test_gray_is_neutral_and_as_light_as_the_photograph(
    photos: LabDataset, originals: Tensor, count: int
) -> None:
    gray = planes(show_versions(Flat(50, 50), photos, count)["gray"]).int()
    assert (gray.amax(1) - gray.amin(1)).max() <= 1
    lightness = lab_of(gray.to(torch.uint8))[:, 0] - lab_of(originals[:count])[:, 0]
    assert lightness.abs().max() < 0.5


def test_predicted_has_the_network_s_color_and_the_photograph_s_lightness(
    photos: LabDataset,
) -> None:
    shown = planes(show_versions(Flat(20, -30), photos, 3)["predicted"])
    ab = torch.tensor([20.0, -30.0]).view(1, 2, 1, 1).expand(3, 2, 24, 24)
    expected = lab_to_rgb(torch.cat((photos.lightness.float(), ab), dim=1))
    assert (shown.int() - expected.int()).abs().max() <= 1


def test_the_network_sees_normalized_lightness_alone(photos: LabDataset) -> None:
    model = Flat(0, 0).train()
    show_versions(model, photos, 3)
    (shown,) = model.shown
    torch.testing.assert_close(shown, photos.lightness.float() / 50 - 1)
    assert not model.training


def test_more_photographs_than_there_are_shows_them_all(photos: LabDataset) -> None:
    assert len(show_versions(Flat(0, 0), photos, 99)["gray"]) == 3


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 2)])
def test_a_grid_has_room_for_every_photograph(rows: int, columns: int) -> None:
    photos = flat(*[WHITE] * rows)
    sheet = photo_grid({str(column): photos for column in range(columns)})
    step = 100 + GAP
    assert sheet.size == (GAP + columns * step, CAPTION + GAP + rows * step)
    assert sheet.mode == "RGB"


@pytest.mark.parametrize(
    ("side", "shown", "asked"), [(8, 96, None), (96, 96, None), (130, 130, None), (130, 50, 50)]
)
def test_photographs_are_shown_at_their_own_size_unless_small_or_asked(
    side: int, shown: int, asked: int | None
) -> None:
    sheet = photo_grid({"a": flat((0, 0, 0), side=side)}, side=asked)
    assert sheet.size == (2 * GAP + shown, CAPTION + 2 * GAP + shown)


def test_rows_are_photographs_and_columns_their_versions() -> None:
    colors = {
        "a": [(250, 10, 10), (10, 250, 10), (10, 10, 250)],
        "b": [(200, 0, 100), (100, 200, 0), (0, 100, 200)],
    }
    sheet = np.asarray(photo_grid({caption: flat(*column) for caption, column in colors.items()}))
    for column, of_photographs in enumerate(colors.values()):
        for row, color in enumerate(of_photographs):
            left, top = GAP + column * (100 + GAP), CAPTION + GAP + row * (100 + GAP)
            assert (sheet[top : top + 100, left : left + 100] == color).all()
            assert (sheet[top - GAP : top, left : left + 100] == 255).all() or row == 0
            assert (sheet[top : top + 100, left - GAP : left] == 255).all()
            assert (sheet[top : top + 100, left + 100 : left + 100 + GAP] == 255).all()
            assert (sheet[top + 100 : top + 100 + GAP, left : left + 100] == 255).all()


def test_a_photograph_of_its_own_size_is_shown_pixel_by_pixel() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    sheet = np.asarray(photo_grid({"a": [photo]}))
    assert np.array_equal(sheet[CAPTION + GAP : CAPTION + GAP + 96, GAP : GAP + 96], photo)


def test_photographs_keep_their_proportions_in_the_middle_of_their_column() -> None:
    wide, tall = np.zeros((50, 100, 3), np.uint8), np.zeros((100, 20, 3), np.uint8)
    sheet = np.asarray(photo_grid({"a": [wide, tall]}))
    assert sheet.shape == (CAPTION + GAP + 50 + GAP + 100 + GAP, 100 + 2 * GAP, 3)
    black = (sheet == 0).all(-1)
    top = CAPTION + GAP
    assert black[top : top + 50, GAP : GAP + 100].all()
    assert black[top + 50 + GAP :, GAP + 40 : GAP + 60].sum() == 100 * 20
    assert black[CAPTION:].sum() == 100 * 50 + 100 * 20


def test_a_small_photograph_is_enlarged() -> None:
    (photo,) = flat((0, 0, 0), side=8)
    photo[:, 4:] = 255  # black on the left, white on the right
    whole = np.asarray(photo_grid({"a": [photo]}))
    sheet = whole[CAPTION + GAP : CAPTION + GAP + 96, GAP : GAP + 96]
    assert (sheet[:, :36] < 16).all()
    assert (sheet[:, -36:] > 239).all()


def test_every_column_has_its_caption_above_it() -> None:
    photos = flat(WHITE)
    plain, captioned = (
        np.asarray(photo_grid({"": photos, caption: photos})) for caption in (" ", "predicted")
    )
    assert (plain == 255).all()
    rows, columns, _ = np.nonzero(captioned != 255)
    assert rows.max() < CAPTION
    assert GAP + 100 + GAP <= columns.min() <= columns.max() < 2 * (GAP + 100)
    center = (columns.min() + columns.max()) / 2
    assert abs(center - (GAP + 100 + GAP + 50)) <= 2


def test_the_same_photographs_give_the_same_grid(photos: LabDataset) -> None:
    first, second = (photo_grid(show_versions(Flat(9, 9), photos, 2)) for _ in range(2))
    assert isinstance(first, Image.Image)
    assert first.tobytes() == second.tobytes()


def test_the_first_the_last_and_every_so_manyth_epoch_has_a_grid(
    photos: LabDataset, tmp_path: Path
) -> None:
    (tmp_path / GRIDS).mkdir()
    train = Train(seed=7, epochs=7, batch_size=2, lr=0.1, grid_every=3, grid_photos=1)
    for epoch in range(1, 8):
        draw_samples(Flat(9, 9), photos, tmp_path, epoch=epoch, params=train)
    assert list(list_grids(tmp_path)) == [1, 3, 6, 7]
