"""The page in a real browser, as a person uses it."""

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
import torch
from numpy.typing import NDArray
from PIL import Image

from colorizer.card import ModelCard
from colorizer.checkpoint import save_weights
from colorizer.color import rgb_to_lab
from colorizer.images import decode
from colorizer.models import create_model

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SHIPPED = Path(__file__).parents[2] / "models" / "pretrained" / "colorizer.safetensors"


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with two models: what ships, and one that was never trained."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    other = create_model("model1", widths=[4, 8])
    card = ModelCard("model1", {"widths": [4, 8]}, size=32)
    save_weights(folder / "untrained.safetensors", card, other.state_dict())
    models = ("--model", SHIPPED, "--model", folder / "untrained.safetensors")
    return serve("web", *models, cwd=folder)


@pytest.fixture
def photos(tmp_path: Path, sample_photos: dict[str, bytes]) -> list[Path]:
    """Two photographs in black and white, with a date in the one's EXIF."""
    files = []
    for name in ("im2.jpg", "im3.jpg"):
        with Image.open(io.BytesIO(sample_photos[f"mirflickr/{name}"])) as image:
            exif = Image.Exif()
            exif[306] = "1938:07:01 12:00:00"
            image.convert("L").save(tmp_path / name, quality=95, exif=exif)
        files.append(tmp_path / name)
    return files


@pytest.fixture
def studio(page: "Page", address: str, photos: list[Path]) -> "Page":
    """The page with both photographs on it; no other test's."""
    for photo in requests.get(f"{address}/api/studio", timeout=9).json()["photos"]:
        requests.delete(f"{address}/api/photos/{photo['id']}", timeout=9)
    page.goto(address)
    page.locator("#welcome").wait_for()
    page.set_input_files("#welcome input", [str(path) for path in photos])
    page.wait_for_function("() => document.querySelectorAll('#photos button').length === 2")
    settle(page)
    return page


