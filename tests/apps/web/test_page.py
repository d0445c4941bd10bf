"""The page in a real browser, as a person uses it."""

import base64
import io
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
import torch
from numpy.typing import NDArray
from PIL import Image

from colorizer.color.lab import rgb_to_lab
from colorizer.models import create_model
from colorizer.models.weights import save_weights
from colorizer.models.weights_metadata import WeightsMetadata
from colorizer.photo.decode import decode, decode_strokes

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

SHIPPED = Path(__file__).parents[3] / "models" / "pretrained" / "colorizer.safetensors"


@pytest.fixture(scope="module")
def address(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with two models: what ships, and one that was never trained."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    other = create_model("model1", widths=[4, 8])
    metadata = WeightsMetadata("model1", {"widths": [4, 8]}, size=32)
    save_weights(folder / "untrained.safetensors", metadata, other.state_dict())
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
def session(page: "Page", address: str, photos: list[Path]) -> "Page":
    """The page with both photographs on it; no other test's."""
    for photo in requests.get(f"{address}/api/session", timeout=9).json()["photos"]:
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
        "() => [...document.querySelectorAll('.view:not([hidden]) img:not([hidden])')]"
        ".every((image) => image.dataset.shown && image.dataset.shown === image.wanted)"
    )


def colors(place: "Locator") -> NDArray[np.float32]:
    """Return what a person sees there: ab, (2, H, W)."""
    return rgb_to_lab(decode(place.screenshot()).rgb)[1:]


def held(page: "Page", url: str, method: str, times: int | None = None) -> list["Route"]:
    """Hold requests to addresses like this one back, or the first; the list is what waits."""
    waiting: list[Route] = []

    def hold(route: "Route") -> None:
        if route.request.method == method:
            waiting.append(route)
        else:
            route.continue_()

    page.route(url, hold, times=times)
    return waiting


def refuse(page: "Page", url: str) -> None:
    page.route(url, lambda route: route.fulfill(status=400, json={"message": "it broke"}))


def telling(page: "Page") -> "AbstractContextManager[object]":
    """Wait at the end until the server has been told of strokes."""
    return page.expect_response(
        lambda answer: "/strokes?" in answer.url and answer.request.method != "GET"
    )


def strokes(address: str, name: str) -> NDArray[np.uint8] | None:
    """Return what the server knows to be painted on a photograph."""
    known = requests.get(f"{address}/api/session", timeout=9).json()["photos"]
    (photo,) = (photo for photo in known if photo["name"] == name)
    if not photo["painted"]:
        return None
    url = f"{address}/api/photos/{photo['id']}/strokes"
    return decode_strokes(requests.get(url, timeout=9).content)


