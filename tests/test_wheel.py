"""What `pip install` brings: built, looked into, installed in a fresh environment, and used."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizer.errors import DISTRIBUTION

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
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
        "data/share/colorizer/colorizer.safetensors"
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


def test_an_installed_wheel_colors_a_photograph(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--quiet", f"--python={python}")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    show = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", show, cwd=tmp_path).strip())
    libraries = sysconfig.get_path("purelib")  # ours, except for this package
    (packages / "libraries.pth").write_text(libraries)
    where = run(python, "-c", "import colorizer; print(colorizer.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(packages)

    Image.radial_gradient("L").save(tmp_path / "photo.png")
    run(environment / "bin" / "colorize", "photo.png", cwd=tmp_path)
    with Image.open(tmp_path / "photo_colorized.png") as colored:
        rgb = np.asarray(colored)
    assert rgb.shape == (256, 256, 3)
    assert np.ptp(rgb, axis=2).max() > 5
