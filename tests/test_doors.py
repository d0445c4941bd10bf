"""The same picture is the same pixels by every door, and what is refused is refused by all.

Each door colors with a network that predicts none: what comes out is the lightness of the pixels
that it decoded. `python -m pytest tests/test_doors.py -s` prints the table.
"""

import base64
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
import tifffile
import torch
from mlflow.pyfunc import PyFuncModel, scoring_server
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from app_server import answering
from colorizer import Colorizer
from colorizer.apps.colorize import app as command_line
from colorizer.apps.web import choices
from colorizer.apps.web.look import Look
from colorizer.apps.web.session import Session
from colorizer.color.lab import rgb_to_lab
from colorizer.color.recoloring import recolor
from colorizer.color.tone import is_black_and_white
from colorizer.data import dataset
from colorizer.data.grayscale import measure
from colorizer.data.make_references import to_reference
from colorizer.data.preprocess import photo_to_lab, preprocess
from colorizer.errors import ColorizerError
from colorizer.evaluation.evaluate_folder import read_photos
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.params import Preprocess
from colorizer.photo.decode import decode
from colorizer.photo.resize import resize
from icc_profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    Primaries,
    cmyk_profile,
    encoded,
    gamma,
    linear,
    profile,
    rgb_profile,
    srgb_curve,
)
from model_server import save_model

RGB = NDArray[np.uint8]

SIZE = 16
SHOWN: RGB = (
    np.random.RandomState(7)
    .randint(30, 226, (4, 6, 3), dtype=np.uint8)
    .repeat(8, axis=0)
    .repeat(8, axis=1)
)
"""The photograph, in sRGB: fields of color that survive JPEG."""

GRAY: RGB = SHOWN[..., 0]
HOLE = np.zeros(GRAY.shape, bool)
HOLE[8:16, 8:24] = True
TEAL = (128, 88, 118)  # CIELAB 50, -40, -10, of 8 bits


def save(pixels: Any, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, format, **options)
    return buffer.getvalue()


def to_space(primaries: Primaries, exponent: float | None) -> RGB:
    """Return `SHOWN` in another color space; no exponent is sRGB's curve."""
    to_xyz, from_xyz = (np.array([p[c] for c in "rgb"]).T for p in (SRGB, primaries))
    light = (linear(SHOWN / 255) @ (np.linalg.inv(from_xyz) @ to_xyz).T).clip(0, 1)
    levels = encoded(light) if exponent is None else light ** (1 / exponent)
    return (255 * levels).round().astype(np.uint8)


def tagged(primaries: Primaries, exponent: float | None) -> bytes:
    curve = srgb_curve(1024) if exponent is None else gamma(exponent)
    pixels = to_space(primaries, exponent)
    return save(pixels, icc_profile=rgb_profile(curve, primaries=primaries))


