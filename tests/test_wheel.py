"""What `pip install` brings: built, looked into, installed in a fresh environment, and used."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import files, requires
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from colorizer.errors import DISTRIBUTION

ROOT = Path(__file__).parents[1]


def attempt(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that finds no library by PYTHONPATH."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def run(*command: str | Path, cwd: Path) -> str:
    done = attempt(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository_files() -> list[Path]:
    """List what is committed or would be: no caches, environments or results."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the repository: building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in repository_files():
        target = folder / "source" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    pip = (sys.executable, "-m", "pip", "--quiet", "--no-cache-dir")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(*pip, *build, folder / "source", cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_the_weights_and_nothing_else(wheel: Path) -> None:
    package = Path("src/colorizer")
    expected = {
        path.relative_to("src").as_posix()
        for path in repository_files()
        if path.is_relative_to(package)
    }
    assert any(name.endswith(".html") for name in expected)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    weights = {name for name in names if ".data/" in name}
    assert names - weights == expected
    assert {name.partition(".data/")[2] for name in weights} == {
        "data/share/colorizer/colorizer.onnx",
        "data/share/colorizer/colorizer.safetensors",
    }


def test_the_wheel_has_the_name_that_messages_say(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Name"] == DISTRIBUTION
    extras = project["optional-dependencies"]
    references = [r for extra in extras.values() for r in extra if r.startswith("colorizer")]
    assert references
    for reference in references:
        distribution, _, names = reference.rstrip("]").partition("[")
        assert distribution == DISTRIBUTION
        assert set(names.split(",")) <= set(extras)


def base_install(wheel: Path) -> set[str]:
    """Return the distributions that `pip install` of the wheel without extras brings besides it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        needed = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    found: set[str] = set()
    for text in (pending := list(needed)):
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            found.add(name)
            pending += requires(name) or ()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, and of our libraries those that it needs itself."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--quiet", f"--python={python}")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=environment)
    show = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", show, cwd=environment).strip())
    libraries = Path(sysconfig.get_path("purelib"))
    for name in base_install(wheel):
        for top in {path.parts[0] for path in files(name) or ()} - {"..", "__pycache__"}:
            (packages / top).symlink_to(libraries / top)
    where = run(python, "-c", "import colorizer; print(colorizer.__file__)", cwd=environment)
    assert Path(where.strip()).is_relative_to(packages)
    return environment / "bin"


@pytest.mark.slow
def test_an_installed_wheel_colors_photographs_without_pytorch(
    installed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.radial_gradient("L").save(tmp_path / "photo.png")
    Image.linear_gradient("L").save(folder / "one.jpg")
    Image.radial_gradient("L").save(folder / "two.png")
    run(installed / "colorize", "photo.png", cwd=tmp_path)
    run(installed / "colorize", "folder", cwd=tmp_path)
    for name in ("photo_colorized.png", "folder_colorized/one.jpg", "folder_colorized/two.png"):
        with Image.open(tmp_path / name) as colored:
            rgb = np.asarray(colored)
        assert rgb.shape == (256, 256, 3)
        assert np.ptp(rgb, axis=2).max() > 5
    assert run(installed / "colorizer", "models", cwd=tmp_path).startswith("shipped ")


@pytest.mark.slow
def test_another_model_than_the_one_that_ships_needs_the_extra(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"")
    Image.radial_gradient("L").save(tmp_path / "photo.png")
    command = (installed / "colorize", "photo.png", "--model", "other.safetensors")
    done = attempt(*command, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        f"error: other.safetensors needs PyTorch: pip install '{DISTRIBUTION}[torch]'\n"
    )