def settle(page: "Page") -> None:
    """Wait until every picture shows what it is wanted to show."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.view:not([hidden]) img')]"
        ".every((image) => image.dataset.shown && image.dataset.shown === image.wanted)"
    )


def colours(place: "Locator") -> NDArray[np.float32]:
    """Return what a person sees there: ab, (2, H, W)."""
    return rgb_to_lab(decode(place.screenshot()).rgb)[1:]


def saved(page: "Page", button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_photograph_is_coloured_and_compared_with_a_curtain(studio: "Page") -> None:
    chroma = np.hypot(*colours(studio.locator("#slider")))
    left, right = np.split(chroma[:, : chroma.shape[1] // 2 * 2], 2, axis=1)
    assert left[:, :-30].mean() < 1
    assert right[:, 30:].mean() > 5
    studio.locator("#divide").focus()
    studio.keyboard.press("Home")
    assert np.hypot(*colours(studio.locator("#slider")))[:, 30:-30].mean() > 5
    studio.keyboard.press("End")
    assert np.hypot(*colours(studio.locator("#slider")))[:, 30:-30].mean() < 1


def test_strength_changes_what_is_seen(studio: "Page") -> None:
    studio.locator("#divide").focus()
    studio.keyboard.press("Home")
    before = np.hypot(*colours(studio.locator("#slider"))).mean()
    studio.locator("#strength").focus()
    studio.keyboard.press("Home")
    settle(studio)
    assert studio.text_content("#shown-strength") == "0.00 ×"
    assert np.hypot(*colours(studio.locator("#slider"))).mean() < before / 4


def test_models_stand_side_by_side(studio: "Page") -> None:
    studio.click("text=Models side by side")
    settle(studio)
    figures = studio.locator("#models figure")
    captions = [text.removesuffix("Use") for text in figures.all_text_contents()]
    assert captions == ["before", "pretrained/colorizer.safetensors", captions[2]]
    assert captions[2].endswith("untrained.safetensors")
    before, shipped, untrained = (colours(figure.locator("img")) for figure in figures.all())
    assert np.hypot(*before).mean() < 1
    assert np.hypot(*shipped).mean() > 5
    assert np.hypot(*untrained).mean() > 5
    assert np.abs(shipped.mean((1, 2)) - untrained.mean((1, 2))).max() > 3
    figures.nth(2).get_by_role("button").click()
    assert studio.locator("#model").input_value().endswith("untrained.safetensors")
    assert studio.locator("#slider").is_visible()


def test_downloads_are_the_photographs_at_full_size(studio: "Page", photos: list[Path]) -> None:
    name, data = saved(studio, "#download")
    assert name == "im2_colorized.jpg"
    original = decode(photos[0].read_bytes()).rgb
    result = decode(data).rgb
    assert result.shape == original.shape
    assert np.hypot(*rgb_to_lab(result)[1:]).mean() > 5
    assert np.abs(rgb_to_lab(result)[0] - rgb_to_lab(original)[0]).mean() < 1
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[306] == "1938:07:01 12:00:00"
    name, data = saved(studio, "#download-all")
    assert name == "colorized.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["im2_colorized.jpg", "im3_colorized.jpg"]


def paint(page: "Page", colour: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a stroke, from and to shares of the photograph's width and height."""
    page.click(f"#swatches button[title={colour}]")
    box: Any = page.locator("#canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    shown = page.get_attribute("#painted", "data-shown")
    page.mouse.up()
    page.wait_for_function(
        "(shown) => document.querySelector('#painted').dataset.shown !== shown", arg=shown
    )
    settle(page)


def test_a_stroke_colours_what_it_lies_on_until_it_is_undone(studio: "Page") -> None:
    studio.click("text=Paint colours")
    studio.uncheck("#strokes")
    settle(studio)
    canvas = studio.locator("#paint")
    before = colours(canvas)
    paint(studio, "purple", (0.45, 0.5), (0.55, 0.5))
    after = colours(canvas)
    height, width = after.shape[1:]
    middle = np.s_[
        :, int(0.46 * height) : int(0.54 * height), int(0.46 * width) : int(0.54 * width)
    ]
    more = (after[middle] - before[middle]).mean((1, 2))
    assert more[0] > 8  # towards red
    assert more[1] < -8  # and blue
    studio.click("#undo")
    studio.wait_for_function("() => document.querySelector('#undo').disabled")
    studio.wait_for_load_state("networkidle")
    settle(studio)
    np.testing.assert_allclose(colours(canvas), before, atol=1e-3)


def test_what_was_painted_outlives_the_page_and_is_downloaded(studio: "Page") -> None:
    studio.click("text=Paint colours")
    settle(studio)
    _, unpainted = saved(studio, "#download")
    paint(studio, "purple", (0.2, 0.3), (0.8, 0.3))
    seen = colours(studio.locator("#paint"))
    _, painted = saved(studio, "#download")
    apart = rgb_to_lab(decode(painted).rgb) - rgb_to_lab(decode(unpainted).rgb)
    assert np.hypot(*apart[1:]).mean() > 3
    studio.reload()
    studio.wait_for_function("() => document.querySelectorAll('#photos button').length === 2")
    studio.click("#photos button[title='im2.jpg']")
    studio.click("text=Paint colours")
    settle(studio)
    studio.wait_for_function("() => !document.querySelector('#clear').disabled")
    assert np.abs(colours(studio.locator("#paint")) - seen).mean() < 0.5


def test_what_is_no_photograph_is_named_and_the_rest_go_on(
    studio: "Page", photos: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos[0].read_bytes()[:900])
    more = [str(broken), str(photos[0])]
    studio.set_input_files("#photos input", more)
    studio.wait_for_function("() => document.querySelectorAll('#photos button').length === 3")
    message = studio.locator("#message")
    message.filter(has_text="broken.jpg: no readable image").wait_for()


def test_files_can_be_dropped(studio: "Page", photos: list[Path]) -> None:
    transfer = studio.evaluate_handle(
        "async (data) => { const transfer = new DataTransfer();"
        " const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));"
        " transfer.items.add(new File([bytes], 'dropped.jpg')); return transfer; }",
        base64.b64encode(photos[0].read_bytes()).decode(),
    )
    studio.dispatch_event("#stage", "drop", {"dataTransfer": transfer})
    studio.locator("#photos button[title='dropped.jpg']").wait_for()


def test_it_fits_a_phone(studio: "Page") -> None:
    studio.set_viewport_size({"width": 390, "height": 844})
    for view in ("Before and after", "Models side by side", "Paint colours"):
        studio.click(f"text={view}")
        settle(studio)
        assert studio.evaluate("() => document.documentElement.scrollWidth") <= 390
        shapes = studio.eval_on_selector_all(
            ".view:not([hidden]) img",
            "(all) => all.map((i) => [i.width / i.height, i.naturalWidth / i.naturalHeight])",
        )
        assert shapes
        for shown, own in shapes:
            assert shown == pytest.approx(own, rel=0.02)
