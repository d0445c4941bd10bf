"""How long a stroke on the page of `colorizer web` takes to change the picture, in a real browser.

    python benchmarks/painting.py [--photos ARCHIVE.zip] [--count 5] [--side 512] [--strokes 5]

From the moment the brush is lifted to the moment the new picture is shown: the strokes go to the
server as a PNG file, their colors are spread, and the photograph comes back as a JPEG file.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import photographs
import typer
from playwright.sync_api import Page, sync_playwright
from rounds import machine

COLORS = ("sky", "grass", "red", "wood", "blue")


def main(
    photos: Annotated[Path, typer.Option(help="A zip archive.")] = photographs.SAMPLE,
    count: Annotated[int, typer.Option(help="Photographs.")] = 5,
    side: Annotated[int, typer.Option(help="Pixels of the longer side.")] = 512,
    strokes: Annotated[int, typer.Option(help="Of each photograph.")] = 5,
) -> None:
    """Time strokes."""
    files = photographs.read(photos, count, side=side)
    seconds = []
    with _page() as page:
        for number, file in enumerate(files):
            one = {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": file}
            page.set_input_files("#photos input" if number else "#welcome input", one)
            page.wait_for_selector(f"#photos [title='{number}.jpg'][aria-current=true]")
            page.click("[data-view=paint]")
            _wait(page, "")
            seconds += [_stroke(page, nth, seed=number * strokes + nth) for nth in range(strokes)]
    print(
        f"{len(seconds)} strokes on {count} photographs of {side} pixels: median "
        f"{statistics.median(seconds):.2f} s, 95% within {np.quantile(seconds, 0.95):.2f} s, "
        f"slowest {max(seconds):.2f} s ({machine()['cpu']})"
    )


def _stroke(page: Page, number: int, *, seed: int) -> float:
    """Draw a stroke at a random place; return the seconds until the picture has changed."""
    page.click(f"#swatches [title={COLORS[number % len(COLORS)]}]")
    box = page.locator("#canvas").bounding_box()
    x, y = np.random.default_rng(seed).uniform(0.1, 0.8, 2)
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + (x + 0.1) * box["width"], box["y"] + y * box["height"], steps=5)
    shown = page.get_attribute("#painted", "data-shown")
    started = time.perf_counter()
    page.mouse.up()
    _wait(page, shown)
    return time.perf_counter() - started


def _wait(page: Page, shown: str) -> None:
    page.wait_for_function(
        "(before) => { const { dataset, wanted } = document.querySelector('#painted');"
        " return dataset.shown && dataset.shown !== before && dataset.shown === wanted; }",
        arg=shown,
    )


@contextmanager
def _page() -> Iterator[Page]:
    """Start `colorizer web` and a browser; yield its page."""
    command = [sys.executable, "-m", "colorizer.apps.cli", "web", "--no-browser", "--port", "0"]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as server,
        sync_playwright() as playwright,
    ):
        try:
            address = server.stdout.readline().split()[0]
            chromium = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            yield page
        finally:
            server.terminate()


if __name__ == "__main__":
    typer.run(main)
