"""The record of a training on disk: its params, its data and its losses."""

import csv
import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from colorizer.errors import ColorizerError
from colorizer.paths import atomic_write, readable

WEIGHTS = "weights.safetensors"
OTHER_WEIGHTS = "weights_{subset}.safetensors"  # of the loss that the recipe does not select by
HISTORY = "history.csv"
RECORD = "run.json"
TIMED = ("commit", "stage", "experiment", "started_at", "finished_at")  # of a record
EPOCH_TIMED = ("images_per_second", "finished_at")  # of an epoch
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
    def read(cls, folder: Path, timing: Path | None = None) -> "RunRecord":
        """Read run.json from a run's folder, and from `timing` what `write_run` put there."""
        with readable(folder / RECORD):
            known = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            if timing is not None and not known.keys() >= set(TIMED):
                timed = _read_timing(timing)
                known |= {name: timed[name] for name in TIMED}
            return cls(**known)


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


def write_run(folder: Path, timing: Path, record: RunRecord, history: Sequence[Epoch]) -> None:
    """Write a finished training's record and history, apart from when and how fast it ran.

    So two trainings that make the same make the same files, to the byte.

    Args:
        folder: gets run.json and, if there are epochs, history.csv.
        timing: file that gets times, speeds, and the commit, stage and experiment that it ran in.
        record: the finished training's.
        history: of its epochs.
    """
    known, epochs = asdict(record), [asdict(epoch) for epoch in history]
    timed = {name: known.pop(name) for name in TIMED}
    timed["epochs"] = [{name: epoch[name] for name in EPOCH_TIMED} for epoch in epochs]
    for path, content in ((timing, timed), (folder / RECORD, known)):
        with atomic_write(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    names = [field.name for field in fields(Epoch) if field.name not in EPOCH_TIMED]
    if history:
        _write_rows(folder / HISTORY, names, history)


def write_history(path: Path, history: Iterable[Epoch]) -> None:
    """Write all that is known of epochs; an interrupted write leaves the earlier file."""
    _write_rows(path, [field.name for field in fields(Epoch)], history)


def read_history(path: Path, timing: Path | None = None) -> list[Epoch]:
    """Read what `write_history` wrote, or, from two files, what `write_run` did."""
    types = get_type_hints(Epoch)
    with readable(path):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if not lines or not lines[-1].endswith("\n"):
            raise ValueError("its last line is cut off")
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(lines)]
        read: list[dict[str, Any]] = [
            {k: int(v) if types[k] is int else float(v) for k, v in row.items()} for row in rows
        ]
    timed = None
    if timing is not None and not all(row.keys() >= set(EPOCH_TIMED) for row in read):
        timed = _read_timing(timing)["epochs"]
    with readable(path):
        if timed is not None:
            read = [row | times for row, times in zip(read, timed, strict=True)]
        return [Epoch(**row) for row in read]


def _write_rows(path: Path, names: Sequence[str], history: Iterable[Epoch]) -> None:
    rows = [[getattr(epoch, name) for name in names] for epoch in history]
    lines = [",".join("" if value is None else repr(value) for value in row) for row in rows]
    with atomic_write(path) as unfinished:
        unfinished.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")


def _read_timing(path: Path) -> dict[str, Any]:
    try:
        with readable(path):
            timed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return timed
    except FileNotFoundError:
        raise ColorizerError(
            f"{path} is missing, which the training left beside its models: `dvc checkout` or "
            "`dvc repro` brings it back"
        ) from None


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
