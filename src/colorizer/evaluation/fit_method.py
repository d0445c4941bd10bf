"""What a method, no network of this project's, has to know of photographs that it learns from."""

import hashlib
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from colorizer.evaluation.encoder import Encoder
from colorizer.inference.colorizer import Colorizer
from colorizer.inference.similar import fit_index
from colorizer.methods.hints import LONGER_SIDE
from colorizer.methods.registry import BY_REFERENCE, Picture, load_module
from colorizer.params import Params
from colorizer.paths import SHIPPED
from colorizer.photo.parallel import map_photos, one_thread_each
from colorizer.training.run_record import RunRecord, fingerprint, git_commit

SIMILAR, NETWORKS = "similar.npz", "networks.npz"
"""What is written: where similar photographs are found, and cheng2015's networks."""

CODE = Path(__file__).parents[1] / "methods"


def fit_method(
    name: str,
    ids: Sequence[str],
    read: Callable[[str], Picture],
    folder: Path,
    load: Callable[[], Encoder],
) -> None:
    """Write what a method has to know.

    Of those that take references, that is what each photograph shows, so that similar ones can be
    found; of cheng2015, its networks; of levin2004, nothing; of similar, the index that `--like
    auto` searches.

    Args:
        name: one of `METHODS`.
        ids: the photographs'.
        read: reads one.
        folder: where it is written; made if it is not there.
        load: loads the encoder that says what photographs show.

    Raises:
        UsageError: if there is no such method.
        MissingExtraError: if what it needs is not installed.
    """
    method = load_module(name)
    folder.mkdir(parents=True, exist_ok=True)
    if name in BY_REFERENCE:
        encoder = load()
        with one_thread_each():
            found = map_photos(lambda photo_id: encoder.descriptor(read(photo_id)), ids)
            bar = tqdm(found, total=len(ids), desc=name, unit="photo", disable=None)
            np.savez(folder / SIMILAR, ids=np.array(ids), descriptors=np.stack(list(bar)))
    if name == "similar":
        fit_index(Colorizer.from_file(SHIPPED), ids, read).save(folder)
    if name == "cheng2015":
        method.fit(map(read, ids), load().features).save(folder / NETWORKS)


def describe_fit(name: str, params: Params, ids: Sequence[str]) -> RunRecord:
    """Return the record of a method that is about to be fitted on photographs, by their ids."""
    asked = {"method": name, "methods": params.active.methods.model_dump()}
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    data = {"train": {"photographs": len(ids), "size": LONGER_SIDE, "digest": digest}}
    return RunRecord(
        fingerprint=fingerprint({"params": asked, "data": data}, CODE.glob("*.py")),
        model=name,
        profile=params.profile,
        params=asked,
        data=data,
        machine={"device": "cpu", "python": platform.python_version()},
        commit=git_commit(),
        stage=os.environ.get("DVC_STAGE", ""),
        experiment=os.environ.get("DVC_EXP_NAME", ""),
        started_at=int(1000 * time.time()),
    )