def oriented(orientation: int, format: str) -> bytes:
    """Return `SHOWN` as a camera stores it that was held otherwise."""
    stored = {
        1: SHOWN,
        2: np.fliplr(SHOWN),
        3: np.rot90(SHOWN, 2),
        4: np.flipud(SHOWN),
        5: SHOWN.swapaxes(0, 1),
        6: np.rot90(SHOWN),
        7: np.rot90(SHOWN, 2).swapaxes(0, 1),
        8: np.rot90(SHOWN, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": "4:4:4"} if format == "JPEG" else {}
    return save(np.ascontiguousarray(stored), format, exif=exif, **options)


def tiff16() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, SHOWN.astype(np.uint16) * 257, photometric="rgb", metadata=None)
    return buffer.getvalue()


def palette() -> bytes:
    indices = np.arange(24, dtype=np.uint8).reshape(4, 6).repeat(8, axis=0).repeat(8, axis=1)
    indices[HOLE] = 24
    image = Image.fromarray(indices, "P")
    image.putpalette([*SHOWN[::8, ::8].ravel().tolist(), 255, 0, 0])
    return save(image, transparency=24)


ON_WHITE, GRAY_RGB = np.where(HOLE[..., None], 255, SHOWN), np.dstack([GRAY] * 3)
GRAY_18 = (255 * linear(GRAY / 255) ** (1 / 1.8)).round().astype(np.uint8)
INK = Image.fromarray(SHOWN).convert("CMYK")
CYAN = Image.fromarray(np.where(HOLE[..., None], 0, (255, 0, 0, 0)).astype(np.uint8), "CMYK")

PICTURES: dict[str, tuple[bytes, RGB, int]] = {
    # by name: the file, the photograph that it shows, and how far levels of 8 bits may be off
    "ICC sRGB": (tagged(SRGB, None), SHOWN, 0),
    "ICC Adobe RGB": (tagged(ADOBE_RGB, 2.2), SHOWN, 3),
    "ICC ProPhoto": (tagged(PROPHOTO, 1.8), SHOWN, 5),
    "ICC Display P3": (tagged(DISPLAY_P3, None), SHOWN, 3),
    "ICC gray gamma 1.8": (
        save(GRAY_18, icc_profile=profile(b"GRAY", {b"kTRC": gamma(1.8)})),
        GRAY_RGB,
        2,
    ),
    "ICC channels swapped": (
        save(SHOWN[..., [1, 0, 2]], icc_profile=rgb_profile(srgb_curve(1024), "grb")),
        SHOWN,
        2,
    ),
    "ICC broken": (save(SHOWN, icc_profile=rgb_profile(gamma(1.8))[:200]), SHOWN, 0),
    **{f"EXIF {n} PNG": (oriented(n, "PNG"), SHOWN, 0) for n in range(1, 9)},
    **{f"EXIF {n} JPEG": (oriented(n, "JPEG"), SHOWN, 4) for n in (3, 6)},
    "EXIF 6 TIFF": (oriented(6, "TIFF"), SHOWN, 0),
    "CMYK JPEG": (save(INK, "JPEG", quality=100, subsampling="4:4:4"), SHOWN, 6),
    "CMYK TIFF, ICC": (
        save(CYAN, "TIFF", icc_profile=cmyk_profile(TEAL)),
        np.where(HOLE[..., None], 255, (0, 136, 137)).astype(np.uint8),
        4,
    ),
    "16 bits gray": (save(GRAY.astype(np.uint16) * 257), GRAY_RGB, 0),
    "16 bits color": (tiff16(), SHOWN, 0),
    "palette, transparent": (palette(), ON_WHITE, 0),
    "gray with alpha": (
        save(np.dstack([GRAY, np.where(HOLE, 0, 255).astype(np.uint8)])),
        np.where(HOLE[..., None], 255, GRAY_RGB),
        0,
    ),
    "GIF": (save(Image.fromarray(SHOWN).quantize(32, dither=Image.Dither.NONE), "GIF"), SHOWN, 0),
    "MPO": (
        save(
            Image.fromarray(SHOWN),
            "MPO",
            save_all=True,
            quality=100,
            subsampling="4:4:4",
            append_images=[Image.new("RGB", (48, 32), "red")],
        ),
        SHOWN,
        4,
    ),
}


def several(format: str) -> bytes:
    first, second = Image.fromarray(SHOWN), Image.fromarray(255 - SHOWN)
    return save(first, format, save_all=True, append_images=[second])


SEVERAL = {
    f"{format} of two pictures": several(format) for format in ("TIFF", "GIF", "WEBP", "PNG")
}
VERDICT = {
    name: "2 pictures in one TIFF file: save each as a file of its own"
    if name.startswith("TIFF")
    else "an animation of 2 pictures, whose colors would flicker: save each as a file of its own"
    for name in SEVERAL
}

FILES = {name: data for name, (data, _, _) in PICTURES.items()} | SEVERAL
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "GIF": ".gif", "WEBP": ".webp"}

Door = Callable[[str], RGB]
"""From a picture's name to what comes out: gray of the lightness that was decoded; or its error."""


