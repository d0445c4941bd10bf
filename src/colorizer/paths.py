"""Folders: what the stages write and what outlives a run; files are written atomically."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, is_out_of_memory, one_line

SHIPPED = Path("models/pretrained/colorizer.safetensors")
"""The weights that come with the project, whose encoder says what photographs show."""


@dataclass(frozen=True)
class Paths:
    """The folders of one profile, as dvc.yaml names them."""

    profile: str

    @property
    def data(self) -> Path:
        """archives/, color.csv, split.csv, lab/ and references/."""
        return Path("data") / self.profile

    @property
    def archives(self) -> Path:
        """The zip files."""
        return self.data / "archives"

    @property
    def lab(self) -> Path:
        """The LAB arrays."""
        return self.data / "lab"

    @property
    def references(self) -> Path:
        """The photographs that models are scored on."""
        return self.data / "references"

    @property
    def report(self) -> Path:
        """The comparison of the models."""
        return Path("reports") / self.profile

    def baselines(self, subset: str) -> Path:
        """Return the folder of the baselines' scores on a subset, a folder each."""
        return Path("evaluation") / self.profile / "baselines" / subset

    @property
    def compared(self) -> Path:
        """The digests of what is compared, a file for each network and method."""
        return Path("evaluation") / self.profile / "compared"

    def run(self, model: str) -> Path:
        """Return the folder of a model's training."""
        return Path("models") / self.profile / model

    def evaluation(self, model: str) -> Path:
        """Return the folder of a model's scores."""
        return Path("evaluation") / self.profile / model

    def timing(self, stage: str) -> Path:
        """Return the file of when and how fast a stage ran: all that a second run changes."""
        return Path("timing") / self.profile / f"{stage}.json"


def project_root() -> Path:
    """Return the repository's root: checkpoints, partial downloads and MLflow's database lie there.

    DVC sets `DVC_ROOT` to the repository that started a stage, even while `dvc exp run --temp` runs
    it in a temporary copy.
    """
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what reading a damaged out of the pipeline raises into a line that helps.

    Args:
        path: what is read.

    Raises:
        ColorizerError: if it is damaged, or a folder where a file should be.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, EOFError, IsADirectoryError) as error:
        if is_out_of_memory(error):
            raise
        raise ColorizerError(
            f"{path} is damaged ({one_line(error)}): `dvc repro` makes it anew"
        ) from error


def read_json(path: Path) -> Any:
    """Read an out of the pipeline in JSON.

    Raises:
        ColorizerError: if it is damaged.
    """
    with readable(path):
        return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Let a file or a folder appear under its name only when it is whole.

    Args:
        path: its name; the folders that lead there are made. What has this name is replaced.

    Yields:
        Where to write it. An error leaves nothing, and what was there before as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        if unfinished.is_dir() and path.exists():
            _replace_folder(path, unfinished)
        else:
            unfinished.replace(path)


@contextmanager
def whole_or_none(folder: Path) -> Iterator[None]:
    """Make a folder that is too large to be written beside its place; an error removes it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _replace_folder(path: Path, new: Path) -> None:
    """Put a folder in another's place; whenever this is killed, the old or the new one is whole."""
    aside = Path(tempfile.mkdtemp(prefix=".replaced-", dir=path.parent))
    old = aside / path.name
    try:
        path.replace(old)
        new.replace(path)
    except BaseException:
        if old.exists():
            old.replace(path)
        aside.rmdir()
        raise
    shutil.rmtree(aside)
