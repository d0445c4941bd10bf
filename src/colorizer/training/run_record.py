"""The record of a training on disk: its params, its data and its losses."""

import csv
import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from colorizer.paths import atomic_write

WEIGHTS = "weights.safetensors"
OTHER_WEIGHTS = "weights_{subset}.safetensors"  # of the loss that the recipe does not select by
HISTORY = "history.csv"
RECORD = "run.json"
GRIDS = "grids"

LOSSES = {
    "l2": "L2 on normalized ab",
    "huber": "Huber loss on normalized ab",
    "bins": "cross-entropy of bins",
}
"""A recipe's loss in words."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training photographs.

    Attributes:
        epoch: 1 is the first.
        train_loss: mean over the epoch's photographs, each under the weights of its moment.
        test_loss: mean over the test photographs under the epoch's last weights.
        images_per_second: training photographs a second.
        finished_at: milliseconds since 1970.
        validation_loss: mean over the validation photographs, as `test_loss`; None without any.
    """

    epoch: int
    train_loss: float
    test_loss: float
    images_per_second: float
    finished_at: int
    validation_loss: float | None = None


@dataclass(frozen=True)
class RunRecord:
    """What identifies a training, and what else is worth knowing of it.

    Attributes:
        fingerprint: the same for the same parameters, photographs and code, on any machine.
        model: a name in `list_models()`.
        profile: the block of params.yaml that it came from.
        params: that block's parts that shape the training, by name.
        data: by subset ("train", "test", and "validation" if there is one), the number of
            photographs and their digest.
        machine: device, precision and library versions.
        commit: git's, or "" outside a repository.
        stage: DVC's name for the stage, or "".
        experiment: the name of the `dvc exp run` that it is part of, or "".
        started_at: milliseconds since 1970.
        finished_at: the same; 0 while it runs.
        best_epoch: the epoch whose weights were kept; 0 while it runs.
    """

    fingerprint: str
    model: str
    profile: str
    params: dict[str, Any]
    data: dict[str, dict[str, Any]]
    machine: dict[str, str]
    commit: str
    stage: str
    experiment: str
    started_at: int
    finished_at: int = 0
    best_epoch: int = 0

    @property
    def loss(self) -> str:
        """What the training minimized, in words."""
        recipe = self.params.get("recipe", {})
        name = LOSSES.get(recipe.get("loss", "l2"), str(recipe.get("loss")))
        return name if recipe.get("uniform", 1) == 1 else f"{name}, rare colors counting more"

    def finished(self, *, at: int, best_epoch: int) -> "RunRecord":
        """Return the record of the training after its end."""
        return replace(self, finished_at=at, best_epoch=best_epoch)

    def write(self, folder: Path) -> None:
        """Write run.json into a run's folder."""
        with atomic_write(folder / RECORD) as unfinished:
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "RunRecord":
        """Read run.json from a run's folder."""
        return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))


def fingerprint(asked: Mapping[str, Any], code: Iterable[Path]) -> str:
    """Return a digest of all that a training's outcome depends on.

    Args:
        asked: parameters and data digests; anything that JSON can say.
        code: the source files that the outcome depends on.

    Returns:
        16 hexadecimal digits of a SHA-256.
    """
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for path in sorted(code, key=lambda path: path.as_posix()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def write_history(path: Path, history: Iterable[Epoch]) -> None:
    """Write history.csv; an interrupted write leaves the earlier file."""
    rows = [[getattr(epoch, f.name) for f in fields(Epoch)] for epoch in history]
    lines = [",".join("" if value is None else repr(value) for value in row) for row in rows]
    lines.insert(0, ",".join(f.name for f in fields(Epoch)))
    with atomic_write(path) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_history(path: Path) -> list[Epoch]:
    """Read what `write_history` wrote."""
    types = get_type_hints(Epoch)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    read: list[dict[str, Any]] = [
        {k: int(v) if types[k] is int else float(v) for k, v in row.items()} for row in rows
    ]
    return [Epoch(**row) for row in read]


def grid_path(folder: Path, epoch: int) -> Path:
    """Return where the sample grid of an epoch lies in a run's folder."""
    return folder / GRIDS / f"epoch_{epoch:04d}.png"


def list_grids(folder: Path) -> dict[int, Path]:
    """Return a run's sample grids by epoch."""
    return {int(p.stem.removeprefix("epoch_")): p for p in sorted((folder / GRIDS).glob("*.png"))}


def git_commit() -> str:
    """Return the commit that the code is at, or "" outside a repository or without git."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()
