"""The models side by side: tables, the study's figures 2, 3, 4 and 8, and the report."""

import hashlib
import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from colorizer.data.archive import decode_photo
from colorizer.data.references import References
from colorizer.evaluation.colored import on_shared, read_colored
from colorizer.evaluation.figures import architecture, save_figure
from colorizer.evaluation.grids import photo_grid
from colorizer.evaluation.predictions import Picture, by_network, first_places, show
from colorizer.evaluation.report import write_report
from colorizer.evaluation.tables import write_tables
from colorizer.inference.torch_network import TorchNetwork
from colorizer.paths import Paths, atomic_write

logger = logging.getLogger(__name__)

STUDY = ("model1", "model2", "model3")
"""The study's networks, whose layers figure 2 shows."""


def compare(
    paths: Paths,
    networks: Mapping[str, TorchNetwork],
    evaluations: Mapping[str, Mapping[str, Path]],
    curves: Figure,
    *,
    metric: str,
    count: int,
    methods: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Write the tables of each subset into a folder of its own, the figures, and the report.

    Figures and report show the photographs of the first subset, which decides. Where methods were
    scored on some photographs only, the comparison is on these.

    Args:
        paths: of the profile.
        networks: by model.
        evaluations: by subset, that which decides first, and by model, method or baseline: the
            folder that `write_scores` wrote.
        curves: the networks' learning curves.
        metric: the score that decides.
        count: photographs in figures 3 and 8.
        methods: the names of those, whose colored photographs lie with their scores.

    Returns:
        By subset, the table of metrics.
    """
    _forget_others(paths.compared, {*networks, *methods})
    folder, (decides, *others) = paths.report, evaluations
    if decides == "test":
        logger.warning("warning: the test scores decide: split.validation in params.yaml is 0")
    shared = {
        subset: on_shared(of, folder / subset / "scores") for subset, of in evaluations.items()
    }
    tables = {subset: write_tables(of, folder / subset) for subset, (of, _) in shared.items()}
    of_decides, ids = shared[decides]
    photos, read = References.open(paths.references, decides), partial(decode_photo, paths.archives)
    photos = photos if ids is None else photos.take([photos.ids.index(i) for i in ids])
    predict = {name: by_network(network, photos, read) for name, network in networks.items()}
    predict |= {name: read_colored(evaluations[decides][name], photos) for name in methods}
    draw_figures(networks, curves, show(predict, photos, first_places(photos, count)), folder)
    write_report(
        folder / "report.html",
        f"{paths.profile}: {', '.join(predict)}",
        of_decides,
        predict,
        photos,
        metric=metric,
        subset=decides,
        test=shared["test"][0] if others else None,
        curves=curves,
    )
    return tables


def _forget_others(folder: Path, names: Collection[str]) -> None:
    """Remove the digests of networks and methods that are no longer compared.

    Only those of the chosen are to make the comparison stale. The others' weights and scores stay,
    and if they are chosen again, DVC restores their digests from its cache.
    """
    for path in folder.glob("*.json"):
        if path.stem not in names:
            path.unlink()


def draw_figures(
    networks: Mapping[str, TorchNetwork],
    curves: Figure,
    pictures: Mapping[str, Sequence[Picture]],
    folder: Path,
) -> None:
    """Draw the study's figures.

    Args:
        networks: by model.
        curves: their learning curves.
        pictures: photographs in gray, in each network's colors and originally, as `show` has them.
        folder: where figure2_architectures.png, figure3_pairs.png, figure4_learning_curves.png and
            figure8_comparison.png go.
    """
    study = {name: n for name, n in networks.items() if n.metadata.model in STUDY}
    if study:
        size = next(iter(study.values())).metadata.size
        models = {name: network.model for name, network in study.items()}
        save_figure(architecture(models, size=size), folder / "figure2_architectures.png")
    save_figure(curves, folder / "figure4_learning_curves.png")
    pairs = {name: pictures[name] for name in ("gray", "original")}
    photo_grid(pairs).save(folder / "figure3_pairs.png")
    photo_grid(pairs | dict(pictures)).save(folder / "figure8_comparison.png")


def write_summary(
    path: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    profile: str,
    fingerprints: Mapping[str, str],
    best: str,
    photographs: Mapping[str, Any],
) -> None:
    """Write comparison.json, from which a comparison is logged to MLflow, now or later.

    Args:
        path: the file.
        tables: by subset of the photographs, of metrics, as `write_tables` returns it.
        profile: the block of params.yaml that it is of.
        fingerprints: by model, its training's.
        best: the model that becomes the champion.
        photographs: how many there are, and how many were dropped.
    """
    summary = {
        "fingerprint": comparison_fingerprint(fingerprints, tables),
        "profile": profile,
        "fingerprints": dict(fingerprints),
        "best": best,
        "photographs": dict(photographs),
    }
    path.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def write_times(path: Path, started_at: float) -> None:
    """Write when a comparison was made, which a second one of the same changes.

    Args:
        path: the file.
        started_at: when it began, seconds since 1970; it ends now.
    """
    times = {"started_at": int(started_at * 1000), "finished_at": int(time.time() * 1000)}
    with atomic_write(path) as unfinished:
        unfinished.write_text(json.dumps(times) + "\n", encoding="utf-8")


def comparison_fingerprint(
    fingerprints: Mapping[str, str], tables: Mapping[str, pd.DataFrame]
) -> str:
    """Name a comparison by what it compares: the runs' fingerprints and their scores."""
    scored = {subset: table.to_csv(index=False) for subset, table in tables.items()}
    text = json.dumps([dict(fingerprints), scored], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