def saved(page: "Page", button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_photograph_is_colored_and_compared_with_a_curtain(session: "Page") -> None:
    chroma = np.hypot(*colors(session.locator("#before")))
    left, right = np.split(chroma[:, : chroma.shape[1] // 2 * 2], 2, axis=1)
    assert left[:, :-30].mean() < 1
    assert right[:, 30:].mean() > 5
    session.locator("#divide").focus()
    session.keyboard.press("Home")
    assert np.hypot(*colors(session.locator("#before")))[:, 30:-30].mean() > 5
    session.keyboard.press("End")
    assert np.hypot(*colors(session.locator("#before")))[:, 30:-30].mean() < 1


def test_strength_changes_what_is_seen(session: "Page") -> None:
    session.locator("#divide").focus()
    session.keyboard.press("Home")
    before = np.hypot(*colors(session.locator("#before"))).mean()
    session.locator("#strength").focus()
    session.keyboard.press("Home")
    settle(session)
    assert session.text_content("#shown-strength") == "0.00 ×"
    assert np.hypot(*colors(session.locator("#before"))).mean() < before / 4


def test_models_stand_side_by_side(session: "Page") -> None:
    session.click("text=Models side by side")
    settle(session)
    figures = session.locator("#models figure")
    captions = [
        text.removesuffix("Use") for text in figures.locator("figcaption").all_text_contents()
    ]
    assert captions == ["before", "pretrained/colorizer.safetensors", captions[2]]
    assert captions[2].endswith("untrained.safetensors")
    before, shipped, untrained = (colors(figure.locator("img").first) for figure in figures.all())
    assert np.hypot(*before).mean() < 1
    assert np.hypot(*shipped).mean() > 5
    assert np.hypot(*untrained).mean() > 5
    assert np.abs(shipped.mean((1, 2)) - untrained.mean((1, 2))).max() > 3
    figures.nth(2).get_by_role("button").click()
    assert session.locator("#model").input_value().endswith("untrained.safetensors")
    assert session.locator("#slider").is_visible()


def test_downloads_are_the_photographs_at_full_size(session: "Page", photos: list[Path]) -> None:
    name, data = saved(session, "#download")
    assert name == "im2_colorized.jpg"
    original = decode(photos[0].read_bytes()).rgb
    result = decode(data).rgb
    assert result.shape == original.shape
    assert np.hypot(*rgb_to_lab(result)[1:]).mean() > 5
    assert np.abs(rgb_to_lab(result)[0] - rgb_to_lab(original)[0]).mean() < 1
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[306] == "1938:07:01 12:00:00"
    name, data = saved(session, "#download-all")
    assert name == "colorized.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["im2_colorized.jpg", "im3_colorized.jpg"]


def drag(page: "Page", start: tuple[float, float], end: tuple[float, float]) -> None:
    """Begin a stroke: press at a share of the photograph's width and height, move to another."""
    box: Any = page.locator("#canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)


def paint(page: "Page", color: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a stroke, from and to shares of the photograph's width and height."""
    page.click(f"#swatches button[title={color}]")
    drag(page, start, end)
    shown = page.get_attribute("#painted", "data-shown")
    page.mouse.up()
    page.wait_for_function(
        "(shown) => document.querySelector('#painted').dataset.shown !== shown", arg=shown
    )
    settle(page)


def test_a_stroke_colors_what_it_lies_on_until_it_is_undone(session: "Page") -> None:
    session.click("text=Paint colors")
    session.uncheck("#strokes")
    settle(session)
    canvas = session.locator("#painted")
    before = colors(canvas)
    paint(session, "purple", (0.45, 0.5), (0.55, 0.5))
    after = colors(canvas)
    height, width = after.shape[1:]
    middle = np.s_[
        :, int(0.46 * height) : int(0.54 * height), int(0.46 * width) : int(0.54 * width)
    ]
    more = (after[middle] - before[middle]).mean((1, 2))
    assert more[0] > 8  # toward red
    assert more[1] < -8  # and blue
    session.click("#undo")
    session.wait_for_function("() => document.querySelector('#undo').disabled")
    session.wait_for_load_state("networkidle")
    settle(session)
    np.testing.assert_allclose(colors(canvas), before, atol=1e-3)


def test_the_likely_colors_of_a_point_are_offered_to_the_brush(session: "Page") -> None:
    session.click("text=Paint colors")
    settle(session)
    session.locator("#canvas").hover(position={"x": 60, "y": 50})
    offered = session.locator("#likely button")
    offered.first.wait_for()
    assert 1 < offered.count() <= 6
    offered.first.click()
    shown = offered.first.evaluate("(button) => button.style.background")
    taken = bytes.fromhex(session.input_value("#color")[1:])
    assert shown == f"rgb({taken[0]}, {taken[1]}, {taken[2]})"


def test_a_click_paints_a_dot(session: "Page", address: str) -> None:
    session.click("text=Paint colors")
    settle(session)
    with telling(session) as told:
        session.locator("#canvas").click(position={"x": 60, "y": 50})
    assert told.value.status == 200
    painted = strokes(address, "im2.jpg")
    assert painted is not None
    assert painted[..., 3].any()
    assert saved(session, "#download")[1]


@pytest.mark.slow
def test_strokes_of_two_windows_are_put_together(session: "Page", address: str) -> None:
    with session.context.new_page() as other:
        other.goto(address)
        for page, y in ((session, 0.2), (other, 0.8), (session, 0.5)):
            page.bring_to_front()
            page.click("#photos button[title='im2.jpg']")
            page.click("text=Paint colors")
            settle(page)
            drag(page, (0.2, y), (0.8, y))
            with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
                page.mouse.up()
        painted = strokes(address, "im2.jpg")
        assert painted is not None
        rows = np.flatnonzero(painted[..., 3].any(1)) / len(painted)
        assert [bool((np.abs(rows - y) < 0.05).any()) for y in (0.2, 0.5, 0.8)] == 3 * [True]
        other.bring_to_front()
        with telling(other):
            other.click("#clear")
        session.bring_to_front()
        session.click("#photos button[title='im3.jpg']")
        session.reload()
        session.click("#photos button[title='im2.jpg']")
        settle(session)
        assert session.is_disabled("#clear")
        assert session.text_content("#message") == ""


def test_what_was_painted_outlives_the_page_and_is_downloaded(session: "Page") -> None:
    session.click("text=Paint colors")
    settle(session)
    _, unpainted = saved(session, "#download")
    paint(session, "purple", (0.2, 0.3), (0.8, 0.3))
    seen = colors(session.locator("#painted"))
    _, painted = saved(session, "#download")
    apart = rgb_to_lab(decode(painted).rgb) - rgb_to_lab(decode(unpainted).rgb)
    assert np.hypot(*apart[1:]).mean() > 3
    session.reload()
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 2")
    session.click("#photos button[title='im2.jpg']")
    session.click("text=Paint colors")
    settle(session)
    session.wait_for_function("() => !document.querySelector('#clear').disabled")
    assert np.abs(colors(session.locator("#painted")) - seen).mean() < 0.5


def test_what_is_no_photograph_is_named_and_the_rest_go_on(
    session: "Page", photos: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos[0].read_bytes()[:900])
    more = [str(broken), str(photos[0])]
    session.set_input_files("#photos input", more)
    session.wait_for_function("() => document.querySelectorAll('#photos [data-id]').length === 3")
    message = session.locator("#message")
    message.filter(has_text="broken.jpg: no readable image").wait_for()
    refused = session.locator("#photos .refused")
    assert refused.inner_text().split() == ["broken.jpg", "failed"]
    refused.focus()
    assert "no readable image" in session.inner_text("#told")
    refused.click()
    assert refused.count() == 0


def test_what_only_the_original_keeps_is_said(session: "Page", tmp_path: Path) -> None:
    gray = Image.new("L", (60, 40), 99)
    gray.save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=[gray])
    session.set_input_files("#photos input", str(tmp_path / "two.jpg"))
    session.click("#photos [title^='two.jpg']")
    lost = "The result loses its second picture, which the original keeps."
    session.locator("#facts", has_text=lost).wait_for()
    session.click("#photos [title^='im2.jpg']")
    session.locator("#facts", has_text="im2.jpg").wait_for()
    assert "loses" not in session.inner_text("#facts")


def test_a_file_that_is_gone_is_named_and_the_rest_go_on(
    session: "Page", photos: list[Path]
) -> None:
    gone = photos[0].with_name("gone.jpg")
    gone.write_bytes(photos[0].read_bytes())
    waiting = held(session, "**/api/photos?*", "POST", times=1)
    session.set_input_files("#photos input", [str(photos[0]), str(gone), str(photos[1])])
    session.wait_for_function("() => document.querySelector('#message').textContent !== ''")
    gone.unlink()
    session.wait_for_timeout(200)
    waiting[0].continue_()
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 4")
    session.locator("#message", has_text="gone.jpg: cannot be read").wait_for()


@pytest.mark.slow
def test_failures_of_one_batch_outlive_the_next_and_are_dismissed(
    session: "Page", photos: list[Path]
) -> None:
    broken = [photos[0].with_name(f"broken{number}.jpg") for number in range(7)]
    for path in broken:
        path.write_bytes(b"no photograph")
    session.set_input_files("#photos input", [str(path) for path in broken])
    session.set_input_files("#photos input", [str(path) for path in photos])
    session.wait_for_function("() => document.querySelectorAll('#photos [data-id]').length === 4")
    session.locator("#message", has_text="broken6.jpg: a text, no photograph").wait_for()
    said = session.inner_text("#message").split(": ")[0]
    assert said == ", ".join(path.name for path in broken)
    session.click("#dismiss")
    assert session.text_content("#message") == ""


def test_what_arrives_is_shown_where_nothing_is(session: "Page", photos: list[Path]) -> None:
    waiting = held(session, "**/api/photos?*", "POST")
    session.set_input_files("#photos input", [str(path) for path in photos])
    session.wait_for_function("() => document.querySelector('#message').textContent !== ''")
    session.wait_for_timeout(200)
    waiting[0].continue_()
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 3")
    for _ in range(3):
        session.click("#remove")
        session.wait_for_timeout(600)  # or it is a double click
    session.locator("#welcome").wait_for()
    session.wait_for_timeout(200)
    waiting[1].continue_()
    session.locator("#photos button[title='im3.jpg']").wait_for()


def test_of_a_dropped_folder_what_is_not_taken_is_said(session: "Page", photos: list[Path]) -> None:
    session.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            const file = (name, content = bytes) => ({ name, isFile: true,
                file: (done) => done(new File([content], name)) });
            const folder = (name, ...inside) => ({ name, createReader: () => ({
                readEntries: (done) => done(inside.splice(0)) }) });
            const all = folder("album", file("b.jpg"), file("._b.jpg"),
                file("notes.jpg", "Dear Anna,"),
                folder(".thumbnails", file("c.jpg")), folder("deep", file("a.JPG")));
            const drop = new Event("drop");
            drop.dataTransfer = { items: [{ kind: "file", webkitGetAsEntry: () => all }] };
            document.dispatchEvent(drop);
        }""",
        base64.b64encode(photos[0].read_bytes()).decode(),
    )
    session.locator("#photos button[title='a.JPG']").wait_for()
    session.locator("#message", has_text="notes.jpg").wait_for()
    assert session.inner_text("#message").splitlines() == [
        "._b.jpg, .thumbnails: hidden, so not taken",
        "notes.jpg: a text, no photograph",
    ]
    names = session.eval_on_selector_all("#photos button", "(all) => all.map((one) => one.title)")
    assert names == ["im2.jpg", "im3.jpg", "b.jpg", "a.JPG"]


def test_photographs_may_be_chosen_before_the_page_has_begun(
    session: "Page", photos: list[Path]
) -> None:
    waiting = held(session, "**/api/session", "GET")
    session.reload()
    session.set_input_files("#welcome input", str(photos[0]))
    session.wait_for_timeout(100)
    waiting[0].continue_()
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 3")


def test_what_is_painted_is_not_removed_unasked(session: "Page") -> None:
    session.click("text=Paint colors")
    settle(session)
    paint(session, "purple", (0.2, 0.2), (0.8, 0.2))
    asked: list[str] = []
    session.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    session.click("#remove")
    assert asked == ["Remove im2.jpg with what is painted on it?"]
    assert session.locator("#photos button").count() == 2
    session.once("dialog", lambda dialog: dialog.accept())
    session.wait_for_timeout(600)
    session.click("#remove")
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 1")


@pytest.mark.slow
def test_a_double_click_removes_one_photograph(
    session: "Page", address: str, photos: list[Path]
) -> None:
    session.set_input_files("#photos input", [str(path) for path in photos])
    session.wait_for_function("() => document.querySelectorAll('#photos button').length === 4")
    session.wait_for_function("() => document.querySelector('#message').textContent === ''")
    with session.expect_response(lambda answer: answer.request.method == "DELETE"):
        session.dblclick("#remove")
    names = session.eval_on_selector_all("#photos button", "(all) => all.map((one) => one.title)")
    assert names == ["im2.jpg", "im3.jpg", "im3.jpg"]
    assert len(requests.get(f"{address}/api/session", timeout=9).json()["photos"]) == 3


@pytest.mark.slow
def test_a_stroke_stays_on_its_photograph_while_others_arrive(
    session: "Page", address: str, photos: list[Path]
) -> None:
    session.click("text=Paint colors")
    settle(session)
    waiting = held(session, "**/api/photos?*", "POST")
    new = photos[1].rename(photos[1].with_name("new.jpg"))
    session.set_input_files("#photos input", str(new))
    session.wait_for_function("() => document.querySelector('#message').textContent !== ''")
    drag(session, (0.2, 0.3), (0.4, 0.3))
    waiting[0].continue_()
    session.locator("#photos button[title='new.jpg']").wait_for()
    with telling(session):
        session.mouse.up()
    assert strokes(address, "im2.jpg") is not None
    assert strokes(address, "new.jpg") is None
    assert session.get_attribute("#photos [aria-current=true]", "title") == "im2.jpg"


@pytest.mark.slow
def test_a_stroke_adds_to_what_was_painted_before_a_reload(session: "Page", address: str) -> None:
    session.click("text=Paint colors")
    settle(session)
    paint(session, "purple", (0.2, 0.2), (0.8, 0.2))
    waiting = held(session, "**/strokes", "GET")
    session.reload()
    settle(session)
    assert session.is_visible("#paint")
    drag(session, (0.2, 0.8), (0.8, 0.8))
    session.mouse.up()
    session.wait_for_timeout(300)
    with telling(session):
        waiting[0].continue_()
    painted = strokes(address, "im2.jpg")
    assert painted is not None
    rows = np.flatnonzero(painted[..., 3].any(1)) / len(painted)
    assert rows.min() < 0.3
    assert rows.max() > 0.7


@pytest.mark.slow
def test_what_was_cleared_comes_back(session: "Page", address: str) -> None:
    session.click("text=Paint colors")
    settle(session)
    paint(session, "purple", (0.2, 0.2), (0.8, 0.2))
    session.reload()
    settle(session)
    session.wait_for_function("() => !document.querySelector('#clear').disabled")
    paint(session, "green", (0.2, 0.8), (0.8, 0.8))
    whole = strokes(address, "im2.jpg")
    with telling(session):
        session.click("#clear")
    assert strokes(address, "im2.jpg") is None
    assert session.is_disabled("#clear")
    with telling(session):
        session.keyboard.press("Control+z")
    np.testing.assert_array_equal(strokes(address, "im2.jpg"), whole)
    with telling(session):
        session.click("#undo")
    first = strokes(address, "im2.jpg")
    assert first is not None
    assert not first[len(first) // 2 :, :, 3].any()
    assert session.is_disabled("#undo")


def test_no_photograph_is_shown_in_another_one_s_colors(session: "Page") -> None:
    session.locator("#divide").focus()
    session.keyboard.press("Home")
    waiting = held(session, "**/after?*", "GET")
    session.click("#photos button[title='im3.jpg']")
    session.wait_for_timeout(300)
    assert np.hypot(*colors(session.locator("#before"))).mean() < 1
    waiting[0].continue_()
    settle(session)
    assert np.hypot(*colors(session.locator("#before"))).mean() > 5


def test_what_cannot_be_shown_leaves_no_other_colors(session: "Page") -> None:
    session.locator("#divide").focus()
    session.keyboard.press("Home")
    refuse(session, "**/after?*")
    session.select_option("#model", index=1)
    session.locator("#message", has_text="it broke").wait_for()
    assert np.hypot(*colors(session.locator("#before"))).mean() < 1
    session.unroute("**/after?*")
    session.locator("#strength").focus()
    session.keyboard.press("ArrowRight")
    settle(session)
    session.wait_for_function("() => document.querySelector('#message').textContent === ''")
    assert np.hypot(*colors(session.locator("#before"))).mean() > 5


@pytest.mark.parametrize(
    ("button", "url"), [("#download", "**/file?*"), ("#download-all", "**/api/archive?*")]
)
def test_a_download_that_fails_says_so(session: "Page", button: str, url: str) -> None:
    message = session.locator("#message")
    refuse(session, url)
    session.click(button)
    message.filter(has_text="it broke").wait_for()
    session.unroute(url)
    session.route(url, lambda route: route.abort())
    session.click(button)
    message.filter(has_text="colorizer has ended").wait_for()
    session.unroute(url)
    assert saved(session, button)[1]
    session.wait_for_function("() => document.querySelector('#message').textContent === ''")


@pytest.mark.slow
def test_a_download_waits_for_the_last_stroke(session: "Page") -> None:
    session.click("text=Paint colors")
    settle(session)
    _, before = saved(session, "#download")
    waiting = held(session, "**/strokes?*", "PUT")
    drag(session, (0.2, 0.3), (0.8, 0.3))
    session.mouse.up()
    with session.expect_download() as download:
        session.click("#download")
        session.wait_for_timeout(200)
        waiting[0].continue_()
    apart = decode(download.value.path().read_bytes()).rgb - decode(before).rgb.astype(int)
    assert np.abs(apart).mean() > 2


def test_a_reload_finds_what_was_chosen(session: "Page") -> None:
    session.select_option("#model", index=1)
    session.locator("#strength").fill("1.5")
    session.click("#photos button[title='im3.jpg']")
    session.click("text=Paint colors")
    session.click("#swatches button[title=purple]")
    session.reload()
    settle(session)
    assert session.locator("#model").input_value().endswith("untrained.safetensors")
    assert session.locator("#strength").input_value() == "1.5"
    assert session.text_content("#shown-strength") == "1.50 ×"
    assert session.is_visible("#paint")
    assert session.get_attribute("#photos [aria-current=true]", "title") == "im3.jpg"
    assert session.get_attribute("#swatches button[title=purple]", "aria-pressed") == "true"


def test_the_keyboard_shows_where_it_is(session: "Page") -> None:
    session.locator("#photos button").last.focus()
    session.keyboard.press("Tab")
    assert session.evaluate("() => document.activeElement.getAttribute('aria-label')") == (
        "add photographs"
    )
    style = "(label) => getComputedStyle(label).outlineStyle"
    assert session.eval_on_selector("#photos label", style) == "solid"


def test_it_fits_a_phone(session: "Page", photos: list[Path]) -> None:
    session.set_viewport_size({"width": 390, "height": 844})
    session.set_input_files("#photos input", str(photos[0].rename(photos[0].with_stem(200 * "n"))))
    session.locator("#facts", has_text=200 * "n").wait_for()
    for view in ("Before and after", "Models side by side", "Paint colors"):
        session.click(f"text={view}")
        settle(session)
        assert session.evaluate("() => document.documentElement.scrollWidth") <= 390
        shapes = session.eval_on_selector_all(
            ".view:not([hidden]) img:not([hidden])",
            "(all) => all.map((i) => [i.width / i.height, i.naturalWidth / i.naturalHeight])",
        )
        assert shapes
        sides = "(all) => all.map((one) => one.getBoundingClientRect().right)"
        assert max(session.eval_on_selector_all("#controls *", sides)) <= 390
        for shown, own in shapes:
            assert shown == pytest.approx(own, rel=0.02)


def test_a_small_photograph_fills_its_stage(session: "Page", photos: list[Path]) -> None:
    with Image.open(photos[0]) as image:
        image.resize((144, 96)).save(photos[0].with_name("small.png"))
    session.set_input_files("#photos input", str(photos[0].with_name("small.png")))
    session.click("#photos button[title='small.png']")
    settle(session)
    photo, window = (session.locator(f"#slider {name}") for name in ("#before", ".window"))
    shown, stage = photo.bounding_box(), window.bounding_box()
    assert shown is not None
    assert stage is not None
    assert shown["width"] / shown["height"] == pytest.approx(1.5, rel=0.01)
    filled = max(shown[side] / stage[side] for side in ("width", "height"))
    assert filled == pytest.approx(1, abs=0.01)
    assert stage["height"] > 0.6 * 800  # of the screen


@pytest.fixture
def large(session: "Page", tmp_path: Path) -> NDArray[np.uint8]:
    """The page with a photograph larger than what the page shows at first; its gray levels."""
    blocks = np.random.default_rng(0).integers(70, 190, (375, 500), np.uint8)
    levels: NDArray[np.uint8] = blocks.repeat(4, 0).repeat(4, 1)
    Image.fromarray(levels).save(tmp_path / "large.png")
    session.set_input_files("#photos input", str(tmp_path / "large.png"))
    session.click("#photos button[title='large.png']")
    settle(session)
    return levels


def place(page: "Page", locator: str, x: float, y: float) -> tuple[float, float]:
    """Return where a point of a photograph is on the screen; it is given in shares of its sides."""
    box: Any = page.locator(locator).bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_wheel_and_keys_go_to_the_photograph_s_own_pixels(
    session: "Page", large: NDArray[np.uint8]
) -> None:
    session.locator("#divide").press("End")  # as it was, all over
    at = place(session, "#before", 0.35, 0.6)
    session.mouse.move(*at)
    session.mouse.wheel(0, -300)
    session.wait_for_function("() => document.querySelector('#stage.enlarged')")
    assert place(session, "#before", 0.35, 0.6) == pytest.approx(at, abs=1)
    session.keyboard.press("1")
    session.locator("#before + .detail:not([hidden])").wait_for()
    settle(session)
    box: Any = session.locator("#slider .window").bounding_box()
    corner: Any = session.locator("#before").bounding_box()
    assert session.inner_text("#zoomed") == "100 %"
    assert corner["width"] == pytest.approx(2000, abs=0.1)
    seen = decode(session.locator("#slider .window").screenshot()).rgb[..., 0].astype(int)
    left, top = (int(box[side]) - round(corner[side]) for side in ("x", "y"))
    inner = np.s_[8:-8, 8:-40]  # without the window's corners and the divider
    expected = large[top : top + seen.shape[0], left : left + seen.shape[1]]
    assert np.abs(seen - expected)[inner].mean() < 3  # a pixel beside its place: over 10
    session.mouse.move(*at)
    session.mouse.down()
    session.mouse.move(at[0] + 90, at[1] + 40, steps=3)
    session.mouse.up()
    moved: Any = session.locator("#before").bounding_box()
    assert (moved["x"] - corner["x"], moved["y"] - corner["y"]) == pytest.approx((90, 40), abs=1)
    session.keyboard.press("0")
    assert session.is_disabled("#fit")


@pytest.mark.slow
def test_two_fingers_enlarge_and_paint_nothing(
    session: "Page", address: str, large: NDArray[np.uint8]
) -> None:
    session.click("text=Paint colors")
    settle(session)
    fingers = session.context.new_cdp_session(session)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        sent = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": sent})

    x, y = place(session, "#canvas", 0.5, 0.5)
    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    touch("touchMove", (x - 80, y + 20), (x + 80, y + 20))
    touch("touchEnd")
    session.locator("#stage.enlarged").wait_for()
    assert place(session, "#canvas", 0.5, 0.5) == pytest.approx((x, y + 20), abs=2)
    assert session.is_disabled("#undo")
    with telling(session):
        session.mouse.click(*place(session, "#canvas", 0.45, 0.52))
    painted = strokes(address, "large.png")
    assert painted is not None
    rows, columns = np.nonzero(painted[..., 3])
    assert columns.mean() + 0.5 == pytest.approx(0.45 * painted.shape[1], abs=1)
    assert rows.mean() + 0.5 == pytest.approx(0.52 * painted.shape[0], abs=1)


def test_the_strip_shows_results_and_marks_what_was_copied(
    session: "Page", sample_photos: dict[str, bytes], tmp_path: Path
) -> None:
    session.wait_for_function(
        "() => [...document.querySelectorAll('#photos img')].every((i) => i.src.startsWith('blob'))"
    )
    assert np.hypot(*colors(session.locator("#photos img").first)).mean() > 5
    (tmp_path / "color.jpg").write_bytes(sample_photos["mirflickr/im3.jpg"])
    session.set_input_files("#photos input", str(tmp_path / "color.jpg"))
    tile = session.locator("#photos button[title^='color.jpg: in color already']")
    tile.focus()
    assert tile.inner_text() == "copied"
    assert session.inner_text("#told").startswith("color.jpg: in color already")
    assert saved(session, "#download") == ("color.jpg", sample_photos["mirflickr/im3.jpg"])
    session.check("#force")
    settle(session)
    assert session.locator("#photos button[title='color.jpg']").inner_text() == ""
    assert saved(session, "#download")[0] == "color_colorized.jpg"


def bring(page: "Page", event: str, script: str, data: str = "") -> None:
    """Paste or drop what a script puts into `transfer`."""
    page.evaluate(
        f"""(data) => {{
            const transfer = new DataTransfer();
            {script};
            const name = "{event}" === "paste" ? "clipboardData" : "dataTransfer";
            const event = new Event("{event}", {{ bubbles: true }});
            Object.defineProperty(event, name, {{ value: transfer }});
            document.dispatchEvent(event);
        }}""",
        data,
    )


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(
    session: "Page", photos: list[Path], event: str
) -> None:
    script = (
        "const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));"
        "transfer.items.add(new File([bytes], 'image.png'))"
    )
    bring(session, event, script, base64.b64encode(photos[0].read_bytes()).decode())
    session.locator("#photos button[title='image.png']").wait_for()


def test_what_is_no_file_is_said_and_never_fetched(session: "Page") -> None:
    html = "transfer.setData('text/html', '<img src=https://example.org/a.jpg>')"
    message = session.locator("#message")
    bring(session, "drop", html)
    message.filter(has_text="What was dropped is a link, and this page fetches nothing").wait_for()
    bring(session, "paste", "transfer.setData('text/plain', 'Dear Anna')")
    message.filter(has_text="What was pasted is text, no picture").wait_for()


def test_what_is_mended_and_what_is_a_guess_can_be_seen(
    session: "Page", photos: list[Path]
) -> None:
    with Image.open(photos[0]) as image:
        image.point(lambda level: 90 + level // 4).save(photos[0].with_name("faded.png"))
    session.set_input_files("#photos input", str(photos[0].with_name("faded.png")))
    session.click("#photos button[title='faded.png']")
    session.locator("#divide").press("Home")
    settle(session)

    def contrast() -> float:
        seen = decode(session.locator("#after").screenshot()).rgb
        return float(rgb_to_lab(seen[:, 60:])[0].std())  # without the divider

    before = contrast()
    session.click("summary")
    session.check("#restore")
    settle(session)
    assert contrast() > 2 * before
    session.check("#sure")
    settle(session)
    assert np.hypot(*colors(session.locator("#after")))[:, 30:].mean() < 1
    assert "restored and colored by" in session.inner_text("#facts")


def test_a_photograph_is_made_to_look_like_another(
    session: "Page", tmp_path: Path, sample_photos: dict[str, bytes], photos: list[Path]
) -> None:
    session.click("#photos button[title='im2.jpg']")
    session.locator("#divide").press("Home")
    settle(session)
    before = colors(session.locator("#after"))[0].mean()
    (tmp_path / "bowl.jpg").write_bytes(sample_photos["mirflickr/im2.jpg"])
    session.set_input_files("#choose-like", tmp_path / "bowl.jpg")
    session.locator("#facts", has_text="like bowl.jpg").wait_for()
    settle(session)
    assert colors(session.locator("#after"))[0].mean() > before + 10
    session.set_input_files("#choose-like", photos[0])
    session.locator("#message", has_text="im2.jpg: a black-and-white photograph").wait_for()
    session.reload()
    session.locator("#facts", has_text="like bowl.jpg").wait_for()
    session.locator("#divide").press("Home")
    session.click("#unlike")
    settle(session)
    assert abs(colors(session.locator("#after"))[0].mean() - before) < 2
