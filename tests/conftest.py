"""What the tests share: photographs made on the spot, and archives of them."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

from colorizer.params import Archive

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample" / "sample.zip"

settings.register_profile("same", derandomize=True)  # the same examples at every run
settings.load_profile("same")

torch.set_num_threads(1)  # the tests' pictures are so small that threads only wait for each other


LONG = (
    "pipeline/test_run.py",
    "training/test_multi_device.py",
    "pipeline/test_edits.py",
    "models/test_models.py",
    "pipeline/test_interruptions.py",
    "pipeline/test_experiments.py",
    "pipeline/test_archives.py",
    "pipeline/test_bare.py",
    "turing/test_page.py",
)
"""Files in the order in which they begin, so that no process ends long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the pipeline's one run, which its other tests find finished, and what is long."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(LONG)))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def sample_photos() -> dict[str, bytes]:
    """The bundled photographs: member name -> file."""
    with zipfile.ZipFile(SAMPLE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def make_archive(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Archive]:
    """Return a function that writes files into a zip and describes it as params.yaml would."""

    def make(members: Mapping[str, bytes], name: str = "photos.zip") -> Archive:
        path = tmp_path / "source" / name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        data = path.read_bytes()
        return Archive(source=str(path), bytes=len(data), md5=hashlib.md5(data).hexdigest())

    return make


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Return a function that starts `colorizer ...` and returns its page's address."""
    with ExitStack() as running:
        yield lambda *arguments, **options: running.enter_context(_served(arguments, **options))


COMMAND = """
from pathlib import Path
from colorizer.apps.cli import main
from colorizer.tracking import registry
registry.REPOSITORY = Path("/nowhere")  # whatever models this checkout has
main()
"""


@contextmanager
def _served(arguments: tuple[object, ...], cwd: Path | None = None) -> Iterator[str]:
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    command += ["--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Return a real browser; tests that need one are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"]
    quiet += ["--disable-background-networking", "--disable-sync"]
    if os.geteuid() == 0:
        quiet.append("--no-sandbox")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: "Browser") -> "Iterator[Page]":
    """Return an empty page; one that asks anything of another host or fails, fails the test."""
    wrong: list[str] = []
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        local = ("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:")
        page.on("request", lambda r: None if r.url.startswith(local) else wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.set_default_timeout(20_000)
        yield page
    assert not wrong