def file_name(name: str) -> str:
    format = Image.open(io.BytesIO(FILES[name])).format
    return name.replace(" ", "_").replace(",", "") + SUFFIXES.get(str(format), ".png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pictures, as files."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, data in FILES.items():
        (folder / file_name(name)).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that predicts no color."""
    model = create_model("model1", widths=[2, 2])
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    none = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    save_weights(path, WeightsMetadata("model1", {"widths": [2, 2]}, SIZE), none)
    return path


@pytest.fixture(scope="module")
def registered(weights: Path) -> PyFuncModel:
    return mlflow.pyfunc.load_model(str(save_model(weights)))


@pytest.fixture(scope="module")
def served(registered: PyFuncModel) -> Iterator[str]:
    """What `mlflow models serve` runs, in a thread; return its address."""
    with answering(scoring_server.init(registered)) as address:
        yield f"{address}/invocations"


@pytest.fixture(scope="module")
def door_of_command_line(folder: Path, weights: Path) -> Door:
    out = folder.parent / "out"
    arguments = [folder, "-o", out, "--model", weights, "--force", "--format", "png"]
    said = CliRunner().invoke(command_line, [str(argument) for argument in arguments])
    assert said.exit_code == 1  # of the files that are refused

    def door(name: str) -> RGB:
        target = (out / file_name(name)).with_suffix(".png")
        if target.exists():
            return decode(target.read_bytes()).rgb
        lines = said.output.splitlines()  # each file's own, and then the table
        raise ColorizerError(next(line for line in lines if f"{file_name(name)}: " in line))

    return door


@pytest.fixture(scope="module")
def door_of_python_path(folder: Path, weights: Path) -> Door:
    colorizer = Colorizer.from_file(weights)
    return lambda name: np.asarray(colorizer(folder / file_name(name)))


@pytest.fixture(scope="module")
def door_of_python_bytes(weights: Path) -> Door:
    colorizer = Colorizer.from_file(weights)
    return lambda name: np.asarray(colorizer(FILES[name]))


@pytest.fixture(scope="module")
def door_of_python_pillow(weights: Path) -> Door:
    colorizer = Colorizer.from_file(weights)
    return lambda name: np.asarray(colorizer(Image.open(io.BytesIO(FILES[name]))))


@pytest.fixture(scope="module")
def door_of_registered_model(registered: PyFuncModel) -> Door:
    def door(name: str) -> RGB:
        return decode(registered.predict(pd.DataFrame({"image": [FILES[name]]}))["image"][0]).rgb

    return door


@pytest.fixture(scope="module")
def door_of_served_model(served: str) -> Door:
    def door(name: str) -> RGB:
        data = [[base64.b64encode(FILES[name]).decode()]]
        request = {"dataframe_split": {"columns": ["image"], "data": data}}
        answer = requests.post(served, json=request, timeout=30)
        if not answer.ok:
            raise ColorizerError(answer.json()["message"])
        return decode(base64.b64decode(answer.json()["predictions"][0]["image"])).rgb

    return door


@pytest.fixture(scope="module")
def door_of_page(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Door:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choices, "list_known", list)
        session = Session([str(weights)], tmp_path_factory.mktemp("session"))

    def door(name: str) -> RGB:
        (photo, *_), _ = session.add(file_name(name), FILES[name])
        session.force(photo.id, True)
        return decode(session.finish(photo.id, Look(str(weights)))[1]).rgb

    return door


DOORS = (
    "command_line",
    "python_path",
    "python_bytes",
    "python_pillow",
    "registered_model",
    "served_model",
    "page",
)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[tuple[str, str], str]]:
    """Filled in by the tests: how far what a door shows is from the photograph, in levels."""
    cells: dict[tuple[str, str], str] = {}
    yield cells
    doors = list(dict.fromkeys(door for _, door in cells))
    lines = [f"| picture | {' | '.join(doors)} |", "|---" * (len(doors) + 1) + "|"]
    for name in FILES:
        lines.append(f"| {name} | {' | '.join(cells.get((name, door), '') for door in doors)} |")
    sys.stdout.write("\n".join(["", *lines, ""]))


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_decoded_to_what_it_shows(name: str, table: dict[tuple[str, str], str]) -> None:
    data, shown, tolerance = PICTURES[name]
    off = np.abs(decode(data).rgb.astype(int) - shown).max()
    table[name, "decoded"] = str(off)
    assert off <= tolerance


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("kind", DOORS)
def test_every_door_shows_the_same_pixels(
    kind: str, name: str, table: dict[tuple[str, str], str], request: pytest.FixtureRequest
) -> None:
    door: Door = request.getfixturevalue(f"door_of_{kind}")
    expected = recolor(decode(FILES[name]).rgb, np.zeros((2, 1, 1), np.float32))
    found = door(name)
    assert found.shape == expected.shape
    off = np.abs(found.astype(int) - expected).max()
    table[name, kind] = str(off)
    assert off <= (3 if kind == "page" and file_name(name).endswith(".jpg") else 1)


def expected_lab(name: str) -> NDArray[np.float16]:
    small = resize(decode(FILES[name]).rgb, size=SIZE, resample="bicubic")
    return rgb_to_lab(small).astype(np.float16)


def test_preprocessing_sees_the_same_pixels(
    tmp_path: Path, table: dict[tuple[str, str], str]
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in PICTURES:
            archive.writestr(file_name(name), FILES[name])
    ids = [f"a.zip/{file_name(name)}" for name in PICTURES]
    split = pd.DataFrame({"id": ids, "subset": "train"})
    preprocess(tmp_path, split, tmp_path / "lab", Preprocess(image_size=SIZE, resample="bicubic"))
    lab = [
        np.load(path(tmp_path / "lab", "train"))
        for path in (dataset.lightness_path, dataset.ab_path)
    ]
    for name, found in zip(PICTURES, np.concatenate(lab, axis=1), strict=True):
        off = np.abs(found.astype(float) - expected_lab(name)).max()
        table[name, "preprocessing (Lab)"] = f"{off:.2g}"
        np.testing.assert_allclose(found, expected_lab(name), atol=0.07)  # of float16


def test_evaluation_sees_the_same_pixels(
    folder: Path, tmp_path: Path, table: dict[tuple[str, str], str]
) -> None:
    files = [folder / file_name(name) for name in FILES]
    photos = read_photos(files, folder, tmp_path)
    by_id = {photo_id: photos[place].rgb for place, photo_id in enumerate(photos.ids)}
    for name in PICTURES:
        if is_black_and_white(decode(FILES[name]).rgb):
            table[name, "evaluate (8 bits)"] = "left out: gray"
            assert file_name(name) not in by_id
            continue
        _, shown, apart = PICTURES[name]
        off = np.abs(by_id[file_name(name)].astype(float) - to_reference(shown).rgb).max()
        table[name, "evaluate (8 bits)"] = f"{off:.2g}"
        assert off <= 2 * apart  # resizing sharpens edges
    assert not {file_name(name) for name in SEVERAL} & by_id.keys()


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("kind", [kind for kind in DOORS if kind != "python_pillow"])
def test_file_of_several_pictures_is_refused_by_every_door(
    kind: str, name: str, table: dict[tuple[str, str], str], request: pytest.FixtureRequest
) -> None:
    door: Door = request.getfixturevalue(f"door_of_{kind}")
    if kind == "page" and name.startswith("TIFF"):  # each page is a photograph there
        assert door(name).shape == SHOWN.shape
        table[name, kind] = "its pages"
        return
    pages_to_png = kind == "command_line" and name.startswith("TIFF")
    said = "several pictures cannot be written as PNG" if pages_to_png else VERDICT[name]
    with pytest.raises(Exception, match=said) as error:
        door(name)
    assert len(str(error.value).splitlines()) == 1
    table[name, kind] = "refused"


@pytest.mark.parametrize("name", SEVERAL)
def test_file_of_several_pictures_is_refused_by_the_pipeline(
    name: str, table: dict[tuple[str, str], str]
) -> None:
    assert measure("a", FILES[name]).error == VERDICT[name]
    with pytest.raises(ColorizerError, match=VERDICT[name]):
        photo_to_lab(FILES[name], Preprocess(image_size=SIZE, resample="bicubic"))
    table[name, "preprocessing (Lab)"] = table[name, "evaluate (8 bits)"] = "refused"
